-- stream: a request stream as its consumer group sees it.
local function read(stream, count)
  local call = {'XREADGROUP', 'GROUP', GROUP, 'worker', 'COUNT', count, 'STREAMS', stream, '>'}
  local reply = redis.pcall(unpack(call))
  if type(reply) == 'table' and reply.err then
    -- Created at 0: after a flush or a failover the entries that were there before the group must not be missed.
    redis.call('XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM')
    reply = redis.call(unpack(call))
  end
  return reply and reply[1][2] or {}
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
