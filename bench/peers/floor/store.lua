-- Stores a message and its reply, and the session's line in the list.
local messages, index, cards = KEYS[1], KEYS[2], KEYS[3]
local said, reply, id, now, title, ttl, cap = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local kept = redis.call('RPUSH', messages, said, reply)
if kept > tonumber(cap) then
  redis.call('LTRIM', messages, -cap, -1)
  kept = tonumber(cap)
end
redis.call('EXPIRE', messages, ttl)
local card = redis.call('HGET', cards, id)
card = card and cjson.decode(card) or { session_id = id, title = title, created = now, total_messages = 0 }
card.message_count, card.total_messages, card.updated = kept, card.total_messages + 2, now
redis.call('HSET', cards, id, cjson.encode(card))
redis.call('ZADD', index, now, id)
return kept
