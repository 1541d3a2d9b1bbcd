#!lua flags=allow-oom
-- retry: begin a failed or cancelled job again, see again.lua.
-- KEYS     see keyspace.lua; writes job, events, requests, dead, feed; drops job_result; takes the TTLs off the others
-- ARGV     1 id  2 request_id of who asks
-- Returns  'retried' (also where the same request did it before: the reply was lost) | 'unknown' | the state of a job
--          that is neither failed nor cancelled
--@include keyspace, emit, again
local id, request_id = ARGV[1], ARGV[2]
local job = load(id)
if not job then
  return 'unknown'
end
if job.state ~= 'failed' and job.state ~= 'cancelled' then
  return asked_before(job, request_id) and 'retried' or job.state
end
run_again(id, job, request_id)
return 'retried'
