-- Keep a summary of a session's earlier messages. KEYS and ARGV as crate::plan::summary lists them.
local key, now, till, last, text = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local got = redis.call('HMGET', key, 'exp', 'first', 'next', 'm:' .. till - 1, 'flags')
if not got[1] or tonumber(got[1]) <= now or string.find(got[5] or '-', '^[^@]*[di]') or till > tonumber(got[3]) then return 0 end
if till - 1 < tonumber(got[2]) or not has_id(got[4], last) then return 0 end
redis.call('HSET', key, 'sum', till .. ' ' .. last .. ' ' .. text)
return 1
