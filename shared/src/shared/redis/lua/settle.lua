-- settle: the end of a job, reached through here only, after the caller saw that it is not terminal.

-- Take the job out of its stream, its lease and its schedule.
local function leave(id, job)
  if job.entry ~= '' then
    local stream = banded(K.requests, job)
    redis.pcall('XACK', stream, GROUP, job.entry)
    redis.call('XDEL', stream, job.entry)
  end
  redis.call('ZREM', (job.state == 'scheduled' and K.delayed or K.leases) .. job.phase, id)
end

-- Every key of the job gets its TTL. The work in progress of a completed job goes with its result; that of a
-- failed or cancelled one stays as long as the record, for a retry.
local function expire(id, job, state)
  local record = state == 'failed' and job.failed_ttl or job.record_ttl
  local work = state == 'completed' and job.result_ttl or record
  for _, family in ipairs({K.job, K.events}) do
    redis.call('EXPIRE', family .. id, record)
  end
  for _, family in ipairs({K.payload, K.artifact, K.heads, K.blobs, K.writes}) do
    redis.call('EXPIRE', family .. id, work)
  end
end

-- What follows `data` are further fields of the record and their values.
local function settle(id, job, state, fence, now, event_id, data, ...)
  leave(id, job)
  moved(job, state)
  local ran = state ~= 'cancelled' and job.started_at ~= ''
  tally(job, ran and state .. ':' .. bucket(now - tonumber(job.started_at) - tonumber(job.reviewed or 0)) or state, now)
  emit(id, job, event_id, state, data, now)
  redis.call('HSET', K.job .. id, 'state', state, 'entry', '', 'finished_at', int(now), 'fence', int(fence),
    'settled_fence', int(fence), 'cancel', '', 'journal_bytes', job.journal_bytes, ...)
  expire(id, job, state)
end

local function settle_cancelled(id, job, fence, now, event_id)
  settle(id, job, 'cancelled', fence, now, event_id, object(), 'eta', '')
end

local function settle_failed(id, job, fence, now, event_id, failure)
  settle(id, job, 'failed', fence, now, event_id, object('error', json(failure)), 'error', failure, 'eta', '')
end

-- A dead letter stays as long as the failed job it names; then sweep drops it.
local function bury(id, job, now)
  redis.call('ZADD', banded(K.dead, job), int(now), id)
end
