#!lua
-- put_outline: a new version of an outline that may be changed: it waits for a person, or is what an outline job made.
-- Of two that change the same version one wins. What is changed after the job has ended keeps for as long as it would
-- if it had ended now.
-- KEYS     see keyspace.lua; reads job_result; writes job, artifact, events, feed; TTLs of a job that has ended
-- ARGV     id, base (version that is changed), changed (the new one: JSON), unchanged (the old one: JSON, kept where it
--          is not yet there), digest (of the change), event (its data: JSON), most_versions, most_bytes (of them all)
-- Returns  'ok' | 'repeated': this very change led to the latest | 'changed': there is a later version | 'full' |
--          'expired': the result is gone | 'unknown' | 'closed': it can not be changed in this state
--@include keyspace, emit
base = tonumber(base)
local job = load(id)
if not job then
  return 'unknown'
end
local latest = tonumber(job.outline_version or '') or 1
if latest == base + 1 and job.outline_change == digest then
  return 'repeated'
end
local ended = job.kind == 'outline' and job.state == 'completed'
if not ended and job.state ~= 'awaiting_review' then
  return 'closed'
end
if latest ~= base then
  return 'changed'
end
local bytes = tonumber(job.outline_bytes or 0) + #changed
if latest >= tonumber(most_versions) or bytes > tonumber(most_bytes) then
  return 'full'
end
if ended and redis.call('EXISTS', K.result .. id) == 0 then
  return 'expired'
end

local now = now_ms()
redis.call('HSETNX', K.artifact .. id, 'outline:' .. int(base), unchanged)
redis.call('HSET', K.artifact .. id, 'outline:' .. int(base + 1), changed)
redis.call('HSET', K.job .. id, 'outline_version', int(base + 1), 'outline_change', digest,
  'outline_bytes', int(bytes))
if ended then
  for _, family in ipairs({K.job, K.events}) do
    redis.call('EXPIRE', family .. id, job.record_ttl)
  end
  for _, family in ipairs({K.result, K.payload, K.artifact}) do
    redis.call('EXPIRE', family .. id, job.result_ttl)
  end
  redis.call('HSET', K.job .. id, 'result_expires_at', int(now + tonumber(job.result_ttl) * 1000))
else
  local fence = int(tonumber(job.fence) + 1)
  emit(id, job, fence .. '-0', 'outline_changed', event, now)
  redis.call('HSET', K.job .. id, 'fence', fence, 'journal_bytes', job.journal_bytes)
end
return 'ok'
