#!lua flags=allow-oom
-- reconcile: give back what a fetch claimed whose reply was lost: nobody works on it, and the attempt was none.
-- KEYS     see keyspace.lua; reads leases; writes job, events, leases, control, counts, feed
-- ARGV     kind, worker, answered (number of its last fetch that was; those after it were not)
-- Returns  how many jobs were given back
--@include keyspace, json, emit, giveback
local now = now_ms()
local given = 0
for _, id in ipairs(redis.call('ZRANGE', K.leases .. kind, 0, -1)) do
  local claimed = redis.call('HMGET', K.job .. id, 'worker', 'fetch', 'state', 'phase', 'kind')
  if claimed[1] == worker and tonumber(claimed[2]) > tonumber(answered) and claimed[3] == 'running'
    and (claimed[4] or claimed[5]) == kind then
    give_back(id, load(id), now)
    given = given + 1
  end
end
write_counts()
return given
