-- again: a new run of a job that has ended: the same id, from its checkpoint, attempts counted afresh.
local function run_again(id, job, request_id)
  local now = now_ms()
  local fence = int(tonumber(job.fence) + 1)
  for _, family in ipairs({K.job, K.events, K.payload, K.artifact, K.heads, K.blobs, K.writes}) do
    redis.call('PERSIST', family .. id)
  end
  redis.call('UNLINK', K.result .. id, K.export .. id)
  redis.call('ZREM', banded(K.dead, job), id)
  local entry = redis.call('XADD', banded(K.requests, job), '*', 'id', id)
  job.request_id = request_id
  emit(id, job, fence .. '-0', 'queued', object('band', job.band, 'reason', 'retried'), now)
  redis.call('HSET', K.job .. id, 'state', 'queued', 'run', int(tonumber(job.run) + 1), 'run_fence', fence,
    'fence', fence, 'settled_fence', '', 'attempt', '0', 'entry', entry, 'cancel', '', 'queued_at', int(now),
    'started_at', '', 'finished_at', '', 'not_before', '', 'percent', '0', 'step', '', 'message', '', 'eta', '',
    'worker', '', 'worked', '0', 'reviewed', '0', 'error', '', 'result_expires_at', '', 'request_id', request_id,
    'journal_bytes', job.journal_bytes)
end

-- Whether this very request began the present run: its reply was lost.
local function asked_before(job, request_id)
  return job.run ~= '1' and job.request_id == request_id
end
