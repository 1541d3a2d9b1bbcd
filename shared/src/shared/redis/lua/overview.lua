#!lua flags=no-writes
-- overview: how many jobs of a kind stand where. Nothing is counted here: these are numbers at hand.
-- KEYS     see keyspace.lua; reads requests, counts, dead, paused
-- ARGV     1 kind  2.. bands
-- Returns  {paused since, ms, or '', then for each band: waiting, running, scheduled, dead}
--@include keyspace
local found = {redis.call('HGET', K.paused, ARGV[1]) or ''}
for i = 2, #ARGV do
  local band = ARGV[i]
  local counts = redis.call('HMGET', K.counts, 'running:' .. band, 'scheduled:' .. band)
  local running = tonumber(counts[1] or 0)
  found[#found + 1] = math.max(0, redis.call('XLEN', K.requests .. band) - running)
  found[#found + 1] = running
  found[#found + 1] = tonumber(counts[2] or 0)
  found[#found + 1] = redis.call('ZCARD', K.dead .. band)
end
return found
