#!lua flags=allow-oom
-- pause: let no worker claim jobs of the kind, or let them again. What runs goes on; a lease that ends meanwhile waits.
-- KEYS     see keyspace.lua; writes paused, control
-- ARGV     kind, paused ('1', or '' to let them again)
-- Returns  1 if that changed something
--@include keyspace
if paused == '1' then
  return redis.call('HSETNX', K.paused, kind, int(now_ms()))
end
wake(kind, 'resume', '')
return redis.call('HDEL', K.paused, kind)
