-- Put a session's earlier messages before those that it has. KEYS and ARGV as crate::plan::prepend lists them.
local session, index, cards = KEYS[1], KEYS[2], KEYS[3]
local id, created, title, flags, metadata, state = unpack(ARGV, 1, 6)
local now, cap, byte_cap, undying, earlier, used = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12])

local s = read_session(session, { 'meta', 'srev', 'used' })
if not s or s.exp <= now or s.created ~= tonumber(created) then return { 'absent' } end
local oldest = redis.call('HGET', session, 'm:' .. s.first)
for at = 13, #ARGV, 2 do
  if has_id(oldest, ARGV[at]) then return show('prepended', s) end
end
local was_bytes, was_extra, fields = s.bytes, s.extra, {}
local function keep(name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end
local room = math.min(s.first, math.max(0, cap - (s.next - s.first)))
for at = #ARGV, 14, -2 do
  local bytes = s.bytes + #ARGV[at]
  if room == 0 or bytes > byte_cap then break end
  room, s.first, s.bytes = room - 1, s.first - 1, bytes
  keep('m:' .. s.first, ARGV[at])
end
s.total, s.rev = s.total + (#ARGV - 12) / 2 + earlier, s.rev + 1
local letters = string.match(s.flags, '^[^@]*')
if title ~= '' and not string.find(letters, 'n', 1, true) then s.title = title end
if s.flags == '-' then s.flags = flags end
if metadata ~= '' and (s.more[1] or '') == '' then
  s.extra = s.extra + #metadata
  keep('meta', metadata)
end
if state ~= '' and not s.more[2] then
  s.extra = s.extra + #state
  keep('state', state)
  keep('srev', 1)
end
if used > 0 then keep('used', (tonumber(s.more[3]) or 0) + used) end
-- What the archive had is not refused.
local bytes, extra = s.bytes, s.extra
s.bytes, s.extra = was_bytes, was_extra
may_grow(index, cards, now, s, bytes + extra - was_bytes - was_extra)
s.bytes, s.extra = bytes, extra
save(session, index, cards, id, s, undying, fields)
return show('prepended', s)
