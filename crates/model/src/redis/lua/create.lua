#!lua flags=allow-key-locking
-- Create an empty session. KEYS and ARGV as crate::plan::create lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, operation, title, seal = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now, ttl, most, undying, prune = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

local got = redis.call('HMGET', session, 'exp', 'title', 'created', 'updated', 'first', 'next', 'total', 'rev', 't:' .. operation)
if got[1] and tonumber(got[1]) > now then
  if not got[9] then return { 'exists' } end
  return { 'created', got[2], tonumber(got[3]), tonumber(got[4]), tonumber(got[1]), tonumber(got[5]), tonumber(got[6]), tonumber(got[7]), tonumber(got[8]) }
end
local gone = redis.call('HGET', deleted, 'until')
if gone and tonumber(gone) > now then return { 'deleted' } end
local dead = redis.call('ZRANGE', index, '-inf', now, 'BYSCORE', 'LIMIT', 0, prune)
if #dead > 0 then
  redis.call('ZREM', index, unpack(dead))
  redis.call('HDEL', cards, unpack(dead))
end
if redis.call('ZCOUNT', index, '(' .. now, '+inf') >= most then return { 'full' } end
if got[1] then redis.call('DEL', session) end
redis.call('HSET', session, 'v', 1, 'title', title, 'created', now, 'updated', now, 'exp', now + ttl, 'first', 0, 'next', 0, 'total', 0, 'rev', 0,
  'seal', seal, 'slid', now, 'turns', 1, 'q:0', operation, 't:' .. operation, table.concat({ 'done', operation, 0, '-', '-', '-', '-', '-' }, ' '))
redis.call('PEXPIRE', session, ttl)
redis.call('ZADD', index, now + ttl, id)
redis.call('HSET', cards, id, table.concat({ 0, 0, now, now, '-', title }, ' '))
for _, key in ipairs({ index, cards }) do
  if redis.call('PEXPIRE', key, undying, 'GT') == 0 then redis.call('PEXPIRE', key, undying, 'NX') end
end
return { 'created', title, now, now, now + ttl, 0, 0, 0, 0 }
