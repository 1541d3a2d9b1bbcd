#!lua flags=allow-oom
-- retry: begin a failed or cancelled job again, see again.lua.
-- KEYS     see keyspace.lua; writes job, events, requests, dead, feed; drops job_result; takes the TTLs off the others
-- ARGV     id, request_id (of the request that asks)
-- Returns  'retried' (also where the same request did it before: the reply was lost) | 'unknown' | the state of a job
--          that is neither failed nor cancelled
--@include keyspace, json, emit, again
local job = load(id)
if not job then
  return 'unknown'
end
if job.state ~= 'failed' and job.state ~= 'cancelled' then
  return asked_before(job, request_id) and 'retried' or job.state
end
run_again(id, job, request_id)
return 'retried'
