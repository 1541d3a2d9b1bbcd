#!lua flags=allow-oom
-- put_checkpoint: store parts of the graph's checkpoints in one step.
-- KEYS     see keyspace.lua; reads job, writes heads, blobs, writes
-- ARGV     1 id  2 fence  then part (heads | blobs | writes), how (set | add), field, value for each;
--          `add` keeps a value that is there
-- Returns  'ok' | 'fenced' | 'repeated' (job settled by this fence)
--@include keyspace, owner
local id = ARGV[1]
local job, refused = owned(id, ARGV[2])
if not job then
  return refused
end
local parts = {heads = K.heads, blobs = K.blobs, writes = K.writes}
local commands = {set = 'HSET', add = 'HSETNX'}
for i = 3, #ARGV, 4 do
  redis.call(commands[ARGV[i + 1]], parts[ARGV[i]] .. id, ARGV[i + 2], ARGV[i + 3])
end
return 'ok'
