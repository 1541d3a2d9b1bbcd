-- giveback: a running job waits again, unharmed: its attempt does not count, its entry and so its place stay, its lease
-- ends now, and the workers are woken.
local function give_back(id, job, now)
  local fence = int(tonumber(job.fence) + 1)
  moved(job, 'queued')
  emit(id, job, fence .. '-0', 'queued', object('band', job.band, 'reason', 'released'), now)
  redis.call('HSET', K.job .. id, 'state', 'queued', 'fence', fence, 'worker', '', 'queued_at', int(now), 'eta', '',
    'attempt', int(tonumber(job.attempt) - 1), 'worked', worked(job, now), 'journal_bytes', job.journal_bytes)
  redis.call('ZADD', K.leases .. job.phase, int(now), id)
  wake(job.phase, 'released', id)
end
