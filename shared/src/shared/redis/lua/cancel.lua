#!lua flags=allow-oom
-- cancel: end a waiting job at once; ask the owner of a running one to end it.
-- KEYS     see keyspace.lua; writes job, events, requests, leases, delayed, control, counts, stats,
--          feed; TTLs when the job ends
-- ARGV     id
-- Returns  'asked' | 'cancelled' | 'completed' | 'failed' (too late) | 'unknown'
--@include keyspace, json, emit, measure, settle
local job = load(id)
if not job then
  return 'unknown'
end
if terminal(job.state) then
  return job.state
end
if job.state == 'running' then
  redis.call('HSET', K.job .. id, 'cancel', '1')
  wake(job.phase, 'cancel', id, job.fence)
  return 'asked'
end
if job.state == 'awaiting_review' then
  redis.call('HSET', K.job .. id, 'step', '', 'message', '')
end
local fence = tonumber(job.fence) + 1
settle_cancelled(id, job, fence, now_ms(), int(fence) .. '-0')
write_tallies()
return 'cancelled'
