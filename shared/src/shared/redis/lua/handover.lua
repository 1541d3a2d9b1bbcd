#!lua flags=allow-oom
-- handover: the plan of a document is made. The job goes to those who write it, or waits for a person where that was
-- asked for; an end that was asked for meanwhile comes first. The attempts of the writing are counted afresh, its work
-- and usage go on. What the planning left of checkpoints is of another graph.
-- KEYS     see keyspace.lua; writes job, events, artifact, requests, leases, counts, feed; deletes the checkpoints;
--          when cancelled what settle.lua writes
-- ARGV     1 id  2 fence  3 seq of the event  4 version of the outline  5 that version (JSON), stored where it is not
--          yet  6 the outline and the link to it, as the end of a JSON object  7 usage not yet counted (JSON) or ''
-- Returns  'handed_over' | 'awaiting_review' | 'cancelled' | 'repeated': this fence let it wait before | 'fenced': also
--          where this fence handed it over before, and the reply was lost
--@include keyspace, emit, measure, settle, owner, writing
local id, fence, version = ARGV[1], ARGV[2], ARGV[4]
local job, refused = owned(id, fence)
if not job then
  return refused
end
local now = now_ms()
local event_id = fence .. '-' .. ARGV[3]
spend(id, job, ARGV[7])
if job.cancel == '1' then
  settle_cancelled(id, job, fence, now, event_id)
  write_tallies()
  return 'cancelled'
end

local waits = job.review == 'wanted'
leave(id, job)
redis.call('HSETNX', K.artifact .. id, 'outline:' .. version, ARGV[5])
for _, family in ipairs({K.heads, K.blobs, K.writes}) do
  redis.call('UNLINK', family .. id)
end
emit(id, job, event_id, 'outline_ready',
  '{"version":' .. version .. ',"awaiting_review":' .. tostring(waits) .. ',' .. ARGV[6], now)
redis.call('HSET', K.job .. id, 'outline_version', version, 'error', '', 'worker', '', 'eta', '', 'attempt', '0',
  'worked', worked(job, now), 'journal_bytes', job.journal_bytes)
if waits then
  moved(job, 'awaiting_review')
  redis.call('HSET', K.job .. id, 'state', 'awaiting_review', 'entry', '', 'settled_fence', fence,
    'review_since', int(now), 'step', 'review', 'message', 'Waiting for approval')
else
  to_writing(id, job, 'outline_ready', now)
end
write_tallies()
return waits and 'awaiting_review' or 'handed_over'
