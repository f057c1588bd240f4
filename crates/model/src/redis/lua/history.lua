#!lua flags=no-writes,allow-key-locking
-- Read a page of messages. KEYS and ARGV as crate::plan::history lists them.
local now, limit, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local got = redis.call('HMGET', KEYS[1], 'exp', 'title', 'created', 'updated', 'first', 'next', 'total', 'rev')
if not got[1] or tonumber(got[1]) <= now then return { 'absent' } end
local first, to = tonumber(got[5]), tonumber(got[6])
if ARGV[3] ~= '' then to = math.max(first, math.min(to, tonumber(ARGV[3]))) end
local from = math.max(first, to - limit)
local messages = {}
if to > from then
  local fields = {}
  for position = from, to - 1 do fields[#fields + 1] = 'm:' .. position end
  local values = redis.call('HMGET', KEYS[1], unpack(fields))
  local start = #fields + 1
  for at = #fields, 1, -1 do
    room = room - #(values[at] or '')
    if room < 0 and at < #fields then break end
    start = at
  end
  for at = start, #fields do if values[at] then messages[#messages + 1] = values[at] end end
  from = from + start - 1
end
return { 'page', got[2], tonumber(got[3]), tonumber(got[4]), tonumber(got[1]), first, tonumber(got[6]), tonumber(got[7]), tonumber(got[8]), from, messages }
