-- writing: a planned document goes to those who write it. A change without an owner: its event comes under a grown
-- fence.
local function to_writing(id, job, reason, now)
  local fence = int(tonumber(job.fence) + 1)
  moved(job, 'queued')
  job.phase = 'document'
  local entry = redis.call('XADD', banded(K.requests, job), '*', 'id', id)
  emit(id, job, fence .. '-0', 'queued', object('band', job.band, 'reason', reason), now)
  redis.call('HSET', K.job .. id, 'state', 'queued', 'phase', job.phase, 'fence', fence, 'entry', entry,
    'queued_at', int(now), 'step', '', 'message', '', 'journal_bytes', job.journal_bytes)
end
