#!lua flags=allow-oom
-- sign_off: a worker ends and leaves the registry.
-- KEYS     see keyspace.lua; writes worker, workers
-- ARGV     worker
-- Returns  1 if it was there
--@include keyspace
redis.call('UNLINK', K.worker .. worker)
return redis.call('ZREM', K.workers, worker)
