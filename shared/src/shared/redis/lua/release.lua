#!lua flags=allow-oom
-- release: give a running job back, see giveback.lua. A job whose end was asked for is cancelled instead.
-- KEYS     see keyspace.lua; writes job, events, leases, control, counts, feed; when cancelled what settle.lua writes
-- ARGV     id, fence, seq (of a terminal event), usage (not yet counted: JSON, or '')
-- Returns  'released' | 'cancelled' | 'repeated' | 'fenced'
--@include keyspace, json, emit, measure, settle, owner, giveback
local job, refused = owned(id, fence)
if not job then
  return refused
end
local now = now_ms()
spend(id, job, usage)
if job.cancel == '1' then
  settle_cancelled(id, job, fence, now, fence .. '-' .. seq)
  write_tallies()
  return 'cancelled'
end
give_back(id, job, now)
write_tallies()
return 'released'
