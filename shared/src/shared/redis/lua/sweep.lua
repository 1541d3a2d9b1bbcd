#!lua flags=allow-oom
-- sweep: walk a part of the index: drop jobs whose record has expired, and put back a job that stands nowhere, as after
-- keys were deleted by hand or evicted.
-- KEYS     see keyspace.lua; reads job, job_result; writes index, dead, exports, requests, leases, delayed, job (entry)
-- ARGV     kind, owner (tenant whose index it is), cursor ('0' at the beginning), lease_ms
-- Returns  {cursor to go on from, '0' at the end; dropped; put back}
--@include keyspace
local now = now_ms()
local dropped, restored = 0, 0

local function restore(id, job)
  local stream = banded(K.requests, job)
  if job.state == 'scheduled' then
    restored = restored + redis.call('ZADD', K.delayed .. job.phase, 'NX', job.not_before, id)
  elseif job.state == 'queued' or job.state == 'running' then
    if #redis.call('XRANGE', stream, job.entry, job.entry) == 0 then
      redis.pcall('XACK', stream, GROUP, job.entry)
      redis.call('HSET', K.job .. id, 'entry', redis.call('XADD', stream, '*', 'id', id))
      restored = restored + 1
    end
    local given = redis.pcall('XPENDING', stream, GROUP, job.entry, job.entry, 1)
    if job.state == 'running' then
      -- Its owner, if there is one, has time to renew.
      restored = restored + redis.call('ZADD', K.leases .. job.phase, 'NX', int(now + tonumber(lease_ms)), id)
    elseif not given.err and #given > 0 then
      restored = restored + redis.call('ZADD', K.leases .. job.phase, 'NX', int(now), id)
    end
  end
end

local scanned = redis.call('ZSCAN', K.index .. owner, cursor, 'COUNT', 100)
for i = 1, #scanned[2], 2 do
  local id = scanned[2][i]
  local job = redis.call('HMGET', K.job .. id, 'phase', 'state', 'band', 'entry', 'not_before', 'kind')
  if not job[2] then
    dropped = dropped + redis.call('ZREM', K.index .. owner, id)
  elseif (job[1] or job[6]) == kind then
    restore(id, {phase = kind, state = job[2], band = job[3], entry = job[4], not_before = job[5]})
  end
end
for _, band in ipairs(BANDS) do
  local dead = K.dead .. kind .. ':' .. band
  for _, id in ipairs(redis.call('ZRANGE', dead, 0, 9)) do
    local job = redis.call('HMGET', K.job .. id, 'phase', 'state', 'kind')
    if (job[1] or job[3]) ~= kind or job[2] ~= 'failed' then
      dropped = dropped + redis.call('ZREM', dead, id)
    end
  end
end
for _, member in ipairs(redis.call('ZRANGE', K.exports, 0, 9)) do
  if redis.call('EXISTS', K.result .. member:match('^[^|]+')) == 0 then
    dropped = dropped + redis.call('ZREM', K.exports, member)
  end
end
return {scanned[1], dropped, restored}
