-- Charge a turn. KEYS and ARGV as crate::plan::charge_turn lists them.
local charged = redis.call('INCR', KEYS[1])
if charged == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { charged }
