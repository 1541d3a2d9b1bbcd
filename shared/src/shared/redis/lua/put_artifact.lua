#!lua flags=allow-oom
-- put_artifact: store a piece of work and count what was spent for it.
-- KEYS     see keyspace.lua; writes artifact, job
-- ARGV     id, fence, field, value, usage (JSON, or ''), write (its name, unique in the job)
-- Returns  'ok' (also for a write repeated after a lost reply, which counts nothing twice) | 'fenced' |
--          'repeated' (job settled by this fence)
--@include keyspace, owner
local job, refused = owned(id, fence)
if not job then
  return refused
end
redis.call('HSET', K.artifact .. id, field, value)
if usage ~= '' and redis.call('HSETNX', K.artifact .. id, 'spent:' .. write, '1') == 1 then
  spend(id, job, usage)
end
return 'ok'
