-- Read sessions' states, as many as fit. KEYS and ARGV as crate::plan::read_state lists them.
local now, room = tonumber(ARGV[1]), tonumber(ARGV[2])
local found = {}
for number, key in ipairs(KEYS) do
  local got = redis.call('HMGET', key, 'exp', 'created', 'srev', 'state', 'flags')
  local there = got[1] and tonumber(got[1]) > now and not string.find(got[5] or '-', '^[^@]*[di]')
  if there and got[4] then
    room = room - #got[4]
    if room < 0 and number > 1 then break end
    found[#found + 1] = { tonumber(got[2]), tonumber(got[3]), got[4] }
  else
    found[#found + 1] = { there and 1 or 0 }
  end
end
return found
