#!lua flags=no-writes
-- position: how many entries that no worker was given yet stand before given ones, on this shard.
-- KEYS     see keyspace.lua; reads requests
-- ARGV     kind, most (entries counted in a band), bands (the first to be read first), entries (band, entry for each)
-- Returns  for each the number ahead of it: those of earlier bands, and the older ones of its own; -1 for one that was
--          given to a worker and handed back
--@include keyspace
local REQUESTS = K.requests .. kind .. ':'

local function earlier(entry, other)
  local ms, seq = entry:match('^(%d+)%-(%d+)$')
  local other_ms, other_seq = other:match('^(%d+)%-(%d+)$')
  if ms ~= other_ms then
    return tonumber(ms) < tonumber(other_ms)
  end
  return tonumber(seq) < tonumber(other_seq)
end

local function last_delivered(stream)
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  for _, group in ipairs(groups.err and {} or groups) do
    for i = 1, #group, 2 do
      if group[i] == 'last-delivered-id' then
        return group[i + 1]
      end
    end
  end
  return '0-0'
end

local before, delivered, waiting, total = {}, {}, {}, 0
for _, band in ipairs(bands) do
  local stream = REQUESTS .. band
  before[band], delivered[band] = total, last_delivered(stream)
  waiting[band] = redis.call('XRANGE', stream, '(' .. delivered[band], '+', 'COUNT', most)
  total = total + #waiting[band]
end

-- How many of the waiting ones are older: they are in order, so by halves.
local function older(others, entry)
  local low, high = 1, #others + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if earlier(others[middle][1], entry) then
      low = middle + 1
    else
      high = middle
    end
  end
  return low - 1
end

local ahead = {}
for i = 1, #entries, 2 do
  local band, entry = entries[i], entries[i + 1]
  if not earlier(delivered[band], entry) and #redis.call('XRANGE', REQUESTS .. band, entry, entry) == 1 then
    ahead[#ahead + 1] = -1
  else
    ahead[#ahead + 1] = before[band] + older(waiting[band], entry)
  end
end
return ahead
