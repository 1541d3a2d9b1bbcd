#!lua
-- submit: accept a job once. Writes the record, the request, the first event, and the entry in the request stream
-- or, for a later start, in the schedule.
-- KEYS     see keyspace.lua; writes job, payload, events, requests, delayed, index, counts, feed, artifact; drops what
--          an expired job of this id may have left
-- ARGV     1 id  2 digest of the body  3 kind  4 band  5 priority  6 max_attempts  7 request_id  8 metadata (JSON)
--          9 payload  10 delay, ms ('0': none)  11 not before, ms ('0': none)
--          12 result TTL, s  13 record TTL, s  14 failed TTL, s
--          15 soft time limit, ms  16 hard time limit, ms ('' each: the worker's own)
--          17 phase: the kind of the workers that take it first  18 'wanted' where a person has a say, or ''
--          19 parent  20 root  21 section  22 batch  23 most tokens  24 most USD ('' each where there is none)
--          then field, value for each piece of work that it begins with
-- Returns  'created' | 'replayed' (same id, equal body) | 'conflict' (same id, another body)
--@include keyspace, emit, time
local id, digest = ARGV[1], ARGV[2]
local known = redis.call('HMGET', K.job .. id, 'digest', 'fence')
if known[1] then
  return known[1] == digest and 'replayed' or 'conflict'
end

local now = now_ms()
local fence = int(tonumber(known[2] or 0) + 1)
local due = tonumber(ARGV[11])
if tonumber(ARGV[10]) > 0 then
  due = now + tonumber(ARGV[10])
end
local scheduled = due > now
local job = {kind = ARGV[3], phase = ARGV[17], band = ARGV[4], request_id = ARGV[7]}
local entry, queued_at = '', ''
if scheduled then
  redis.call('ZADD', K.delayed .. job.phase, int(due), id)
else
  entry = redis.call('XADD', banded(K.requests, job), '*', 'id', id)
  queued_at = int(now)
end

-- The index forgets as fast as it learns: of two jobs looked at by chance for each one added, those whose records have
-- expired go. Sweep takes the rest.
local index = K.index .. tenant(id)
redis.call('ZADD', index, int(now), id)
for _, other in ipairs(redis.call('ZRANDMEMBER', index, 2)) do
  if other ~= id and redis.call('HEXISTS', K.job .. other, 'state') == 0 then
    redis.call('ZREM', index, other)
  end
end

-- A result may outlive its record, and so may a dead letter; a new job must find neither, nor work that expires under
-- its hands.
for _, kind in ipairs(KINDS) do
  for _, band in ipairs(BANDS) do
    redis.call('ZREM', K.dead .. kind .. ':' .. band, id)
  end
end
for _, family in ipairs({K.events, K.result, K.export, K.artifact, K.heads, K.blobs, K.writes}) do
  redis.call('UNLINK', family .. id)
end
if known[2] then
  redis.call('PERSIST', K.job .. id)
end
redis.call('SET', K.payload .. id, ARGV[9])
for i = 25, #ARGV, 2 do
  redis.call('HSET', K.artifact .. id, ARGV[i], ARGV[i + 1])
end
moved(job, scheduled and 'scheduled' or 'queued')
if scheduled then
  emit(id, job, fence .. '-0', 'scheduled', '{"not_before":"' .. rfc3339(due) .. '"}', now)
else
  emit(id, job, fence .. '-0', 'queued', '{"band":"' .. ARGV[4] .. '","reason":"submitted"}', now)
end
redis.call('HSET', K.job .. id,
  'digest', digest, 'kind', ARGV[3], 'band', ARGV[4], 'priority', ARGV[5], 'max_attempts', ARGV[6],
  'request_id', ARGV[7], 'metadata', ARGV[8], 'state', scheduled and 'scheduled' or 'queued',
  'run', '1', 'run_fence', fence, 'fence', fence, 'settled_fence', '', 'attempt', '0', 'entry', entry, 'cancel', '',
  'created_at', int(now), 'queued_at', queued_at, 'started_at', '', 'finished_at', '',
  'not_before', scheduled and int(due) or '', 'percent', '0', 'step', '', 'message', '', 'eta', '',
  'worker', '', 'fetch', '', 'claimed_at', '', 'worked', '0', 'soft_limit', ARGV[15], 'hard_limit', ARGV[16],
  'error', '', 'trimmed', '', 'journal_bytes', job.journal_bytes,
  'phase', ARGV[17], 'review', ARGV[18], 'outline_version', '', 'parent', ARGV[19], 'root', ARGV[20],
  'section', ARGV[21], 'batch', ARGV[22], 'max_tokens', ARGV[23], 'max_cost', ARGV[24],
  'result_ttl', ARGV[12], 'record_ttl', ARGV[13], 'failed_ttl', ARGV[14])
write_counts()
return 'created'
