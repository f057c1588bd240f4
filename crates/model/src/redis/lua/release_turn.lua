#!lua flags=allow-key-locking
-- Give up a turn. KEYS and ARGV as crate::plan::release_turn lists them.
local turn, attempt, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local got = redis.call('HMGET', KEYS[1], 'exp', 't:' .. turn)
if got[1] and tonumber(got[1]) > now and got[2] then
  local state, holder, _, rest = string.match(got[2], '^(%S+) (%S+) (%S+) (.+)$')
  if state == 'open' and holder == attempt then
    redis.call('HSET', KEYS[1], 't:' .. turn, table.concat({ 'open', attempt, 0, rest }, ' '))
    return { 'released' }
  end
end
return { 'unchanged' }
