#!lua
-- put_export: store a file that was asked for, or why there is none, or give it back to be made by another worker.
-- Not allow-oom: it may be large. What was refused is made again later.
-- KEYS     see keyspace.lua; reads job, job_result; writes export, exports, control
-- ARGV     id, format, made_of (when the job finished, ms, or ''), outcome ('file' | 'failed' | 'back'),
--          content (the file, or why there is none: JSON, or '')
-- Returns  'ok' | 'expired': the result it was made of is gone
--@include keyspace, export
if redis.call('EXISTS', K.result .. id) == 0 then
  redis.call('ZREM', K.exports, member(id, format))
  return 'expired'
end
-- The id may have been given to a new job since, with a result of its own.
local finished = redis.call('HGET', K.job .. id, 'finished_at')
if finished and finished ~= made_of then
  return 'expired'
end
if outcome == 'file' then
  settle_export(id, format, format, content)
elseif outcome == 'failed' then
  settle_unmade(id, format, content)
elseif redis.call('ZSCORE', K.exports, member(id, format)) then
  local tries = tonumber(redis.call('HGET', K.export .. id, 'tried:' .. format) or 0)
  keep(id, 'tried:' .. format, math.max(0, tries - 1))
  redis.call('ZADD', K.exports, int(now_ms()), member(id, format))
  wake('document', 'export', id)
end
return 'ok'
