#!lua flags=allow-oom
-- finish: store the result and complete the job, unless its end was asked for meanwhile.
-- KEYS     see keyspace.lua; writes job, events, job_result, requests, leases, counts, stats, feed; TTLs on
--          all keys of the job
-- ARGV     1 id  2 fence  3 seq of the terminal event  4 result (JSON object without `usage`)  5 link to the result
--          6 usage not yet counted (JSON) or ''
-- Returns  'completed' | 'cancelled' | 'repeated' (this fence settled it before: the reply was lost) | 'fenced'
--@include keyspace, emit, measure, settle, owner
local INLINE_BYTES = 16384
local id, fence = ARGV[1], ARGV[2]
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

local usage = usage_json(job)
local separator = ARGV[4]:find('^{%s*}$') and '' or ','
local result = ARGV[4]:sub(1, -2) .. separator .. '"usage":' .. usage .. '}'
redis.call('SET', K.result .. id, result, 'EX', job.result_ttl)
local shown = #result <= INLINE_BYTES and '"result":' .. result or '"result_link":"' .. ARGV[5] .. '"'
local data = '{' .. shown .. string.format(
  ',"duration_seconds":%.3f,"usage":%s}', math.max(0, now - tonumber(job.started_at)) / 1000, usage)
settle(id, job, 'completed', fence, now, event_id, data, 'percent', '100', 'eta', int(now), 'error', '',
  'result_expires_at', int(now + tonumber(job.result_ttl) * 1000))
write_tallies()
return 'completed'
