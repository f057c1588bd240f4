-- Finish a turn. KEYS and ARGV as crate::plan::finish_turn lists them.
local session, index, cards = KEYS[1], KEYS[2], KEYS[3]
local id, turn, attempt, reply, message_id, position = unpack(ARGV, 1, 6)
local now, ttl, grain, cap, trim, undying = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12]
local used, message = tonumber(ARGV[13]), ARGV[14]

local s = read_session(session, { 't:' .. turn, 'm:' .. position, 'used' })
if not s or s.exp <= now then return { 'absent' } end
if not s.more[1] then return { 'superseded' } end
local state, holder, _, reply_id, print, asked, asked_at, planned = string.match(s.more[1], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
if holder ~= attempt then return { 'superseded' } end
if state == 'done' then return show('finished', s) end
local to, total = string.match(planned, '^(%d+)/(%d+)$')
local brings = to and asked_at == '-'
if brings then
  if (asked == '=' and turn or asked) ~= message_id or not has_id(message, message_id) then return { 'gone' } end
else
  -- A turn that was begun in a journal is elsewhere than it was told: the record knows.
  if asked_at ~= position then s.more[2] = redis.call('HGET', session, 'm:' .. asked_at) end
  if not tonumber(asked_at) or tonumber(asked_at) >= s.next or not has_id(s.more[2], message_id) then return { 'gone' } end
end
-- What is there to be said is kept, whatever its owner has.
may_grow(index, cards, now, s, #reply + (brings and #message or 0))
local dropped = {}
-- What others have said since the begin is not removed.
if to and tonumber(total) == s.total and tonumber(to) < s.next then
  local bytes = s.bytes
  for from = tonumber(to), s.next - 1, 500 do
    for _, text in ipairs(redis.call('HMGET', session, unpack(message_fields(from, math.min(from + 500, s.next))))) do
      bytes = bytes - #(text or '')
    end
  end
  dropped = cut(s, tonumber(to), bytes)
end
local question = s.next
local at = question + (brings and 1 or 0)
for _, name in ipairs(make_room(session, s, math.max(0, cap - 1 - (brings and 1 or 0)), math.huge, trim)) do dropped[#dropped + 1] = name end
remove_fields(session, dropped)
if brings then asked_at, s.total, s.bytes = question, s.total + 1, s.bytes + #message end
s.updated, s.next, s.total, s.bytes, s.rev = now, at + 1, s.total + 1, s.bytes + #reply, s.rev + 1
if now + ttl - s.exp >= grain then slide(index, id, s, now, ttl) end
local record = table.concat({ 'done', attempt, 0, reply_id, print, asked, asked_at, at }, ' ')
save(session, index, cards, id, s, undying, { 't:' .. turn, record, 'm:' .. at, reply }, brings and { 'm:' .. question, message } or {}, used > 0 and { 'used', (tonumber(s.more[3]) or 0) + used } or {})
return show('finished', s)
