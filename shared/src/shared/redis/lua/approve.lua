#!lua flags=allow-oom
-- approve: a person lets a planned document be written.
-- KEYS     see keyspace.lua; writes job, events, requests, counts, feed
-- ARGV     id, seen (version of the outline, or '' for whichever is the latest)
-- Returns  'approved' | 'already': it was approved before | 'changed': the outline is another one by now | 'unknown' |
--          the state of a job that waits for nobody
--@include keyspace, json, emit, writing
local job = load(id)
if not job then
  return 'unknown'
end
if job.state ~= 'awaiting_review' then
  return job.review == 'approved' and 'already' or job.state
end
if seen ~= '' and seen ~= job.outline_version then
  return 'changed'
end
local now = now_ms()
to_writing(id, job, 'approved', now)
redis.call('HSET', K.job .. id, 'review', 'approved',
  'reviewed', int(tonumber(job.reviewed or 0) + math.max(0, now - tonumber(job.review_since))))
write_counts()
return 'approved'
