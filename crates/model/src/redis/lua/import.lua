-- Bring a session and messages back from an export. KEYS and ARGV as crate::plan::import lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, title, created, updated, flags, metadata, state, seal = unpack(ARGV, 1, 8)
local now, ttl, most, undying, prune, position = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12], tonumber(ARGV[13]), tonumber(ARGV[14])
local after = ARGV[15]

local s = read_session(session)
if not s or s.exp <= now then
  if is_buried(deleted, now) then return { 'deleted' } end
  if not has_room(index, cards, now, most, prune) then return { 'full' } end
  if s then redis.call('DEL', session) end
  s = new_session(tonumber(created))
  s.title, s.updated, s.flags = title, tonumber(updated), flags
  if after ~= '' then s.first, s.next, s.total = position, position, tonumber(after) end
end
local fields, before = {}, s.next
for at = 16, #ARGV, 2 do
  local message_id, message = ARGV[at], ARGV[at + 1]
  if position < before then
    if position >= s.first and not has_id(redis.call('HGET', session, 'm:' .. position), message_id) then return { 'conflict' } end
  elseif position == s.next then
    fields[#fields + 1] = 'm:' .. position
    fields[#fields + 1] = message
    s.next, s.total = s.next + 1, s.total + 1
  else
    return { 'gap' }
  end
  position = position + 1
end
if not s.new and #fields == 0 then return show('imported', s) end
s.rev = s.rev + 1
slide(index, id, s, now, ttl)
local more = s.new and { 'seal', seal, 'meta', metadata } or {}
if s.new and state ~= '' then more[5], more[6], more[7], more[8] = 'state', state, 'srev', 1 end
save(session, index, cards, id, s, undying, more, fields)
return show('imported', s)
