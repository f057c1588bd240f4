-- Begin a turn. KEYS and ARGV as crate::plan::begin_turn lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, turn, attempt, prints, message_id, message, reply_id, title, existing, seal, cut_after, mode = unpack(ARGV, 1, 12)
local now, ttl, lease, window, cap, byte_cap, most, undying, remembered, room, trim, prune, turns, counted, owner_bytes = unpack(ARGV, 13, 27)
now, ttl, lease, window, cap, most = tonumber(now), tonumber(ttl), tonumber(lease), tonumber(window), tonumber(cap), tonumber(most)
byte_cap, remembered, room, trim, prune = tonumber(byte_cap), tonumber(remembered), tonumber(room), tonumber(trim), tonumber(prune)
turns, owner_bytes = tonumber(turns), tonumber(owner_bytes)

-- An id that is the one which follows from the turn's own, in the short form that records have for it; and back.
local function short(id, usual) return id == usual and '=' or id end
local function long(word, usual) return word == '=' and usual or word end

local s = read_session(session, { 't:' .. turn, message_id ~= turn and 't:' .. message_id or nil })
local live = s and s.exp > now

if live and s.more[1] then
  local state, holder, lease_until, reply, print, asked, place, replied_at = string.match(s.more[1], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  if not is_repetition(s.more[1], prints) then return { 'mismatch' } end
  reply, asked = long(reply, reply_id), long(asked, turn)
  if state == 'done' then
    local at = tonumber(replied_at)
    local stored = at and at < s.next and redis.call('HGET', session, 'm:' .. replied_at)
    if not has_id(stored, reply) then return { 'gone' } end
    return show('replay', s, asked, stored)
  end
  if holder ~= attempt and tonumber(lease_until) > now then return { 'running', tonumber(lease_until) } end
end
-- A turn that replaces messages has nothing in the history yet: taken over, it begins anew.
local anew = live and s.more[1] and string.find(s.more[1], '^open .*/%d+$')
if live and s.more[1] and not anew then
  local state, holder, lease_until, reply, print, asked, place, replied_at = string.match(s.more[1], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  reply, asked = long(reply, reply_id), long(asked, turn)
  local position = tonumber(place)
  if position < s.first or position >= s.next then return { 'gone' } end
  local messages = read_messages(session, math.max(s.first, position - window + 1), position + 1, room)
  if not has_id(messages[#messages], asked) then return { 'gone' } end
  redis.call('HSET', session, 't:' .. turn, table.concat({ 'open', attempt, now + lease, short(reply, reply_id), print, short(asked, turn), place, '-' }, ' '))
  return show('begun', s, 0, asked, position, messages, 0, 0)
end

if not live then
  if is_buried(deleted, now, s) then return { 'deleted' } end
  if existing == '1' or mode == 'answer' then return { 'absent' } end
  if cut_after ~= '' and cut_after ~= '-' then return { 'unknown' } end
end
local charged = 0
if turns > 0 and not anew then
  charged = redis.call('INCR', KEYS[5])
  if charged == 1 then redis.call('PEXPIRE', KEYS[5], counted) end
  if charged > turns then return { 'limited' } end
end
if not live then
  if not has_room(index, cards, now, most, prune) then return { 'full' } end
  if s then redis.call('DEL', session) end
  s = new_session(now)
end

s.over = not may_grow(index, cards, now, s, #message, owner_bytes)

-- The cut after the user message with an id, or after the one that the reply with this id answers; and its id.
local function cut_at_asked(wanted)
  for _ = 1, 2 do
    local to, bytes = cut_at(session, s, wanted)
    if not to then return nil end
    local found = redis.call('HGET', session, 'm:' .. to - 1)
    if string.match(found, '^{"id":"[^"]*","role":"user"') then return to, bytes, wanted end
    wanted = string.match(found, '"created":"[^"]*","parent":"([^"]+)"')
    if not wanted then return nil end
  end
end

local answers = mode == 'answer'
local dropped, kept = {}, s.next
if answers then
  local to, _, asked = cut_at_asked(message_id)
  if not to then return { 'unknown' } end
  message_id, kept = asked, to
elseif live and mode == 'edit' then
  local to = cut_at(session, s, message_id)
  if to then kept = to - 1 end
elseif live and cut_after ~= '' then
  local to = cut_at(session, s, cut_after)
  if not to then return { 'unknown' } end
  kept = to
end
-- What the turn replaces stays until it finishes.
local replaces = kept < s.next
local position = answers and kept - 1 or kept
local appends = not answers and not replaces
-- A derived title follows the first message when that is edited.
local follows = position == 0 and not answers and replaces and not string.find(s.flags, '^[^@]*n')
-- Room is made for the reply too, so that finishing need not; but its bytes are not known yet. What may have to go is read
-- with the window, and with it the turn to forget.
local keep, bytes = cap - 2, math.max(0, byte_cap - #message)
local over = appends and excess(s, keep, bytes, trim) or 0
local also = message_fields(s.first, s.first + over)
if s.turns >= remembered and not anew then also[#also + 1] = ring_field(s, remembered) end
local namesake = not answers and asked_at(s.more[2])
if namesake and namesake >= s.first and namesake < position then also[#also + 1] = 'm:' .. namesake else namesake = nil end
local messages, values = read_messages(session, math.max(s.first, position - window + 1), kept, room - #message, false, also)
if not answers then
  if have_id(messages, message_id) or (namesake and has_id(table.remove(values), message_id)) then return { 'repeated' } end
  messages[#messages + 1] = message
end
if s.over then return { 'storage' } end
local oldest = s.turns >= remembered and not anew and table.remove(values)
for _, name in ipairs(appends and drop_oldest(s, values, keep, bytes) or {}) do dropped[#dropped + 1] = name end
if oldest then dropped[#dropped + 1] = 't:' .. oldest end
remove_fields(session, dropped)

if s.title == '' or (follows and title ~= '') then s.title = title end
local planned = replaces and kept .. '/' .. s.total or '-'
s.updated, s.rev = now, s.rev + 1
if appends then s.next, s.total, s.bytes = position + 1, s.total + 1, s.bytes + #message end
slide(index, id, s, now, ttl)
local place = (answers or appends) and position or '-'
local record = table.concat({ 'open', attempt, now + lease, '=', kept_print(prints), short(message_id, turn), place, planned }, ' ')
save(session, index, cards, id, s, undying, anew and { 't:' .. turn, record } or remember(s, remembered, turn, record), appends and { 'm:' .. position, message } or {}, s.new and { 'seal', seal } or {})
return show('begun', s, s.new and 1 or 0, message_id, position, messages, charged, replaces and 1 or 0)
