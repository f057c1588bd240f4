-- Remove a session that has arrived at another owner. KEYS and ARGV as crate::plan::leave lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, now, undo = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local got = redis.call('HMGET', session, 'exp', 'flags', 'bytes', 'extra')
if not got[1] or tonumber(got[1]) <= now or not string.find(got[2], '^[^@]*d') then return 0 end
redis.call('RENAME', session, deleted)
redis.call('HSET', deleted, 'until', now + undo)
redis.call('PEXPIRE', deleted, undo)
redis.call('ZREM', index, id)
set_aside(index, cards, { { id = id, bytes = tonumber(got[3]) or 0, extra = tonumber(got[4]) or 0 } }, now + undo, now)
return 1
