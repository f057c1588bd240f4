-- Read a page of messages. KEYS and ARGV as crate::plan::history lists them.
local now, limit, before, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local s = read_session(KEYS[1], nil, 'd')
if not s or s.exp <= now then return { 'absent' } end
local to = math.max(s.first, math.min(s.next, before or s.next))
local messages = read_messages(KEYS[1], math.max(s.first, to - limit), to, room, true)
return show('page', s, to - #messages, messages)
