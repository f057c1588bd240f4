-- Let a session go to another owner. KEYS and ARGV as crate::plan::depart lists them.
local session, index, cards = KEYS[1], KEYS[2], KEYS[3]
local id, now, undying = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local remembered, most, room = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local s = read_session(session, { 'meta', 'srev', 'state', 'used', 'sum' }, 'd')
if not s or s.exp <= now then return { 'absent' } end
local turns, till = {}, 0
if s.turns > 0 then
  local names = {}
  for turn = math.max(0, s.turns - remembered), s.turns - 1 do names[#names + 1] = 'q:' .. turn % remembered end
  local ids = redis.call('HMGET', session, unpack(names))
  for at, turn in ipairs(ids) do names[at] = 't:' .. turn end
  for at, record in ipairs(redis.call('HMGET', session, unpack(names))) do
    turns[#turns + 1] = ids[at]
    turns[#turns + 1] = record
    local open_until = string.match(record, '^open %S+ (%d+)')
    if open_until then till = math.max(till, tonumber(open_until)) end
  end
end
if not string.find(s.flags, '^[^@]*d') then
  if till > now then return { 'running', till } end
  s.flags, s.rev = with_flag(s.flags, 'd'), s.rev + 1
  save(session, index, cards, id, s, undying)
end
local messages = read_messages(session, math.max(s.first, s.next - most), s.next, room)
return show('leaving', s, s.more[1] or '', s.more[2] or 0, s.more[3] or '', s.more[4] or 0, s.more[5] or '', turns, s.next - #messages, messages)
