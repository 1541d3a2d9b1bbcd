#!lua flags=allow-oom
-- put_artifact: store a piece of work and count what was spent for it.
-- KEYS     see keyspace.lua; writes artifact, job
-- ARGV     1 id  2 fence  3 field  4 value  5 usage (JSON) or ''  6 name of this write, unique in the job
-- Returns  'ok' (also for a write repeated after a lost reply, which counts nothing twice) | 'fenced' |
--          'repeated' (job settled by this fence)
--@include keyspace, owner
local id = ARGV[1]
local job, refused = owned(id, ARGV[2])
if not job then
  return refused
end
redis.call('HSET', K.artifact .. id, ARGV[3], ARGV[4])
if ARGV[5] ~= '' and redis.call('HSETNX', K.artifact .. id, 'spent:' .. ARGV[6], '1') == 1 then
  spend(id, job, ARGV[5])
end
return 'ok'
