#!lua flags=allow-oom
-- heartbeat: a worker says that it lives and what it does, and hears what it is ordered to do.
-- KEYS     see keyspace.lua; writes worker, workers
-- ARGV     1 worker  2 how long it counts as alive, ms  3 the order it follows  4 when that was given, ms; kept where
--          the registry knows an older one, or none  then field, value
-- Returns  {its order: '' | 'drain' | 'shutdown' | 'restart', when it was given}
--@include keyspace
local key, now, life = K.worker .. ARGV[1], now_ms(), tonumber(ARGV[2])
if tonumber(ARGV[4]) > tonumber(redis.call('HGET', key, 'ordered_at') or -1) then
  redis.call('HSET', key, 'order', ARGV[3], 'ordered_at', ARGV[4])
end
redis.call('HSET', key, 'heartbeat_at', int(now), unpack(ARGV, 5))
redis.call('PEXPIRE', key, int(life))
redis.call('ZADD', K.workers, int(now + life), ARGV[1])
redis.call('ZREMRANGEBYSCORE', K.workers, '-inf', int(now))
-- When the last worker is gone, nobody is left to clear up.
if redis.call('PTTL', K.workers) < 2 * life then
  redis.call('PEXPIRE', K.workers, int(2 * life))
end
return redis.call('HMGET', key, 'order', 'ordered_at')
