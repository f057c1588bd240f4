-- Give up a turn. KEYS and ARGV as crate::plan::release_turn lists them.
local turn, attempt, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local lease_until, rest = held(KEYS[1], turn, attempt, now)
if not lease_until then return { 'unchanged' } end
hold(KEYS[1], turn, attempt, 0, rest)
return { 'released' }
