-- measure: counts for statistics, one hash a minute; forgotten after the hour that they are asked for.
local STATS_SECONDS = 3900

local function tally(job, what, now)
  count(K.stats .. int(math.floor(now / 60000)), job.phase .. ':' .. job.band .. ':' .. what, 1)
end

-- A length of time in buckets of a quarter octave: a quantile read from them is at most a tenth off.
local function bucket(ms)
  return int(math.floor(4 * math.log(math.max(1, ms)) / math.log(2) + 0.5))
end

local function write_tallies()
  write_counts(function(key)
    if key:sub(1, #K.stats) == K.stats then
      redis.call('EXPIRE', key, STATS_SECONDS)
    end
  end)
end
