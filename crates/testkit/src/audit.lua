-- Looks through the whole database and names what the layout forbids. ARGV: the key prefix, now, the remembered turns.
local prefix, now, remembered = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local problems = {}
local function problem(...) problems[#problems + 1] = table.concat({ ... }, ' ') end

local function pairs_of(list)
  local map = {}
  for at = 1, #list, 2 do map[list[at]] = list[at + 1] end
  return map
end

local function check_messages_and_turns(key, fields)
  local messages, bytes, turns, slots, extra = 0, 0, 0, 0, 0
  for name, value in pairs(fields) do
    local position = tonumber(string.match(name, '^m:(%d+)$'))
    if position then
      messages, bytes = messages + 1, bytes + #value
      if position < tonumber(fields.first) or position >= tonumber(fields.next) then problem(key, 'keeps a stray', name) end
    elseif name == 'state' or name == 'meta' then
      extra = extra + #value
    elseif string.sub(name, 1, 2) == 't:' then
      turns = turns + 1
    elseif string.sub(name, 1, 2) == 'q:' then
      slots = slots + 1
      if not fields['t:' .. value] then problem(key, name, 'names a turn without a record') end
    end
  end
  -- What is incoming is not yet whole.
  if string.find(fields.flags or '-', '^[^@]*i') then return end
  if messages ~= fields.next - fields.first then problem(key, 'keeps', messages, 'messages in', fields.first, fields.next) end
  if bytes ~= tonumber(fields.bytes) then problem(key, 'keeps', bytes, 'bytes and counts', fields.bytes or 'none') end
  if fields.extra and extra ~= tonumber(fields.extra) then problem(key, 'has', extra, 'bytes of state and metadata and counts', fields.extra) end
  local expected = math.min(tonumber(fields.turns), remembered)
  if turns ~= expected or slots ~= expected then problem(key, 'remembers', turns, 'turns in', slots, 'slots of', fields.turns) end
end

local kinds = { s = 'hash', d = 'hash', index = 'zset', cards = 'hash', rl = 'string', claimed = 'hash' }
for _, key in ipairs(redis.call('KEYS', '*')) do
  local stem, kind, id = string.match(key, '^(.-{[^{}]+}:)([a-z]+):?(.*)$')
  if not kind or string.sub(key, 1, #prefix) ~= prefix or not kinds[kind] then
    problem(key, 'is no key of ours')
  elseif redis.call('TYPE', key).ok ~= kinds[kind] then
    problem(key, 'is a', redis.call('TYPE', key).ok)
  else
    if redis.call('PTTL', key) < 0 then problem(key, 'lives for ever') end
    if kind == 's' or kind == 'd' then
      local fields = pairs_of(redis.call('HGETALL', key))
      check_messages_and_turns(key, fields)
      if kind == 's' and tonumber(fields.exp) > now then
        local score = redis.call('ZSCORE', stem .. 'index', id)
        if string.find(fields.flags or '-', '^[^@]*i') then
          if score then problem(key, 'is incoming, and listed') end
          score = fields.exp
        end
        if tonumber(score or 0) ~= tonumber(fields.exp) then problem(key, 'expires', fields.exp, 'and is listed at', score or 'no time') end
      end
    elseif kind == 'index' then
      for _, listed in ipairs(redis.call('ZRANGE', key, 0, -1)) do
        if redis.call('HEXISTS', stem .. 'cards', listed) == 0 then problem(key, 'lists', listed, 'which has no card') end
      end
    elseif kind == 'cards' then
      for _, carded in ipairs(redis.call('HKEYS', key)) do
        -- The units of all, and the sizes of deleted ones.
        if not string.find(carded, '^[=~]') and not redis.call('ZSCORE', stem .. 'index', carded) then problem(key, 'has a card of', carded, 'which is not listed') end
      end
    end
  end
end
return problems
