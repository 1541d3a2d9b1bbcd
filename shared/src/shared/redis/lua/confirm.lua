#!lua flags=allow-oom
-- confirm: a write of this very connection. WAIT counts the replicas that have its connection's last write, and with it
-- all that was written before; without a write of its own it would answer for nothing.
-- KEYS     see keyspace.lua; writes confirmed
-- ARGV     none
-- Returns  'ok'
--@include keyspace
redis.call('SET', K.confirmed, int(now_ms()), 'EX', 60)
return 'ok'
