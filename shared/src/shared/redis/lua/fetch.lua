#!lua flags=allow-oom
-- fetch: claim up to COUNT jobs: first those whose lease has ended (crashed or released owners), then new entries
-- band by band; of a paused kind none, but what has to end ends. The entry stays pending until the job is settled,
-- whoever owns it: the pending list says "not settled", the lease says who works on it.
-- KEYS     see keyspace.lua; reads control, paused; writes job, events, requests, leases, dead, counts, stats, feed
-- ARGV     1 worker  2 number of its fetch  3 lease, ms  4 COUNT  5 whether it may take a job on probation ('1')
--          6 kind  7.. bands in the order to read them
-- Returns  {claims, last ids}: a claim is {id, fence, attempt, max_attempts, run, band, request_id, waited ms, worked
--          ms, soft limit ms, hard limit ms, '1' on probation, what it makes, then '' each where there is none: prompt
--          tokens, completion tokens, USD spent, most tokens, most USD}; last ids are those of the bands as given, then
--          of the control stream
--@include keyspace, emit, measure, settle, stream
local WORKER, FETCH, LEASE, COUNT = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local STARTED = ',"worker":' .. cjson.encode(WORKER) .. '}'
local MOST_READ = 1000 -- a group created again reads every running job's entry; the next fetch goes on
local KIND = ARGV[6]
local LEASES, REQUESTS = K.leases .. KIND, K.requests .. KIND .. ':'
local now = now_ms()
local paused = redis.call('HEXISTS', K.paused, KIND) == 1
local claims, leases = {}, {}
local may_take_suspect = ARGV[5] == '1'

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
  emit(id, job, int(fence) .. '-0', 'started', '{"attempt":' .. int(attempt) .. STARTED, now)
  redis.call('HSET', K.job .. id, 'state', 'running', 'fence', int(fence), 'attempt', int(attempt), 'worker', WORKER,
    'fetch', FETCH, 'claimed_at', int(now), 'worked', spent, 'eta', '',
    'started_at', job.started_at ~= '' and job.started_at or int(now), 'journal_bytes', job.journal_bytes)
  leases[#leases + 1] = int(now + LEASE)
  leases[#leases + 1] = id
  claims[#claims + 1] = {id, int(fence), int(attempt), job.max_attempts, job.run, job.band, job.request_id,
    int(waited), spent, job.soft_limit or '', job.hard_limit or '', alone and '1' or '', job.kind,
    job.prompt_tokens or '', job.completion_tokens or '', job.cost_usd or '', job.max_tokens or '', job.max_cost or ''}
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
    settle_failed(id, job, fence, now, int(fence) .. '-0', cjson.encode({code = 'worker_lost',
      message = 'The worker died or was cut off in each of ' .. job.attempt .. ' attempts.', retryable = true}))
  elseif not paused and (may_take_suspect or not suspect(job)) then
    claim(id, job, lease_end)
  end
end

-- More are looked at than may be claimed: those that have to end may stand behind those that have to wait.
local most = (paused or COUNT > 0) and MOST_READ or 0
local ended = redis.call('ZRANGEBYSCORE', LEASES, '-inf', int(now), 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #ended, 2 do
  if #claims >= COUNT and not paused then
    break
  end
  local id, job = ended[i], load(ended[i])
  if job and job.phase == KIND and (job.state == 'running' or job.state == 'queued') then
    take(id, job, tonumber(ended[i + 1]))
  else
    redis.call('ZREM', LEASES, id)
  end
end

local looked_at = 0
for i = 7, #ARGV do
  local stream = REQUESTS .. ARGV[i]
  while not paused and #claims < COUNT and looked_at < MOST_READ do
    local entries = read(stream, COUNT - #claims)
    if #entries == 0 then
      break
    end
    looked_at = looked_at + #entries
    for _, entry in ipairs(entries) do
      local entry_id, id = entry[1], entry[2][2]
      local job = load(id)
      if not job or job.entry ~= entry_id or job.phase ~= KIND then
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
for i = 7, #ARGV do
  last[#last + 1] = last_id(REQUESTS .. ARGV[i])
end
last[#last + 1] = last_id(K.control .. KIND)
return {claims, last}
