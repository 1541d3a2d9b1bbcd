#!lua flags=allow-oom
-- pause: let no worker claim jobs of the kind, or let them again. What runs goes on; a lease that ends meanwhile waits.
-- KEYS     see keyspace.lua; writes paused, control
-- ARGV     1 kind  2 'pause' | 'resume'
-- Returns  1 if that changed something
--@include keyspace
if ARGV[2] == 'pause' then
  return redis.call('HSETNX', K.paused, ARGV[1], int(now_ms()))
end
wake(ARGV[1], 'resume', '')
return redis.call('HDEL', K.paused, ARGV[1])
