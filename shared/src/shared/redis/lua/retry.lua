#!lua flags=allow-oom
-- retry: begin a failed or cancelled job again: a new run of the same id, from its checkpoint, attempts counted afresh.
-- KEYS     see keyspace.lua; writes job, events, requests, dead, feed; drops job_result; takes the TTLs off the others
-- ARGV     1 id  2 request_id of who asks
-- Returns  'retried' (also where the same request did it before: the reply was lost) | 'unknown' | the state of a job
--          that is neither failed nor cancelled
--@include keyspace, emit
local id, request_id = ARGV[1], ARGV[2]
local job = load(id)
if not job then
  return 'unknown'
end
if job.state ~= 'failed' and job.state ~= 'cancelled' then
  return job.run ~= '1' and job.request_id == request_id and 'retried' or job.state
end

local now = now_ms()
local fence = int(tonumber(job.fence) + 1)
for _, family in ipairs({K.job, K.events, K.payload, K.artifact, K.heads, K.blobs, K.writes}) do
  redis.call('PERSIST', family .. id)
end
redis.call('UNLINK', K.result .. id)
redis.call('ZREM', K.dead, id)
local entry = redis.call('XADD', K.requests .. job.band, '*', 'id', id)
redis.call('HSET', K.job .. id, 'state', 'queued', 'run', int(tonumber(job.run) + 1), 'run_fence', fence,
  'fence', fence, 'settled_fence', '', 'attempt', '0', 'entry', entry, 'cancel', '', 'queued_at', int(now),
  'started_at', '', 'finished_at', '', 'not_before', '', 'percent', '0', 'step', '', 'message', '', 'eta', '',
  'worker', '', 'error', '', 'result_expires_at', '', 'request_id', request_id)
job.request_id = request_id
emit(id, job, fence .. '-0', 'queued', '{"band":"' .. job.band .. '","reason":"retried"}', now)
return 'retried'
