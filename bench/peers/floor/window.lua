-- The last messages, less one: that is the one to answer.
return redis.call('LRANGE', KEYS[1], 1 - ARGV[1], -1)
