-- Claim a visitor's sessions, once. KEYS and ARGV as crate::plan::claim_visitor lists them.
local by, now, lives = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local got = redis.call('HMGET', KEYS[1], 'by', 'until')
local before = got[1] and tonumber(got[2]) > now and got[1] or ''
if by == '' or (before ~= '' and before ~= by) then return before end
redis.call('HSET', KEYS[1], 'by', by, 'until', now + lives)
redis.call('PEXPIRE', KEYS[1], lives)
return by
