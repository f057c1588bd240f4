-- Cut a session's tail. KEYS and ARGV as crate::plan::truncate lists them.
local session, index, cards = KEYS[1], KEYS[2], KEYS[3]
local id, operation, prints, after = unpack(ARGV, 1, 4)
local now, ttl, undying, remembered = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])

local s = read_session(session, { 't:' .. operation })
if not s or s.exp <= now then return { 'absent' } end
if s.more[1] and not is_repetition(s.more[1], prints) then return { 'mismatch' } end
if s.more[1] then return show('truncated', s) end
local to, bytes = cut_at(session, s, after)
if not to then return { 'unknown' } end
local dropped = cut(s, to, bytes)
for _, name in ipairs(forgotten(session, s, remembered)) do dropped[#dropped + 1] = name end
remove_fields(session, dropped)
s.updated, s.rev = now, s.rev + 1
slide(index, id, s, now, ttl)
save(session, index, cards, id, s, undying, remember(s, remembered, operation, operation_record(operation, prints)))
return show('truncated', s)
