#!lua flags=allow-oom
-- take_export: the file that a worker is to make next. Nobody else is given it until the worker had its time; after
-- the last try that came to nothing it is given up.
-- KEYS     see keyspace.lua; reads job, job_result; writes export, exports
-- ARGV     time_ms (to make it), most_tries
-- Returns  {id, format, when the job finished, ms, or '': the record is gone} | {}: none is due
--@include keyspace, json, export
local now = now_ms()
for _, due in ipairs(redis.call('ZRANGEBYSCORE', K.exports, '-inf', int(now), 'LIMIT', 0, 100)) do
  local id, format = due:match('^([^|]+)|(.*)$')
  local tries = tonumber(redis.call('HGET', K.export .. id, 'tried:' .. format) or 0)
  if tries >= tonumber(most_tries) then
    settle_unmade(id, format, object('code', 'export_lost',
      'message', 'In each of ' .. tries .. ' tries the worker died, was too slow, or had no room for the file.',
      'retryable', true))
  elseif keep(id, 'tried:' .. format, tries + 1) then
    redis.call('ZADD', K.exports, int(now + tonumber(time_ms)), due)
    return {id, format, redis.call('HGET', K.job .. id, 'finished_at') or ''}
  else
    redis.call('ZREM', K.exports, due)
  end
end
return {}
