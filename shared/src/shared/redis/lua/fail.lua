#!lua flags=allow-oom
-- fail: an attempt ended with an error: try again later, or end the job; a job out of attempts is a dead letter.
-- KEYS     see keyspace.lua; writes job, events, requests, leases, delayed, dead, counts, stats, feed; TTLs when
--          the job ends
-- ARGV     id, fence, seq (of the event), failure (JSON), wait_ms (before the next attempt; '': there is none),
--          usage (not yet counted: JSON, or '')
-- Returns  'retrying' | 'failed' | 'cancelled' | 'repeated' (this fence did it before: the reply was lost) | 'fenced'
--@include keyspace, json, emit, time, measure, settle, owner
local wait = tonumber(wait_ms)
local job, refused = owned(id, fence)
if not job then
  return refused
end
local now = now_ms()
local event_id = fence .. '-' .. seq
spend(id, job, usage)
if job.cancel == '1' then
  settle_cancelled(id, job, fence, now, event_id)
  write_tallies()
  return 'cancelled'
end
if wait and tonumber(job.attempt) < tonumber(job.max_attempts) then
  local due = now + wait
  leave(id, job)
  moved(job, 'scheduled')
  emit(id, job, event_id, 'retrying', object('error', json(failure), 'retry_at', rfc3339(due)), now)
  redis.call('HSET', K.job .. id, 'state', 'scheduled', 'entry', '', 'not_before', int(due), 'error', failure,
    'settled_fence', fence, 'worker', '', 'eta', '', 'worked', worked(job, now), 'journal_bytes', job.journal_bytes)
  redis.call('ZADD', K.delayed .. job.phase, int(due), id)
  write_tallies()
  return 'retrying'
end
if wait then
  bury(id, job, now)
end
settle_failed(id, job, fence, now, event_id, failure)
write_tallies()
return 'failed'
