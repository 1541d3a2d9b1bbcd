#!lua flags=allow-oom
-- renew: prolong the leases of all jobs of a worker.
-- KEYS     see keyspace.lua; reads job, writes leases
-- ARGV     kind, lease_ms, held (id, fence for each job)
-- Returns  per job 'ok' | 'cancel' (prolonged, but its end was asked for) | 'fenced'
--@include keyspace
local until_ms = int(now_ms() + tonumber(lease_ms))
local replies = {}
for i = 1, #held, 2 do
  local id, fence = held[i], held[i + 1]
  local job = redis.call('HMGET', K.job .. id, 'fence', 'state', 'cancel')
  if job[1] ~= fence or job[2] ~= 'running' then
    replies[#replies + 1] = 'fenced'
  else
    redis.call('ZADD', K.leases .. kind, until_ms, id)
    replies[#replies + 1] = job[3] == '1' and 'cancel' or 'ok'
  end
end
return replies
