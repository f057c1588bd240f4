-- Give up a turn. KEYS and ARGV as crate::plan::release_turn lists them.
local turn, attempt, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local s = read_session(KEYS[1], { 't:' .. turn })
if s and s.exp > now and s.more[1] then
  local state, holder, _, rest = string.match(s.more[1], '^(%S+) (%S+) (%S+) (.+)$')
  if state == 'open' and holder == attempt then
    redis.call('HSET', KEYS[1], 't:' .. turn, table.concat({ 'open', attempt, 0, rest }, ' '))
    return { 'released' }
  end
end
return { 'unchanged' }
