-- Create an empty session. KEYS and ARGV as crate::plan::create lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, operation, title, seal, prints = unpack(ARGV, 1, 5)
local now, ttl, most, undying, remembered, prune = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])
local owner_bytes, flags = tonumber(ARGV[12]), ARGV[13]

local s = read_session(session, { 't:' .. operation })
if s and s.exp > now then
  if not s.more[1] then return { 'exists' } end
  if not is_repetition(s.more[1], prints) then return { 'mismatch' } end
  return show('created', s)
end
if is_buried(deleted, now, s) then return { 'deleted' } end
if not has_room(index, cards, now, most, prune) then return { 'full' } end
if s then redis.call('DEL', session) end
s = new_session(now)
s.title, s.flags = title, flags
if not may_grow(index, cards, now, s, 0, owner_bytes) then return { 'storage' } end
slide(index, id, s, now, ttl)
save(session, index, cards, id, s, undying, remember(s, remembered, operation, operation_record(operation, prints)), { 'seal', seal })
return show('created', s)
