-- Keep a turn that runs. KEYS and ARGV as crate::plan::renew_turn lists them.
local turn, attempt, now, till = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local s = read_session(KEYS[1], { 't:' .. turn })
if s and s.exp > now and s.more[1] then
  local state, holder, lease_until, rest = string.match(s.more[1], '^(%S+) (%S+) (%S+) (.+)$')
  if state == 'open' and holder == attempt then
    redis.call('HSET', KEYS[1], 't:' .. turn, table.concat({ 'open', attempt, math.max(tonumber(lease_until), till), rest }, ' '))
    return { 'renewed' }
  end
end
return { 'lost' }
