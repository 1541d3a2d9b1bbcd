#!lua flags=allow-oom
-- fail: an attempt ended with an error: try again later, or end the job; a job out of attempts is a dead letter.
-- KEYS     see keyspace.lua; writes job, events, requests, leases, delayed, dead, counts, stats, feed; TTLs when
--          the job ends
-- ARGV     1 id  2 fence  3 seq of the event  4 error (JSON)  5 wait before the next attempt, ms ('-1': permanent)
--          6 usage not yet counted (JSON) or ''
-- Returns  'retrying' | 'failed' | 'cancelled' | 'repeated' (this fence did it before: the reply was lost) | 'fenced'
--@include keyspace, emit, time, measure, settle, owner
local id, fence, failure, wait = ARGV[1], ARGV[2], ARGV[4], tonumber(ARGV[5])
local job, refused = owned(id, fence)
if not job then
  return refused
end
local now = now_ms()
local event_id = fence .. '-' .. ARGV[3]
spend(id, job, ARGV[6])
if job.cancel == '1' then
  settle_cancelled(id, job, fence, now, event_id)
  write_tallies()
  return 'cancelled'
end
if wait >= 0 and tonumber(job.attempt) < tonumber(job.max_attempts) then
  local due = now + wait
  leave(id, job)
  moved(job, 'scheduled')
  emit(id, job, event_id, 'retrying', '{"error":' .. failure .. ',"retry_at":"' .. rfc3339(due) .. '"}', now)
  redis.call('HSET', K.job .. id, 'state', 'scheduled', 'entry', '', 'not_before', int(due), 'error', failure,
    'settled_fence', fence, 'worker', '', 'eta', '', 'worked', worked(job, now), 'journal_bytes', job.journal_bytes)
  redis.call('ZADD', K.delayed .. job.phase, int(due), id)
  write_tallies()
  return 'retrying'
end
if wait >= 0 then
  bury(id, job, now)
end
settle_failed(id, job, fence, now, event_id, failure)
write_tallies()
return 'failed'
