#!lua
-- submit: accept a job once. Writes the record, the request, the first event, and the entry in the request stream
-- or, for a later start, in the schedule.
-- KEYS     see keyspace.lua; writes job, payload, events, requests, delayed, index, counts, feed, artifact; drops what
--          an expired job of this id may have left
-- ARGV     id, digest (of the body), delay_ms ('0': none), not_before_ms ('0': none), payload, record (field, value for
--          each that the request tells), work (field, value for each piece that it begins with)
-- Returns  'created' | 'replayed' (same id, equal body) | 'conflict' (same id, another body)
--@include keyspace, json, emit, time
local known = redis.call('HMGET', K.job .. id, 'digest', 'fence')
if known[1] then
  return known[1] == digest and 'replayed' or 'conflict'
end

local now = now_ms()
local fence = int(tonumber(known[2] or 0) + 1)
local due = tonumber(not_before_ms)
if tonumber(delay_ms) > 0 then
  due = now + tonumber(delay_ms)
end
local scheduled = due > now
local job = {}
for i = 1, #record, 2 do
  job[record[i]] = record[i + 1]
end
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
redis.call('UNLINK', K.events .. id, K.result .. id, K.export .. id, K.artifact .. id, K.heads .. id, K.blobs .. id,
  K.writes .. id)
if known[2] then
  redis.call('PERSIST', K.job .. id)
end
redis.call('SET', K.payload .. id, payload)
for i = 1, #work, 2 do
  redis.call('HSET', K.artifact .. id, work[i], work[i + 1])
end
moved(job, scheduled and 'scheduled' or 'queued')
if scheduled then
  emit(id, job, fence .. '-0', 'scheduled', object('not_before', rfc3339(due)), now)
else
  emit(id, job, fence .. '-0', 'queued', object('band', job.band, 'reason', 'submitted'), now)
end
redis.call('HSET', K.job .. id, 'digest', digest, 'state', scheduled and 'scheduled' or 'queued',
  'run', '1', 'run_fence', fence, 'fence', fence, 'settled_fence', '', 'attempt', '0', 'entry', entry, 'cancel', '',
  'created_at', int(now), 'queued_at', queued_at, 'started_at', '', 'finished_at', '',
  'not_before', scheduled and int(due) or '', 'percent', '0', 'step', '', 'message', '', 'eta', '',
  'worker', '', 'fetch', '', 'claimed_at', '', 'worked', '0',
  'error', '', 'trimmed', '', 'journal_bytes', job.journal_bytes, 'outline_version', '', unpack(record))
write_counts()
return 'created'
