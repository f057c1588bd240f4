#!lua flags=allow-key-locking
-- Delete a session, keeping it for its undo window. KEYS and ARGV as crate::plan::delete lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, now, undo = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local exp = redis.call('HGET', session, 'exp')
if exp and tonumber(exp) > now then
  redis.call('RENAME', session, deleted)
  redis.call('HSET', deleted, 'until', now + undo)
  redis.call('PEXPIRE', deleted, undo)
  redis.call('ZREM', index, id)
  redis.call('HDEL', cards, id)
  return { 'deleted' }
end
local gone = redis.call('HGET', deleted, 'until')
if gone and tonumber(gone) > now then return { 'deleted' } end
return { 'absent' }
