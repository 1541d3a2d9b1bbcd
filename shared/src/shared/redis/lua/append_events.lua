#!lua
-- append_events: write an owner's events in order. Repeating a batch after a lost reply writes nothing twice.
-- Not allow-oom: progress is what a full server goes without.
-- KEYS     see keyspace.lua; writes job, events, feed
-- ARGV     id, fence, events (seq, type, data: JSON for each)
-- Returns  'ok' | 'cancel' (written, but the job's end was asked for) | 'fenced' |
--          'repeated' (job settled by this fence)
--@include keyspace, emit, owner
local job, refused = owned(id, fence)
if not job then
  return refused
end
local now = now_ms()
local percent = tonumber(job.percent)
local told = {}
local last = 0
local newest = redis.call('XREVRANGE', K.events .. id, '+', '-', 'COUNT', 1)[1]
if newest and newest[1]:match('^(%d+)%-') == fence then
  last = tonumber(newest[1]:match('%-(%d+)$'))
end

-- Percent never falls within a run, whatever a second attempt counts.
local function progress(data)
  local event = cjson.decode(data)
  local reached = event.percent
  percent = math.max(percent, reached)
  told = {'percent', tostring(percent), 'step', event.step, 'message', event.message, 'eta',
    type(event.eta_seconds) == 'number' and int(now + event.eta_seconds * 1000) or ''}
  if reached < percent then
    event.percent = percent
    return cjson.encode(event)
  end
  return data
end

for i = 1, #events, 3 do
  local seq, type, data = events[i], events[i + 1], events[i + 2]
  if tonumber(seq) > last then
    if type == 'progress' then
      data = progress(data)
    end
    emit(id, job, fence .. '-' .. seq, type, data, now)
  elseif #redis.call('XRANGE', K.events .. id, fence .. '-' .. seq, fence .. '-' .. seq) == 0
    and job.trimmed == '' then
    return redis.error_reply('ERR event ' .. fence .. '-' .. seq .. ' was passed over')
  end
end
redis.call('HSET', K.job .. id, 'journal_bytes', job.journal_bytes, unpack(told))
return job.cancel == '1' and 'cancel' or 'ok'
