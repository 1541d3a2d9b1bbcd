#!lua flags=allow-oom
-- heartbeat: a worker says that it lives and what it does, and hears what it is ordered to do.
-- KEYS     see keyspace.lua; writes worker, workers
-- ARGV     worker, life_ms (how long it counts as alive), order (that it follows; kept where the registry knows an
--          older one, or none), ordered_at (when that was given, ms), facts (field, value)
-- Returns  {its order: '' | 'drain' | 'shutdown' | 'restart', when it was given}
--@include keyspace
local key, now, life = K.worker .. worker, now_ms(), tonumber(life_ms)
if tonumber(ordered_at) > tonumber(redis.call('HGET', key, 'ordered_at') or -1) then
  redis.call('HSET', key, 'order', order, 'ordered_at', ordered_at)
end
redis.call('HSET', key, 'heartbeat_at', int(now), unpack(facts))
redis.call('PEXPIRE', key, int(life))
redis.call('ZADD', K.workers, int(now + life), worker)
redis.call('ZREMRANGEBYSCORE', K.workers, '-inf', int(now))
-- When the last worker is gone, nobody is left to clear up.
if redis.call('PTTL', K.workers) < 2 * life then
  redis.call('PEXPIRE', K.workers, int(2 * life))
end
return redis.call('HMGET', key, 'order', 'ordered_at')
