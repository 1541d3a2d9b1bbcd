#!lua flags=no-writes
-- overview: how many jobs of a kind stand where. Nothing is counted here: these are numbers at hand.
-- KEYS     see keyspace.lua; reads requests, counts, dead, paused
-- ARGV     kind, bands
-- Returns  {paused since, ms, or '', then for each band: waiting, running, scheduled, awaiting review, dead}
--@include keyspace
local found = {redis.call('HGET', K.paused, kind) or ''}
for _, band in ipairs(bands) do
  local place = kind .. ':' .. band
  local counts = redis.call('HMGET', K.counts .. kind, 'running:' .. band, 'scheduled:' .. band,
    'awaiting_review:' .. band)
  local running = tonumber(counts[1] or 0)
  found[#found + 1] = math.max(0, redis.call('XLEN', K.requests .. place) - running)
  found[#found + 1] = running
  found[#found + 1] = tonumber(counts[2] or 0)
  found[#found + 1] = tonumber(counts[3] or 0)
  found[#found + 1] = redis.call('ZCARD', K.dead .. place)
end
return found
