-- keyspace: names for KEYS, the same for every script; keys.py spells them. Families end in ':' and take an id
-- (<tenant>/<job_id>), or the kind of the workers that take a job, and its band. All lie in one slot.
local K = {
  job = KEYS[1],         -- family, hash: the record
  payload = KEYS[2],     -- family, string: the request as accepted
  events = KEYS[3],      -- family, stream: the journal, ids <fence>-<seq>
  result = KEYS[4],      -- family, string: the result
  artifact = KEYS[5],    -- family, hash: texts, evidence, paid answers
  heads = KEYS[6],       -- family, hash: checkpoints
  blobs = KEYS[7],       -- family, hash: channel values
  writes = KEYS[8],      -- family, hash: pending writes
  requests = KEYS[9],    -- family by kind:band, stream with group `workers`
  leases = KEYS[10],     -- family by kind, sorted set: running jobs by lease end, ms
  delayed = KEYS[11],    -- family by kind, sorted set: scheduled jobs by due time, ms
  dead = KEYS[12],       -- family by kind:band, sorted set: dead letters by time, ms
  control = KEYS[13],    -- family by kind, stream, capped: wakes workers
  feed = KEYS[14],       -- stream, capped: all events, for the gateways
  index = KEYS[15],      -- family by tenant, sorted set: jobs by time of creation, ms
  stats = KEYS[16],      -- family by minute, hash: what ended, waits and runs by bucket
  counts = KEYS[17],     -- family by kind, hash: running, scheduled and awaiting_review jobs by band
  paused = KEYS[18],     -- hash: kinds no worker may claim, since when, ms
  workers = KEYS[19],    -- sorted set: workers by the time their heartbeat runs out, ms
  worker = KEYS[20],     -- family by worker, hash: what a worker says of itself
  confirmed = KEYS[21],  -- string: when a replica was last asked to confirm, ms
  export = KEYS[22],     -- family, hash: files made of the result
  exports = KEYS[23],    -- sorted set: <id>|<format> of files asked for, by the time a worker may take them, ms
}
local GROUP = 'workers'
local KINDS = {'outline', 'document'}
local BANDS = {'high', 'default', 'low'}

local function int(number)
  return string.format('%.0f', number)
end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- The record as a table, or nil. What is left of a purged one has no state. Its phase says whose queues it is in: a job
-- from before there were phases is in those of its kind.
local function load(id)
  local flat = redis.call('HGETALL', K.job .. id)
  local job = {}
  for i = 1, #flat, 2 do
    job[flat[i]] = flat[i + 1]
  end
  job.phase = job.phase or job.kind
  return job.state and job or nil
end

local function banded(family, job)
  return family .. job.phase .. ':' .. job.band
end

local function tenant(id)
  return id:match('^[^/]+')
end

local function terminal(state)
  return state == 'completed' or state == 'failed' or state == 'cancelled'
end

local function wake(kind, what, id, fence)
  redis.call('XADD', K.control .. kind, 'MAXLEN', '~', '1000', '*', 'what', what, 'id', id, 'fence', fence or '')
end

-- Counters of hashes, gathered while a script runs over its jobs and written at its end.
local gathered = {}

local function count(key, field, step)
  local fields = gathered[key] or {}
  gathered[key] = fields
  fields[field] = (fields[field] or 0) + step
end

-- `first` is called with the key of a field that was not there before.
local function write_counts(first)
  for key, fields in pairs(gathered) do
    for field, step in pairs(fields) do
      if step ~= 0 and redis.call('HINCRBY', key, field, step) == step and first then
        first(key)
      end
    end
  end
end

-- Count a move from the job's state to another. Waiting jobs need no count: they are what a request stream holds
-- beyond the running ones.
local function moved(job, state)
  if job.state == state then
    return
  end
  for counted, step in pairs({[job.state or ''] = -1, [state] = 1}) do
    if counted == 'running' or counted == 'scheduled' or counted == 'awaiting_review' then
      count(K.counts .. job.phase, counted .. ':' .. job.band, step)
    end
  end
end

-- Time that workers spent on the run, ms, when the present attempt ends (or its lease did) at `ended`.
local function worked(job, ended)
  return int(tonumber(job.worked or 0) + math.max(0, ended - tonumber(job.claimed_at or ended)))
end
