-- Slide a session's TTL. KEYS and ARGV as crate::plan::touch lists them.
local session, index, cards = KEYS[1], KEYS[2], KEYS[3]
local id, now, ttl, undying = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local s = read_session(session)
if not s or s.exp <= now then return { 'absent' } end
slide(index, id, s, now, ttl)
save(session, index, cards, id, s, undying)
return show('touched', s)
