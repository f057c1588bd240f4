-- Read the summary of a session's earlier messages, if those are still the ones. KEYS and ARGV as crate::plan::summary lists them.
local key, now = KEYS[1], tonumber(ARGV[1])
local got = redis.call('HMGET', key, 'exp', 'first', 'next', 'sum', 'flags')
if not got[1] or tonumber(got[1]) <= now or not got[4] or string.find(got[5] or '-', '^[^@]*i') then return '' end
local till, last = string.match(got[4], '^(%d+) (%S+) ')
till = tonumber(till)
if till > tonumber(got[3]) then return '' end
if till > tonumber(got[2]) and not has_id(redis.call('HGET', key, 'm:' .. till - 1), last) then return '' end
return got[4]
