#!lua flags=allow-oom
-- instruct: order workers to do something; each follows the order in the registry, the wake-up only makes it quick.
-- KEYS     see keyspace.lua; reads workers; writes worker, control
-- ARGV     1 kind  2 order: 'drain' | 'shutdown' | 'restart', or '' to work  3 worker, or '' for all of the kind
-- Returns  the workers that were told
--@include keyspace
local told = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', K.workers, int(now_ms()), '+inf')) do
  local key = K.worker .. name
  if (ARGV[3] == '' or ARGV[3] == name) and redis.call('HGET', key, 'kind') == ARGV[1] then
    redis.call('HSET', key, 'order', ARGV[2])
    told[#told + 1] = name
  end
end
if #told > 0 then
  wake('order', '')
end
return told
