-- Finish a turn. KEYS and ARGV as crate::plan::finish_turn lists them.
local session, index, cards = KEYS[1], KEYS[2], KEYS[3]
local id, turn, attempt, reply, message_id, position = unpack(ARGV, 1, 6)
local now, ttl, grain, cap, trim, undying = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12]
local used = tonumber(ARGV[13])

local s = read_session(session, { 't:' .. turn, 'm:' .. position, 'used' })
if not s or s.exp <= now then return { 'absent' } end
if not s.more[1] then return { 'superseded' } end
local state, holder, _, reply_id, print, asked, asked_at = string.match(s.more[1], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
if holder ~= attempt then return { 'superseded' } end
if state == 'done' then return show('finished', s) end
-- A turn that was begun in a journal is elsewhere than it was told: the record knows.
if asked_at ~= position then s.more[2] = redis.call('HGET', session, 'm:' .. asked_at) end
if tonumber(asked_at) >= s.next or not has_id(s.more[2], message_id) then return { 'gone' } end

local at = s.next
remove_fields(session, make_room(session, s, cap - 1, math.huge, trim))
s.updated, s.next, s.total, s.bytes, s.rev = now, at + 1, s.total + 1, s.bytes + #reply, s.rev + 1
if now + ttl - s.exp >= grain then slide(index, id, s, now, ttl) end
local record = table.concat({ 'done', attempt, 0, reply_id, print, asked, asked_at, at }, ' ')
save(session, index, cards, id, s, undying, { 't:' .. turn, record, 'm:' .. at, reply }, used > 0 and { 'used', (tonumber(s.more[3]) or 0) + used } or {})
return show('finished', s)
