#!lua flags=no-writes
-- position: how many entries that no worker was given yet stand before given ones, on this shard.
-- KEYS     see keyspace.lua; reads requests
-- ARGV     1 most entries counted in a band  2 number of bands  then bands, the first to be read first
--          then band, entry for each one asked about
-- Returns  for each the number ahead of it: those of earlier bands, and the older ones of its own
--@include keyspace
local MOST, BANDS = tonumber(ARGV[1]), tonumber(ARGV[2])

local function split(entry)
  local ms, seq = entry:match('^(%d+)%-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

-- The entries of a band that were not delivered, oldest first.
local function undelivered(band)
  local stream, delivered = K.requests .. band, '-'
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  for _, group in ipairs(groups.err and {} or groups) do
    for i = 1, #group, 2 do
      if group[i] == 'last-delivered-id' then
        delivered = '(' .. group[i + 1]
      end
    end
  end
  return redis.call('XRANGE', stream, delivered, '+', 'COUNT', MOST)
end

local before, waiting, total = {}, {}, 0
for i = 3, 2 + BANDS do
  local band = ARGV[i]
  before[band], waiting[band] = total, undelivered(band)
  total = total + #waiting[band]
end

local ahead = {}
for i = 3 + BANDS, #ARGV, 2 do
  local band = ARGV[i]
  local ms, seq = split(ARGV[i + 1])
  local older = 0
  for _, entry in ipairs(waiting[band]) do
    local its_ms, its_seq = split(entry[1])
    if its_ms > ms or its_ms == ms and its_seq >= seq then
      break
    end
    older = older + 1
  end
  ahead[#ahead + 1] = before[band] + older
end
return ahead
