#!lua
-- ask_export: ask for a file made of a finished document, and wake the workers. Asking again changes nothing.
-- Not allow-oom: a full server has no room for the file.
-- KEYS     see keyspace.lua; reads job, job_result; writes export, exports, control
-- ARGV     id, format, most (files that wait at once), failure_ms (how long a failure stands)
-- Returns  {'ready'} | {'waiting'} | {'failed', why (JSON)} | {'expired'}: the result is gone |
--          {'unfinished'}: there is no completed document | {'busy'}: too many are asked for
--@include keyspace, export
local job = redis.call('HMGET', K.job .. id, 'kind', 'state')
if job[1] ~= 'document' or job[2] ~= 'completed' then
  return {'unfinished'}
end
if redis.call('EXISTS', K.result .. id) == 0 then
  return {'expired'}
end
if redis.call('HEXISTS', K.export .. id, format) == 1 then
  return {'ready'}
end
if redis.call('ZSCORE', K.exports, member(id, format)) then
  return {'waiting'}
end
local now = now_ms()
local failed = redis.call('HMGET', K.export .. id, 'failed:' .. format, 'failed_at:' .. format)
if failed[1] and now - tonumber(failed[2]) < tonumber(failure_ms) then
  return {'failed', failed[1]}
end
if redis.call('ZCARD', K.exports) >= tonumber(most) then
  return {'busy'}
end
redis.call('HDEL', K.export .. id, 'failed:' .. format, 'failed_at:' .. format)
redis.call('ZADD', K.exports, int(now), member(id, format))
wake('document', 'export', id)
return {'waiting'}
