-- Change a session's title, flags and metadata. KEYS and ARGV as crate::plan::patch lists them.
local session, index, cards = KEYS[1], KEYS[2], KEYS[3]
local id, operation, record, set_title, title, pinned, archived, set_metadata, metadata = unpack(ARGV, 1, 9)
local now, ttl, undying, remembered = tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12], tonumber(ARGV[13])

local s = read_session(session, { 'meta', 't:' .. operation })
if not s or s.exp <= now then return { 'absent' } end
local stored = s.more[1] or ''
if s.more[2] then return show('patched', s, stored) end

local letters, user = string.match(s.flags, '^([^@]*)(.*)$')
local function flag(letter, wanted)
  local has = string.find(letters, letter, 1, true)
  if wanted == '1' or (wanted == '' and has) then return letter end
  return ''
end
local flags = flag('p', pinned) .. flag('a', archived)
s.flags = (flags == '' and '-' or flags) .. user
if set_title == '1' then s.title = title end
if set_metadata == '1' then stored = metadata end
remove_fields(session, forgotten(session, s, remembered))
s.updated, s.rev = now, s.rev + 1
slide(index, id, s, now, ttl)
save(session, index, cards, id, s, undying, remember(s, remembered, operation, record), { 'meta', stored })
return show('patched', s, stored)
