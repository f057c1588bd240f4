-- Runs an operation as an entry of a journal: once, and never after a later entry of the same journal. The last four of ARGV:
-- which of KEYS is the session, which is where a delete sets it aside (0: none), the journal's name, the entry's position.
local session, aside = KEYS[tonumber(ARGV[#ARGV - 3])], KEYS[tonumber(ARGV[#ARGV - 2])]
local field, position = 'jr:' .. ARGV[#ARGV - 1], tonumber(ARGV[#ARGV])
local last = redis.call('HGET', session, field)
if last and tonumber(last) >= position then return { 'applied' } end
local outcome = operation(KEYS, { unpack(ARGV, 1, #ARGV - 4) })
-- After these it is sent again, otherwise.
if outcome[1] == 'running' or outcome[1] == 'unknown' or outcome[1] == 'mismatch' then return outcome end
for _, key in ipairs({ session, aside }) do
  if redis.call('EXISTS', key) == 1 then redis.call('HSET', key, field, position) end
end
return outcome
