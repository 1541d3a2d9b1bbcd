#!lua flags=allow-oom
-- fetch: claim up to COUNT jobs: first those whose lease has ended (crashed or released owners), then new entries
-- band by band; of a paused kind none, but what has to end ends. The entry stays pending until the job is settled,
-- whoever owns it: the pending list says "not settled", the lease says who works on it.
-- KEYS     see keyspace.lua; reads control, paused; writes job, events, requests, leases, dead, counts, stats, feed
-- ARGV     kind, worker, number (of its fetch), lease_ms, most (jobs), suspects ('1': it may take a job on probation),
--          bands (in the order to read them), fields (of the record, that a claim shows)
-- Returns  {claims, last ids}: a claim is {id, fence, attempt, worked (ms), waited (ms from becoming runnable),
--          on probation ('1', or ''), then the values of the fields, '' where there is none}; last ids are those of the
--          bands as given, then of the control stream
--@include keyspace, json, emit, measure, settle, stream
local LEASE, COUNT = tonumber(lease_ms), tonumber(most)
local MOST_READ = 1000 -- a group created again reads every running job's entry; the next fetch goes on
local LEASES, REQUESTS = K.leases .. kind, K.requests .. kind .. ':'
local now = now_ms()
local paused = redis.call('HEXISTS', K.paused, kind) == 1
local claims, leases = {}, {}
local may_take_suspect = suspects == '1'
local WORKER = json(cjson.encode(worker))

-- In its last attempt after the others killed their workers, or died with them: it may be the one that kills.
local function suspect(job)
  return job.state == 'running' and tonumber(job.attempt) > 0 and
    tonumber(job.attempt) + 1 == tonumber(job.max_attempts)
end

local function claim(id, job, lease_end)
  local alone = suspect(job)
  local fence, attempt = tonumber(job.fence) + 1, tonumber(job.attempt) + 1
  local waited, spent = 0, job.worked or '0'
  if job.state == 'queued' then
    waited = math.max(0, now - tonumber(job.queued_at))
    tally(job, 'wait:' .. bucket(waited), now)
  else
    spent = worked(job, math.min(now, lease_end))
  end
  moved(job, 'running')
  emit(id, job, int(fence) .. '-0', 'started', object('attempt', attempt, 'worker', WORKER), now)
  redis.call('HSET', K.job .. id, 'state', 'running', 'fence', int(fence), 'attempt', int(attempt), 'worker', worker,
    'fetch', number, 'claimed_at', int(now), 'worked', spent, 'eta', '',
    'started_at', job.started_at ~= '' and job.started_at or int(now), 'journal_bytes', job.journal_bytes)
  leases[#leases + 1] = int(now + LEASE)
  leases[#leases + 1] = id
  local shown = {id, int(fence), int(attempt), spent, int(waited), alone and '1' or ''}
  for i, field in ipairs(fields) do
    shown[i + 6] = job[field] or ''
  end
  claims[#claims + 1] = shown
  if alone then
    may_take_suspect = false
  end
end

-- Claim, or settle what may not run any more.
local function take(id, job, lease_end)
  local fence = tonumber(job.fence) + 1
  if job.cancel == '1' then
    settle_cancelled(id, job, fence, now, int(fence) .. '-0')
  elseif tonumber(job.attempt) >= tonumber(job.max_attempts) then
    bury(id, job, now)
    settle_failed(id, job, fence, now, int(fence) .. '-0', object('code', 'worker_lost',
      'message', 'The worker died or was cut off in each of ' .. job.attempt .. ' attempts.', 'retryable', true))
  elseif not paused and (may_take_suspect or not suspect(job)) then
    claim(id, job, lease_end)
  end
end

-- More are looked at than may be claimed: those that have to end may stand behind those that have to wait.
local looked_over = (paused or COUNT > 0) and MOST_READ or 0
local ended = redis.call('ZRANGEBYSCORE', LEASES, '-inf', int(now), 'WITHSCORES', 'LIMIT', 0, looked_over)
for i = 1, #ended, 2 do
  if #claims >= COUNT and not paused then
    break
  end
  local id, job = ended[i], load(ended[i])
  if job and job.phase == kind and (job.state == 'running' or job.state == 'queued') then
    take(id, job, tonumber(ended[i + 1]))
  else
    redis.call('ZREM', LEASES, id)
  end
end

local looked_at = 0
for _, band in ipairs(bands) do
  local stream = REQUESTS .. band
  while not paused and #claims < COUNT and looked_at < MOST_READ do
    local entries = read(stream, COUNT - #claims)
    if #entries == 0 then
      break
    end
    looked_at = looked_at + #entries
    for _, entry in ipairs(entries) do
      local entry_id, id = entry[1], entry[2][2]
      local job = load(id)
      if not job or job.entry ~= entry_id or job.phase ~= kind then
        redis.call('XACK', stream, GROUP, entry_id)
        redis.call('XDEL', stream, entry_id)
      elseif job.state == 'queued' then
        take(id, job, now)
      end
    end
  end
end

if #leases > 0 then
  redis.call('ZADD', LEASES, unpack(leases))
end
write_tallies()
local last = {}
for _, band in ipairs(bands) do
  last[#last + 1] = last_id(REQUESTS .. band)
end
last[#last + 1] = last_id(K.control .. kind)
return {claims, last}
