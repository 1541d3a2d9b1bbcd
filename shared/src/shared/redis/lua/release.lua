#!lua flags=allow-oom
-- release: give a running job back, see giveback.lua. A job whose end was asked for is cancelled instead.
-- KEYS     see keyspace.lua; writes job, events, leases, control, counts, feed; when cancelled what settle.lua writes
-- ARGV     1 id  2 fence  3 seq of a terminal event  4 usage not yet counted (JSON) or ''
-- Returns  'released' | 'cancelled' | 'repeated' | 'fenced'
--@include keyspace, emit, measure, settle, owner, giveback
local id, fence = ARGV[1], ARGV[2]
local job, refused = owned(id, fence)
if not job then
  return refused
end
local now = now_ms()
spend(id, job, ARGV[4])
if job.cancel == '1' then
  settle_cancelled(id, job, fence, now, fence .. '-' .. ARGV[3])
  write_tallies()
  return 'cancelled'
end
give_back(id, job, now)
write_tallies()
return 'released'
