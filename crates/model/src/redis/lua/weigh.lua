-- Read how many bytes the messages of sessions have. KEYS and ARGV as crate::plan::weigh lists them.
local now = tonumber(ARGV[1])
local sizes = {}
for number, key in ipairs(KEYS) do
  local got = redis.call('HMGET', key, 'exp', 'bytes')
  sizes[number] = got[1] and tonumber(got[1]) > now and tonumber(got[2]) or 0
end
return sizes
