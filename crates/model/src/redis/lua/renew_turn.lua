-- Keep a turn that runs. KEYS and ARGV as crate::plan::renew_turn lists them.
local turn, attempt, now, till = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local lease_until, rest = held(KEYS[1], turn, attempt, now)
if not lease_until then return { 'lost' } end
hold(KEYS[1], turn, attempt, math.max(lease_until, till), rest)
return { 'renewed' }
