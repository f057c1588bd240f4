-- Makes many sessions of one that a Worker has stored. KEYS: all keys of its layout. ARGV: the session's id, the prefix of
-- the copies' ids, the number of the first, how many, how many each owner has (0: they stay with the owner they have).
local template, prefix, first, count, each = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

local function renamed(text, from, to)
  local at, till = string.find(text, from, 1, true)
  return at and string.sub(text, 1, at - 1) .. to .. string.sub(text, till + 1) or text
end

-- A key that holds the id is copied under the new id; of the sets and hashes of many sessions the row of the id is.
local own, scores, rows = {}, {}, {}
for _, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if string.find(key, template, 1, true) then
    own[#own + 1] = key
  elseif kind == 'zset' then
    scores[key] = redis.call('ZSCORE', key, template) or nil
  elseif kind == 'hash' then
    rows[key] = redis.call('HGET', key, template) or nil
  end
end

for number = first, first + count - 1 do
  local id = string.format('%s%024x', prefix, number)
  local function of_owner(key)
    return each > 0 and renamed(key, '{app}', string.format('{u-%d}', math.floor(number / each))) or key
  end
  local function expires_like(key, model)
    if key ~= model then redis.call('PEXPIRE', key, redis.call('PTTL', model), 'NX') end
  end
  for _, key in ipairs(own) do redis.call('COPY', key, renamed(of_owner(key), template, id)) end
  for key, score in pairs(scores) do
    redis.call('ZADD', of_owner(key), score + number, id)
    expires_like(of_owner(key), key)
  end
  for key, row in pairs(rows) do
    redis.call('HSET', of_owner(key), id, renamed(row, template, id))
    expires_like(of_owner(key), key)
  end
end
return redis.call('DBSIZE')
