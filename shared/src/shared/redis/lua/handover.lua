#!lua flags=allow-oom
-- handover: the plan of a document is made. The job goes to those who write it, or waits for a person where that was
-- asked for; an end that was asked for meanwhile comes first. The attempts of the writing are counted afresh, its work
-- and usage go on. What the planning left of checkpoints is of another graph.
-- KEYS     see keyspace.lua; writes job, events, artifact, requests, leases, counts, feed; deletes the checkpoints;
--          when cancelled what settle.lua writes
-- ARGV     id, fence, seq (of the event), version (of the outline), stored (that version: JSON, kept where it is not
--          yet there), outline (JSON, told where it is short), usage (not yet counted: JSON, or '')
-- Returns  'handed_over' | 'awaiting_review' | 'cancelled' | 'repeated': this fence let it wait before | 'fenced': also
--          where this fence handed it over before, and the reply was lost
--@include keyspace, json, emit, measure, settle, owner, writing
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

local waits = job.review == 'wanted'
leave(id, job)
redis.call('HSETNX', K.artifact .. id, 'outline:' .. version, stored)
for _, family in ipairs({K.heads, K.blobs, K.writes}) do
  redis.call('UNLINK', family .. id)
end
emit(id, job, event_id, 'outline_ready', object('version', tonumber(version), 'awaiting_review', waits,
  'outline', #outline <= INLINE_BYTES and json(outline) or cjson.null), now)
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
