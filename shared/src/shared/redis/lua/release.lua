#!lua flags=allow-oom
-- release: give a running job back unharmed: its attempt does not count, its entry and so its place stay, its lease
-- ends now, and the workers are woken. A job whose end was asked for is cancelled instead.
-- KEYS     see keyspace.lua; writes job, events, leases, control, feed; when cancelled what settle.lua writes
-- ARGV     1 id  2 fence  3 seq of a terminal event  4 usage not yet counted (JSON) or ''
-- Returns  'released' | 'cancelled' | 'repeated' | 'fenced'
--@include keyspace, emit, settle, owner
local id, fence = ARGV[1], ARGV[2]
local job, refused = owned(id, fence)
if not job then
  return refused
end
local now = now_ms()
spend(id, ARGV[4])
if job.cancel == '1' then
  settle_cancelled(id, job, fence, now, fence .. '-' .. ARGV[3])
  return 'cancelled'
end
local next_fence = int(tonumber(fence) + 1)
redis.call('HSET', K.job .. id, 'state', 'queued', 'fence', next_fence, 'worker', '', 'queued_at', int(now),
  'attempt', int(tonumber(job.attempt) - 1))
redis.call('ZADD', K.leases, int(now), id)
emit(id, job, next_fence .. '-0', 'queued', '{"band":"' .. job.band .. '","reason":"released"}', now)
wake('released', id)
return 'released'
