#!lua
-- promote: move due jobs from the schedule into their request streams, at most 100 a call.
-- KEYS     see keyspace.lua; writes job, events, requests, delayed, counts, feed
-- ARGV     kind
-- Returns  {queued, ms until the next one is due ('0': now) or '-1': none}; a wait, since clocks of workers differ
--@include keyspace, json, emit
local DELAYED = K.delayed .. kind
local now = now_ms()
local queued = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DELAYED, '-inf', int(now), 'LIMIT', 0, 100)) do
  local job = load(id)
  redis.call('ZREM', DELAYED, id)
  if job and job.phase == kind and job.state == 'scheduled' then
    local fence = int(tonumber(job.fence) + 1)
    local entry = redis.call('XADD', banded(K.requests, job), '*', 'id', id)
    moved(job, 'queued')
    emit(id, job, fence .. '-0', 'queued', object('band', job.band, 'reason', 'due'), now)
    redis.call('HSET', K.job .. id, 'state', 'queued', 'fence', fence, 'entry', entry, 'queued_at', int(now),
      'not_before', '', 'journal_bytes', job.journal_bytes)
    queued = queued + 1
  end
end
write_counts()
local following = redis.call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
return {queued, following[2] and int(math.max(0, tonumber(following[2]) - now)) or '-1'}
