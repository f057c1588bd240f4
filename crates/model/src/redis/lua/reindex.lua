-- Put sessions back into the index and the cards, or take them out. KEYS and ARGV as crate::plan::reindex lists them.
local index, cards = KEYS[1], KEYS[2]
local now, undying = tonumber(ARGV[1]), ARGV[2]
local live = 0
for at = 3, #KEYS do
  local id = ARGV[at]
  local s = read_session(KEYS[at], nil, 'd')
  if s and s.exp > now then
    live = live + 1
    redis.call('ZADD', index, s.exp, id)
    redis.call('HSET', cards, id, card(s), '=', '')
  else
    redis.call('ZREM', index, id)
    redis.call('HDEL', cards, id)
  end
end
renew(index, cards, undying)
return live
