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

-- Add what was spent to the sums in `job`, and to the record. `usage` is a JSON object, or '' for nothing.
local function spend(id, job, usage)
  if usage == '' then
    return
  end
  local spent = cjson.decode(usage)
  for _, field in ipairs({'llm_calls', 'prompt_tokens', 'completion_tokens'}) do
    job[field] = int(tonumber(job[field] or 0) + spent[field])
  end
  redis.call('HSET', K.job .. id, 'llm_calls', job.llm_calls, 'prompt_tokens', job.prompt_tokens,
    'completion_tokens', job.completion_tokens)
  if type(spent.cost_usd) == 'number' then
    job.cost_usd = redis.call('HINCRBYFLOAT', K.job .. id, 'cost_usd', spent.cost_usd)
  end
  if spent.estimated then
    job.estimated = '1'
    redis.call('HSET', K.job .. id, 'estimated', '1')
  end
end

