-- json: the only place where scripts write JSON.

-- Marks a text that is JSON already.
local function json(text)
  return {json = text}
end

-- An object of names and values in turn, in this order. A value is a string, a number, a boolean, cjson.null, or what
-- `json` returns; a member whose value is nil is left out.
local function object(...)
  local given, members = {...}, {}
  for i = 1, select('#', ...), 2 do
    local value = given[i + 1]
    local kind = type(value)
    if kind == 'table' then
      value = value.json
    elseif kind == 'number' or kind == 'boolean' then
      value = tostring(value) -- as cjson writes them, in a fraction of the time
    elseif kind ~= 'nil' then
      value = cjson.encode(value)
    end
    if value then
      members[#members + 1] = '"' .. given[i] .. '":' .. value
    end
  end
  return '{' .. table.concat(members, ',') .. '}'
end

-- A JSON object with one more member, whose value is JSON.
local function with(text, name, value)
  return text:sub(1, -2) .. (text:find('^{%s*}$') and '' or ',') .. '"' .. name .. '":' .. value .. '}'
end

-- What the job has used of the model, by the sums in its record.
local function spent(job)
  return object('llm_calls', tonumber(job.llm_calls or 0), 'prompt_tokens', tonumber(job.prompt_tokens or 0),
    'completion_tokens', tonumber(job.completion_tokens or 0),
    'cost_usd', job.cost_usd and tonumber(job.cost_usd) or cjson.null, 'estimated', job.estimated == '1')
end
