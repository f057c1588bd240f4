-- Note in a shard of the directory that an owner is active. KEYS and ARGV as crate::plan::directory lists them.
local owner, now, lives = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZADD', KEYS[1], 'GT', now, owner)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now - lives)
redis.call('PEXPIRE', KEYS[1], lives)
return 1
