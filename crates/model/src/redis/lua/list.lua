-- Read a page of cards. KEYS and ARGV as crate::plan::list lists them.
local now, limit, newest, skip = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local count = redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')
local found = redis.call('ZRANGE', KEYS[1], newest, '(' .. now, 'BYSCORE', 'REV', 'LIMIT', skip, limit, 'WITHSCORES')
if #found == 0 then return { count, {} } end
local ids = {}
for at = 1, #found, 2 do ids[#ids + 1] = found[at] end
local stored = redis.call('HMGET', KEYS[2], unpack(ids))
local rows = {}
for at, id in ipairs(ids) do
  rows[#rows + 1] = id
  rows[#rows + 1] = found[at * 2]
  rows[#rows + 1] = stored[at] or ''
end
return { count, rows }
