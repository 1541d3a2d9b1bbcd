#!lua flags=allow-oom
-- purge: forget a dead letter and everything of its job, but for its fence: an owner from before, frozen all the while,
-- must not be taken for the owner of a new job of this id.
-- KEYS     see keyspace.lua; deletes the job's keys, and its place in dead and index; writes job (fence, for a day)
-- ARGV     id
-- Returns  'purged' | 'unknown': no dead letter
--@include keyspace
local job = load(id)
if not job or job.state ~= 'failed' or redis.call('ZREM', banded(K.dead, job), id) == 0 then
  return 'unknown'
end
for _, family in ipairs({K.job, K.events, K.payload, K.result, K.export, K.artifact, K.heads, K.blobs, K.writes}) do
  redis.call('UNLINK', family .. id)
end
redis.call('HSET', K.job .. id, 'fence', job.fence)
redis.call('EXPIRE', K.job .. id, 86400)
redis.call('ZREM', K.index .. tenant(id), id)
return 'purged'
