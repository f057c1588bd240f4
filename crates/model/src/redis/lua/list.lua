-- Read a page of cards. KEYS and ARGV as crate::plan::list lists them.
local now, limit, newest, skip = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local count = redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')
local found = redis.call('ZRANGE', KEYS[1], newest, '(' .. now, 'BYSCORE', 'REV', 'LIMIT', skip, limit, 'WITHSCORES')
if #found == 0 then return { count, {} } end
return { count, with_rows(found, KEYS[2]) }
