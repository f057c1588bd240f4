-- Delete sessions, keeping them for their undo window. KEYS and ARGV as crate::plan::delete lists them.
local index, cards = KEYS[1], KEYS[2]
local now, undo = tonumber(ARGV[1]), tonumber(ARGV[2])
local gone = {}
for at = 3, #ARGV do
  local id, session, deleted = ARGV[at], KEYS[at * 2 - 3], KEYS[at * 2 - 2]
  local exp = redis.call('HGET', session, 'exp')
  if exp and tonumber(exp) > now then
    redis.call('RENAME', session, deleted)
    redis.call('HSET', deleted, 'until', now + undo)
    redis.call('PEXPIRE', deleted, undo)
    redis.call('ZREM', index, id)
    redis.call('HDEL', cards, id)
    gone[#gone + 1] = id
  elseif is_buried(deleted, now) then
    gone[#gone + 1] = id
  end
end
return gone
