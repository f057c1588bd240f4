-- Bring a session and messages back from an export. KEYS and ARGV as crate::plan::import lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, title, created, updated, flags, metadata, state, seal = unpack(ARGV, 1, 8)
local now, ttl, cap, byte_cap, most, undying = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), ARGV[14]
local trim, prune, position = tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17])
local after, used, summary, remembered = ARGV[18], tonumber(ARGV[19]), ARGV[20], tonumber(ARGV[21])
local owner_bytes, dry_run, operation, prints = tonumber(ARGV[22]), ARGV[23] == '1', ARGV[24], ARGV[25]

local s = read_session(session, { 't:' .. operation })
if not s or s.exp <= now then
  if is_buried(deleted, now, s) then return { 'deleted' } end
  if not has_room(index, cards, now, most, prune) then return { 'full' } end
  if s then redis.call('DEL', session) end
  s = new_session(tonumber(created))
  s.title, s.updated, s.flags = title, tonumber(updated), flags
  if after ~= '' then s.first, s.next, s.total = position, position, tonumber(after) end
elseif operation ~= '' then
  if not s.more[1] then return { 'exists' } end
  if not is_repetition(s.more[1], prints) then return { 'mismatch' } end
end
local fields, reached, coming_bytes = {}, s.next, 0
for at = 26, #ARGV, 2 do
  local message_id, message = ARGV[at], ARGV[at + 1]
  if position < s.next then
    if position >= s.first and not has_id(redis.call('HGET', session, 'm:' .. position), message_id) then return { 'conflict' } end
  elseif position == reached then
    fields[#fields + 1] = 'm:' .. position
    fields[#fields + 1] = message
    reached, coming_bytes = reached + 1, coming_bytes + #message
  else
    return { 'gap' }
  end
  position = position + 1
end
if not s.new and #fields == 0 then return show('imported', s) end
local coming, extra = reached - s.next, s.new and #metadata + #state or 0
if not may_grow(index, cards, now, s, coming_bytes + extra, owner_bytes) then return { 'storage' } end
if dry_run then return show('imported', s) end
s.extra = s.extra + extra
remove_fields(session, make_room(session, s, math.max(0, cap - coming), math.max(0, byte_cap - coming_bytes), math.max(trim, coming)))
s.next, s.total, s.bytes, s.rev = reached, s.total + coming, s.bytes + coming_bytes, s.rev + 1
slide(index, id, s, now, ttl)
local function keep(name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end
if s.new then
  keep('seal', seal)
  keep('meta', metadata)
  if state ~= '' then
    keep('state', state)
    keep('srev', 1)
  end
  if used > 0 then keep('used', used) end
  if summary ~= '' then keep('sum', summary) end
end
save(session, index, cards, id, s, undying, fields, s.new and operation ~= '' and remember(s, remembered, operation, operation_record(operation, prints)) or {})
return show('imported', s)
