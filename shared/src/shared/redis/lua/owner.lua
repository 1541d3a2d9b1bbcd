-- owner: what a worker that names its fence may do.

-- The job if `fence` holds it, else nil and 'repeated' (this very fence settled it: the reply was lost) or 'fenced'.
local function owned(id, fence)
  local job = load(id)
  if not job or job.fence ~= fence then
    return nil, 'fenced'
  end
  if job.settled_fence == fence then
    return nil, 'repeated'
  end
  if job.state ~= 'running' then
    return nil, 'fenced'
  end
  return job
end

-- Add what was spent. `usage` is a JSON object, or '' for nothing.
local function spend(id, usage)
  if usage == '' then
    return
  end
  local key = K.job .. id
  local spent = cjson.decode(usage)
  for _, field in ipairs({'llm_calls', 'prompt_tokens', 'completion_tokens'}) do
    redis.call('HINCRBY', key, field, spent[field])
  end
  if type(spent.cost_usd) == 'number' then
    redis.call('HINCRBYFLOAT', key, 'cost_usd', spent.cost_usd)
  end
  if spent.estimated then
    redis.call('HSET', key, 'estimated', '1')
  end
end

-- The job's sums as a JSON object.
local function usage_json(id)
  local sums = redis.call('HMGET', K.job .. id, 'llm_calls', 'prompt_tokens', 'completion_tokens', 'cost_usd',
    'estimated')
  return string.format(
    '{"llm_calls":%s,"prompt_tokens":%s,"completion_tokens":%s,"cost_usd":%s,"estimated":%s}', sums[1] or '0',
    sums[2] or '0', sums[3] or '0', sums[4] or 'null', sums[5] == '1' and 'true' or 'false')
end
