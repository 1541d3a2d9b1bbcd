#!lua
-- submit: accept a job once. Writes the record, the request, the first event, and the entry in the request stream
-- or, for a later start, in the schedule.
-- KEYS     see keyspace.lua; writes job, payload, events, requests, delayed, feed; drops what an expired job of this id
--          may have left
-- ARGV     1 id  2 digest of the body  3 kind  4 band  5 priority  6 max_attempts  7 request_id  8 metadata (JSON)
--          9 payload  10 delay, ms ('0': none)  11 not before, ms ('0': none)
--          12 result TTL, s  13 record TTL, s  14 failed TTL, s
-- Returns  'created' | 'replayed' (same id, equal body) | 'conflict' (same id, another body)
--@include keyspace, emit, time
local id, digest = ARGV[1], ARGV[2]
local known = redis.call('HGET', K.job .. id, 'digest')
if known then
  return known == digest and 'replayed' or 'conflict'
end

local now = now_ms()
local due = tonumber(ARGV[11])
if tonumber(ARGV[10]) > 0 then
  due = now + tonumber(ARGV[10])
end
local scheduled = due > now
local entry, queued_at = '', ''
if scheduled then
  redis.call('ZADD', K.delayed, int(due), id)
else
  entry = redis.call('XADD', K.requests .. ARGV[4], '*', 'id', id)
  queued_at = int(now)
end

-- A result may outlive its record; a new job must find neither it nor work that expires under its hands.
for _, family in ipairs({K.events, K.result, K.artifact, K.heads, K.blobs, K.writes}) do
  redis.call('UNLINK', family .. id)
end
redis.call('SET', K.payload .. id, ARGV[9])
redis.call('HSET', K.job .. id,
  'digest', digest, 'kind', ARGV[3], 'band', ARGV[4], 'priority', ARGV[5], 'max_attempts', ARGV[6],
  'request_id', ARGV[7], 'metadata', ARGV[8], 'state', scheduled and 'scheduled' or 'queued',
  'run', '1', 'run_fence', '1', 'fence', '1', 'settled_fence', '', 'attempt', '0', 'entry', entry, 'cancel', '',
  'created_at', int(now), 'queued_at', queued_at, 'started_at', '', 'finished_at', '',
  'not_before', scheduled and int(due) or '', 'percent', '0', 'step', '', 'message', '', 'eta', '',
  'worker', '', 'error', '', 'trimmed', '',
  'result_ttl', ARGV[12], 'record_ttl', ARGV[13], 'failed_ttl', ARGV[14])

local job = {kind = ARGV[3], request_id = ARGV[7]}
if scheduled then
  emit(id, job, '1-0', 'scheduled', '{"not_before":"' .. rfc3339(due) .. '"}', now)
else
  emit(id, job, '1-0', 'queued', '{"band":"' .. ARGV[4] .. '","reason":"submitted"}', now)
end
return 'created'
