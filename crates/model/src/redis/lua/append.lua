-- Append messages without a responder. KEYS and ARGV as crate::plan::append lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, operation, record, fingerprint, title, existing, seal = unpack(ARGV, 1, 7)
local now, ttl, cap, byte_cap, most, undying = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), ARGV[13]
local remembered, trim, prune = tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])

local s = read_session(session, { 't:' .. operation })
local live = s and s.exp > now
if live and s.more[1] then
  local print = string.match(s.more[1], '^%S+ %S+ %S+ %S+ (%S+)')
  if print ~= fingerprint then return { 'mismatch' } end
  return show('appended', s, 0)
end
if not live then
  if is_buried(deleted, now) then return { 'deleted' } end
  if existing == '1' then return { 'absent' } end
  if not has_room(index, cards, now, most, prune) then return { 'full' } end
  if s then redis.call('DEL', session) end
  s = new_session(now)
end
local fields = {}
local coming, coming_bytes = #ARGV - 16, 0
for at = 17, #ARGV do coming_bytes = coming_bytes + #ARGV[at] end
local dropped = make_room(session, s, math.max(0, cap - coming), math.max(0, byte_cap - coming_bytes), math.max(trim, coming))
for _, name in ipairs(forgotten(session, s, remembered)) do dropped[#dropped + 1] = name end
remove_fields(session, dropped)
for at = 17, #ARGV do
  fields[#fields + 1] = 'm:' .. s.next
  fields[#fields + 1] = ARGV[at]
  s.next, s.total = s.next + 1, s.total + 1
end
s.bytes = s.bytes + coming_bytes
if s.title == '' then s.title = title end
s.updated, s.rev = now, s.rev + 1
slide(index, id, s, now, ttl)
save(session, index, cards, id, s, undying, remember(s, remembered, operation, record), fields, s.new and { 'seal', seal } or {})
return show('appended', s, s.new and 1 or 0)
