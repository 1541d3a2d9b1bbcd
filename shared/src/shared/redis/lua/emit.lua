-- emit: write an event to the job's journal and to the feed.
-- XADD itself refuses an id that is not above the last one: a duplicate or a stale owner.
local JOURNAL_BYTES = 1048576
local FEED_EVENTS = '10000'
local ENTRY_OVERHEAD = 64
local FIELDS_BYTES = 25 -- the names of the fields and the time; exact, since trim counts what is there

-- Drop the oldest events until three quarters of the bound are left; remember the last one dropped. Returns the bytes
-- that are left.
local function trim(id, bytes)
  local journal = K.events .. id
  local last
  while bytes > JOURNAL_BYTES * 3 / 4 do
    local entries = redis.call('XRANGE', journal, '-', '+', 'COUNT', 100)
    if #entries <= 1 then
      break
    end
    local keep = 1
    while keep < #entries and bytes > JOURNAL_BYTES * 3 / 4 do
      for _, field in ipairs(entries[keep][2]) do
        bytes = bytes - #field
      end
      bytes = bytes - ENTRY_OVERHEAD
      last = entries[keep][1]
      keep = keep + 1
    end
    redis.call('XTRIM', journal, 'MINID', '=', entries[keep][1])
  end
  if last then
    redis.call('HSET', K.job .. id, 'trimmed', last)
  end
  return bytes
end

-- The new `job.journal_bytes` is for the caller to store, with what else it writes into the record.
local function emit(id, job, event_id, type, data, now)
  redis.call('XADD', K.events .. id, event_id, 'type', type, 'time', int(now), 'data', data)
  redis.call('XADD', K.feed, 'MAXLEN', '~', FEED_EVENTS, '*', 'job', id, 'kind', job.kind, 'request_id',
    job.request_id, 'id', event_id, 'type', type, 'time', int(now), 'data', data)
  local bytes = tonumber(job.journal_bytes or 0) + #data + #type + FIELDS_BYTES + ENTRY_OVERHEAD
  job.journal_bytes = int(bytes > JOURNAL_BYTES and trim(id, bytes) or bytes)
end
