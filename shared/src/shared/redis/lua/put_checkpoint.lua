#!lua flags=allow-oom
-- put_checkpoint: store parts of the graph's checkpoints in one step.
-- KEYS     see keyspace.lua; reads job, writes heads, blobs, writes
-- ARGV     id, fence, items (part: heads | blobs | writes, how: set | add, field, value for each; `add` keeps a value
--          that is there)
-- Returns  'ok' | 'fenced' | 'repeated' (job settled by this fence)
--@include keyspace, owner
local job, refused = owned(id, fence)
if not job then
  return refused
end
local parts = {heads = K.heads, blobs = K.blobs, writes = K.writes}
local commands = {set = 'HSET', add = 'HSETNX'}
for i = 1, #items, 4 do
  redis.call(commands[items[i + 1]], parts[items[i]] .. id, items[i + 2], items[i + 3])
end
return 'ok'
