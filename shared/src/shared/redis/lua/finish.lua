#!lua flags=allow-oom
-- finish: store the result and complete the job, unless its end was asked for meanwhile.
-- KEYS     see keyspace.lua; writes job, events, job_result, requests, leases, counts, stats, feed; TTLs on
--          all keys of the job
-- ARGV     id, fence, seq (of the terminal event), result (JSON object without `usage`),
--          usage (not yet counted: JSON, or '')
-- Returns  'completed' | 'cancelled' | 'repeated' (this fence settled it before: the reply was lost) | 'fenced'
--@include keyspace, json, emit, measure, settle, owner
local INLINE_BYTES = 16384
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

local used = spent(job)
local whole = with(result, 'usage', used)
redis.call('SET', K.result .. id, whole, 'EX', job.result_ttl)
-- The gateway adds a link where the result is left out.
local data = object(
  'result', #whole <= INLINE_BYTES and json(whole) or nil,
  'duration_seconds', math.max(0, now - tonumber(job.started_at)) / 1000,
  'usage', json(used))
settle(id, job, 'completed', fence, now, event_id, data, 'percent', '100', 'eta', int(now), 'error', '',
  'result_expires_at', int(now + tonumber(job.result_ttl) * 1000))
write_tallies()
return 'completed'
