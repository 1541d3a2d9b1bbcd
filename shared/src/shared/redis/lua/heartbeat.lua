#!lua flags=allow-oom
-- heartbeat: a worker says that it lives and what it does, and hears what it is ordered to do.
-- KEYS     see keyspace.lua; writes worker, workers
-- ARGV     1 worker  2 how long it counts as alive, ms  3 the order it follows ('' for none), kept where the registry
--          has forgotten it  then field, value
-- Returns  its order: '' | 'drain' | 'shutdown' | 'restart'
--@include keyspace
local key, now, life = K.worker .. ARGV[1], now_ms(), tonumber(ARGV[2])
redis.call('HSETNX', key, 'order', ARGV[3])
redis.call('HSET', key, 'heartbeat_at', int(now), unpack(ARGV, 4))
redis.call('PEXPIRE', key, int(life))
redis.call('ZADD', K.workers, int(now + life), ARGV[1])
redis.call('ZREMRANGEBYSCORE', K.workers, '-inf', int(now))
-- When the last worker is gone, nobody is left to clear up.
if redis.call('PTTL', K.workers) < 2 * life then
  redis.call('PEXPIRE', K.workers, int(2 * life))
end
return redis.call('HGET', key, 'order')
