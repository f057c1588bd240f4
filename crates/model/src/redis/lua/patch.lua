-- Change a session's title, flags and metadata. KEYS and ARGV as crate::plan::patch lists them.
local session, index, cards = KEYS[1], KEYS[2], KEYS[3]
local id, operation, prints, set_title, title, pinned, archived, set_metadata, metadata, automatic = unpack(ARGV, 1, 10)
local now, ttl, undying, remembered = tonumber(ARGV[11]), tonumber(ARGV[12]), ARGV[13], tonumber(ARGV[14])

local s = read_session(session, { 'meta', 't:' .. operation })
if not s or s.exp <= now then return { 'absent' } end
local stored = s.more[1] or ''
if s.more[2] and not is_repetition(s.more[2], prints) then return { 'mismatch' } end
if s.more[2] then return show('patched', s, stored) end

local letters, user = string.match(s.flags, '^([^@]*)(.*)$')
local function flag(letter, wanted)
  local has = string.find(letters, letter, 1, true)
  if wanted == '1' or (wanted == '' and has) then return letter end
  return ''
end
local named = ''
if set_title == '1' and not (automatic == '1' and flag('n', '') ~= '') then
  s.title = title
  named = (automatic ~= '1' and title ~= '') and '1' or '0'
end
local flags = flag('p', pinned) .. flag('a', archived) .. flag('n', named) .. flag('c', '')
s.flags = (flags == '' and '-' or flags) .. user
if set_metadata == '1' then
  local growth = #metadata - #stored
  may_grow(index, cards, now, s, growth)
  s.extra, stored = math.max(0, s.extra + growth), metadata
end
remove_fields(session, forgotten(session, s, remembered))
s.updated, s.rev = now, s.rev + 1
slide(index, id, s, now, ttl)
save(session, index, cards, id, s, undying, remember(s, remembered, operation, operation_record(operation, prints)), { 'meta', stored })
return show('patched', s, stored)
