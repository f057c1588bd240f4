-- Branch a session at a message. KEYS and ARGV as crate::plan::fork lists them.
local source, target, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, operation, prints, at_message, title, seal = unpack(ARGV, 1, 6)
local now, ttl, most, undying, remembered, prune = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12])
local owner_bytes = tonumber(ARGV[13])

local there = read_session(target, { 't:' .. operation })
if there and there.exp > now then
  if not there.more[1] then return { 'exists' } end
  if not is_repetition(there.more[1], prints) then return { 'mismatch' } end
  return show('forked', there)
end
if is_buried(deleted, now, there) then return { 'deleted' } end
local from = read_session(source, { 'state', 'meta', 'used', 'sum' })
if not from or from.exp <= now then return { 'absent' } end
local to, coming_bytes = from.next, from.bytes
if at_message ~= '' then
  to, coming_bytes = cut_at(source, from, at_message)
  if not to then return { 'unknown' } end
end
if not has_room(index, cards, now, most, prune) then return { 'full' } end
if there then redis.call('DEL', target) end
local s = new_session(now)
s.title = title ~= '' and title or from.title
s.flags = '-' .. string.match(from.flags, '^[^@]*(.*)$')
s.first, s.next, s.total = from.first, to, to - from.first
local extra = #(from.more[1] or '') + #(from.more[2] or '')
if not may_grow(index, cards, now, s, coming_bytes + extra, owner_bytes) then return { 'storage' } end
s.extra = extra
for start = from.first, to - 1, 500 do
  local names, copies = message_fields(start, math.min(start + 500, to)), {}
  for number, value in ipairs(redis.call('HMGET', source, unpack(names))) do
    copies[#copies + 1] = names[number]
    copies[#copies + 1] = value or ''
    s.bytes = s.bytes + #(value or '')
  end
  redis.call('HSET', target, unpack(copies))
end
slide(index, id, s, now, ttl)
local state, metadata, used, summary = unpack(from.more, 1, 4)
local more = { 'seal', seal }
local function take(name, value)
  more[#more + 1] = name
  more[#more + 1] = value
end
if state then
  take('state', state)
  take('srev', 1)
end
if metadata then take('meta', metadata) end
-- Of the tokens the share of the messages; the summary where all that it is of is before the cut.
local share = math.floor((tonumber(used) or 0) * (to - from.first) / math.max(1, from.next - from.first))
if share > 0 then take('used', share) end
if summary and to > from.first and tonumber(string.match(summary, '^%d+')) <= to then take('sum', summary) end
save(target, index, cards, id, s, undying, remember(s, remembered, operation, operation_record(operation, prints)), more)
return show('forked', s)
