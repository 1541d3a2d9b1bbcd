#!lua flags=allow-oom
-- purge: forget a dead letter and everything of its job.
-- KEYS     see keyspace.lua; deletes the job's keys, and its place in dead and index
-- ARGV     1 id
-- Returns  'purged' | 'unknown': no dead letter
--@include keyspace
local id = ARGV[1]
local band = redis.call('HGET', K.job .. id, 'band')
if not band or redis.call('ZREM', K.dead .. band, id) == 0 then
  return 'unknown'
end
for _, family in ipairs({K.job, K.events, K.payload, K.result, K.artifact, K.heads, K.blobs, K.writes}) do
  redis.call('UNLINK', family .. id)
end
redis.call('ZREM', K.index .. tenant(id), id)
return 'purged'
