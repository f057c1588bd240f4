-- The last messages of a session, and how many are kept and were ever stored.
local card = cjson.decode(redis.call('HGET', KEYS[2], ARGV[2]))
return { card.total_messages, card.message_count, redis.call('LRANGE', KEYS[1], -ARGV[1], -1) }
