#!lua flags=allow-oom
-- instruct: order workers to do something. The registry holds the order; the message makes it quick, and waits for a
-- worker that is cut off for longer than the registry remembers it.
-- KEYS     see keyspace.lua; reads workers; writes worker, control
-- ARGV     kind, order ('drain' | 'shutdown' | 'restart', or '' to work), worker ('' for all of the kind)
-- Returns  the workers that were told
--@include keyspace
local told, now = {}, int(now_ms())
for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.workers, now, '+inf')) do
  local key = K.worker .. name
  if (worker == '' or worker == name) and redis.call('HGET', key, 'kind') == kind then
    redis.call('HSET', key, 'order', order, 'ordered_at', now)
    redis.call('XADD', K.control .. kind, 'MAXLEN', '~', '1000', '*', 'what', 'order', 'id', name, 'order', order,
      'at', now)
    told[#told + 1] = name
  end
end
return told
