#!lua flags=allow-oom
-- fetch: claim up to COUNT jobs: first those whose lease has ended (crashed or released owners), then new entries
-- band by band. The entry stays pending until the job is settled, whoever owns it: the pending list says "not
-- settled", the lease says who works on it.
-- KEYS     see keyspace.lua; reads control, writes job, events, requests, leases, dead, feed
-- ARGV     1 worker  2 lease, ms  3 COUNT  4.. bands in the order to read them
-- Returns  {claims, last ids}: a claim is {id, fence, attempt, max_attempts, run, band, request_id, waited ms};
--          last ids are those of the bands as given, then of the control stream
--@include keyspace, emit, settle
local WORKER, LEASE, COUNT = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
local claims = {}

local function claim(id, job)
  local fence, attempt = tonumber(job.fence) + 1, tonumber(job.attempt) + 1
  local waited = job.state == 'queued' and now - tonumber(job.queued_at) or 0
  redis.call('HSET', K.job .. id, 'state', 'running', 'fence', int(fence), 'attempt', int(attempt), 'worker', WORKER,
    'started_at', job.started_at ~= '' and job.started_at or int(now))
  redis.call('ZADD', K.leases, int(now + LEASE), id)
  emit(id, job, int(fence) .. '-0', 'started', cjson.encode({attempt = attempt, worker = WORKER}), now)
  claims[#claims + 1] = {id, int(fence), int(attempt), job.max_attempts, job.run, job.band, job.request_id, int(waited)}
end

-- Claim, or settle what may not run any more.
local function take(id, job)
  local fence = tonumber(job.fence) + 1
  if job.cancel == '1' then
    settle_cancelled(id, job, fence, now, int(fence) .. '-0')
  elseif tonumber(job.attempt) >= tonumber(job.max_attempts) then
    bury(id, job, now)
    settle_failed(id, job, fence, now, int(fence) .. '-0', cjson.encode({code = 'worker_lost',
      message = 'The worker died or was cut off in each of ' .. job.attempt .. ' attempts.', retryable = true}))
  else
    claim(id, job)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', K.leases, '-inf', int(now), 'LIMIT', 0, COUNT)) do
  local job = load(id)
  if job and (job.state == 'running' or job.state == 'queued') then
    take(id, job)
  else
    redis.call('ZREM', K.leases, id)
  end
end

local function read(stream)
  local call = {'XREADGROUP', 'GROUP', GROUP, 'worker', 'COUNT', COUNT - #claims, 'STREAMS', stream, '>'}
  local reply = redis.pcall(unpack(call))
  if type(reply) == 'table' and reply.err then
    -- Created at 0: after a flush or a failover the entries that were there before the group must not be missed.
    redis.call('XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM')
    reply = redis.call(unpack(call))
  end
  return reply and reply[1][2] or {}
end

for i = 4, #ARGV do
  local stream = K.requests .. ARGV[i]
  while #claims < COUNT do
    local entries = read(stream)
    if #entries == 0 then
      break
    end
    for _, entry in ipairs(entries) do
      local entry_id, id = entry[1], entry[2][2]
      local job = load(id)
      if not job or job.entry ~= entry_id then
        redis.call('XACK', stream, GROUP, entry_id)
        redis.call('XDEL', stream, entry_id)
      elseif job.state == 'queued' then
        take(id, job)
      end
    end
  end
end

local function last_id(stream)
  local info = redis.pcall('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      return info[i + 1]
    end
  end
  return '0-0'
end

local last = {}
for i = 4, #ARGV do
  last[#last + 1] = last_id(K.requests .. ARGV[i])
end
last[#last + 1] = last_id(K.control)
return {claims, last}
