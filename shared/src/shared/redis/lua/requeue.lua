#!lua flags=allow-oom
-- requeue: begin a dead letter again, see again.lua.
-- KEYS     see keyspace.lua; writes job, events, requests, dead, feed; drops job_result; takes the TTLs off the others
-- ARGV     id, request_id (of the request that asks)
-- Returns  'requeued' (also where the same request did it before: the reply was lost) | 'unknown': no dead letter
--@include keyspace, json, emit, again
local job = load(id)
if not job then
  return 'unknown'
end
if job.state ~= 'failed' or not redis.call('ZSCORE', banded(K.dead, job), id) then
  return not terminal(job.state) and asked_before(job, request_id) and 'requeued' or 'unknown'
end
run_again(id, job, request_id)
return 'requeued'
