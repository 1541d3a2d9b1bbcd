#!lua flags=allow-oom
-- sign_off: a worker ends and leaves the registry.
-- KEYS     see keyspace.lua; writes worker, workers
-- ARGV     1 worker
-- Returns  1 if it was there
--@include keyspace
redis.call('UNLINK', K.worker .. ARGV[1])
return redis.call('ZREM', K.workers, ARGV[1])
