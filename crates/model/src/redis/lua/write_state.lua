-- Write a session's state. KEYS and ARGV as crate::plan::write_state lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, operation, prints, condition, state, seal = unpack(ARGV, 1, 6)
local now, ttl, most, undying, remembered, prune = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12])
local owner_bytes = tonumber(ARGV[13])

local s = read_session(session, { 't:' .. operation, 'srev', 'state' })
local live = s and s.exp > now
if live and s.more[1] and not is_repetition(s.more[1], prints) then return { 'mismatch' } end
if live and s.more[1] then return show('written', s, tonumber(s.more[2]) or 0, 0) end
local revision = live and tonumber(s.more[2]) or 0
local tag = live and revision > 0 and s.created .. '-' .. revision or ''
if condition == 'none' and tag ~= '' then return { 'stale' } end
if condition ~= 'any' and condition ~= 'none' and condition ~= 'present' and condition ~= tag then return { 'stale' } end
if condition == 'present' and tag == '' then return { 'stale' } end
if not live then
  if is_buried(deleted, now, s) then return { 'deleted' } end
  if not has_room(index, cards, now, most, prune) then return { 'full' } end
  if s then redis.call('DEL', session) end
  s = new_session(now)
end
local growth = #state - #(live and s.more[3] or '')
if not may_grow(index, cards, now, s, growth, owner_bytes) then return { 'storage' } end
s.extra = math.max(0, s.extra + growth)
remove_fields(session, forgotten(session, s, remembered))
s.updated, s.rev = now, s.rev + 1
slide(index, id, s, now, ttl)
save(session, index, cards, id, s, undying, remember(s, remembered, operation, operation_record(operation, prints)), { 'state', state, 'srev', revision + 1 }, s.new and { 'seal', seal } or {})
return show('written', s, revision + 1, s.new and 1 or 0)
