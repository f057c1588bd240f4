-- Append messages without a responder. KEYS and ARGV as crate::plan::append lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, operation, prints, title, existing, seal = unpack(ARGV, 1, 6)
local now, ttl, window, cap, byte_cap, most, undying = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), ARGV[13]
local remembered, room, trim, prune, owner_bytes = tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17]), tonumber(ARGV[18])

local s = read_session(session, { 't:' .. operation })
local live = s and s.exp > now
if live and s.more[1] then
  if not is_repetition(s.more[1], prints) then return { 'mismatch' } end
  return show('appended', s, 0)
end
if not live then
  if is_buried(deleted, now, s) then return { 'deleted' } end
  if existing == '1' then return { 'absent' } end
  if not has_room(index, cards, now, most, prune) then return { 'full' } end
  if s then redis.call('DEL', session) end
  s = new_session(now)
end
local fields, ids, records = {}, {}, {}
local coming, coming_bytes = #ARGV - 18, 0
for at = 19, #ARGV do
  coming_bytes = coming_bytes + #ARGV[at]
  local message_id = string.match(ARGV[at], '^{"id":"([^"]*)"')
  ids[#ids + 1], records[#records + 1] = message_id, 't:' .. message_id
end
if live then
  local messages, found = read_messages(session, math.max(s.first, s.next - window), s.next, room, false, records)
  for at, message_id in ipairs(ids) do
    if have_id(messages, message_id) then return { 'repeated' } end
    local namesake = asked_at(found[at])
    if namesake and namesake >= s.first and namesake < s.next and has_id(redis.call('HGET', session, 'm:' .. namesake), message_id) then
      return { 'repeated' }
    end
  end
end
if not may_grow(index, cards, now, s, coming_bytes, owner_bytes) then return { 'storage' } end
local dropped = make_room(session, s, math.max(0, cap - coming), math.max(0, byte_cap - coming_bytes), math.max(trim, coming))
for _, name in ipairs(forgotten(session, s, remembered)) do dropped[#dropped + 1] = name end
remove_fields(session, dropped)
for at = 19, #ARGV do
  fields[#fields + 1] = 'm:' .. s.next
  fields[#fields + 1] = ARGV[at]
  s.next, s.total = s.next + 1, s.total + 1
end
s.bytes = s.bytes + coming_bytes
if s.title == '' then s.title = title end
s.updated, s.rev = now, s.rev + 1
slide(index, id, s, now, ttl)
save(session, index, cards, id, s, undying, remember(s, remembered, operation, operation_record(operation, prints)), fields, s.new and { 'seal', seal } or {})
return show('appended', s, s.new and 1 or 0)
