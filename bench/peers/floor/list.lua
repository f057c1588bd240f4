-- A page of the list, each line as the JSON that is answered, and how many there are in all.
local ids = redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1, 'REV')
return { redis.call('ZCARD', KEYS[1]), #ids == 0 and {} or redis.call('HMGET', KEYS[2], unpack(ids)) }
