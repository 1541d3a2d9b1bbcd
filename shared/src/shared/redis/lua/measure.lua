-- measure: counts for statistics, one hash a minute; forgotten after the hour that they are asked for.
local STATS_SECONDS = 3900

local function tally(field, now)
  local key = K.stats .. int(math.floor(now / 60000))
  if redis.call('HINCRBY', key, field, 1) == 1 then
    redis.call('EXPIRE', key, STATS_SECONDS)
  end
end

-- A length of time in buckets of a quarter octave: a quantile read from them is at most a tenth off.
local function tally_length(job, what, ms, now)
  local bucket = math.floor(4 * math.log(math.max(1, ms)) / math.log(2) + 0.5)
  tally(table.concat({job.kind, job.band, what, int(bucket)}, ':'), now)
end
