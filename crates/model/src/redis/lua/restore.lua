-- Take a deleted session back. KEYS and ARGV as crate::plan::restore lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, operation, prints = ARGV[1], ARGV[2], ARGV[3]
local now, ttl, most, undying, remembered, prune = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9])
local s = read_session(session, { 't:' .. operation })
if s and s.exp > now then
  if not s.more[1] then return { 'exists' } end
  if not is_repetition(s.more[1], prints) then return { 'mismatch' } end
  return show('restored', s)
end
if s and s.away and s.away > now then return { 'absent' } end
local till = redis.call('HMGET', deleted, 'until', 'flags', 't:' .. operation)
-- What went to another owner doesn't come back.
if not till[1] or tonumber(till[1]) <= now or string.find(till[2], '^[^@]*d') then return { 'absent' } end
if till[3] and not is_repetition(till[3], prints) then return { 'mismatch' } end
if not has_room(index, cards, now, most, prune) then return { 'full' } end
redis.call('RENAME', deleted, session)
redis.call('HDEL', session, 'until')
redis.call('HDEL', cards, '~' .. id)
s = read_session(session, { 't:' .. operation })
local known = s.more[1]
if not known then remove_fields(session, forgotten(session, s, remembered)) end
s.updated, s.rev = now, s.rev + 1
slide(index, id, s, now, ttl)
local record = operation_record(operation, prints)
save(session, index, cards, id, s, undying, known and { 't:' .. operation, record } or remember(s, remembered, operation, record))
return show('restored', s)
