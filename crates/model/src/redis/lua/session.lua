-- How every script reads, saves and shows a session. The script itself follows.

-- The session at a key, live or not, with the values of more of its fields; nothing when the key is absent. One that is on
-- its way from one owner to another seems to be over, and is `away` until its end; `way` lets those through that depart (`d`)
-- or are incoming (`i`).
local function read_session(key, more, way)
  local names = { 'exp', 'title', 'created', 'updated', 'first', 'next', 'total', 'rev', 'flags', 'turns', 'slid', 'bytes', 'extra' }
  for _, name in ipairs(more or {}) do names[#names + 1] = name end
  local got = redis.call('HMGET', key, unpack(names))
  if not got[1] then return nil end
  local s = {
    exp = tonumber(got[1]), title = got[2], created = tonumber(got[3]), updated = tonumber(got[4]), first = tonumber(got[5]),
    next = tonumber(got[6]), total = tonumber(got[7]), rev = tonumber(got[8]), flags = got[9] or '-', turns = tonumber(got[10]) or 0,
    slid = tonumber(got[11]) or 0, bytes = tonumber(got[12]), extra = tonumber(got[13]), more = { unpack(got, 14, #names) },
  }
  local its_way = string.match(s.flags, '^[^@]*([di])')
  if its_way and its_way ~= way then s.away, s.exp = s.exp, 0 end
  if not s.bytes then
    -- Layout 1 did not count them.
    s.bytes, s.outdated = 0, true
    for position = s.first, s.next - 1 do s.bytes = s.bytes + redis.call('HSTRLEN', key, 'm:' .. position) end
  end
  -- Nor did its first writers count state and metadata.
  if not s.extra then
    s.extra = 0
    for _, value in ipairs(redis.call('HMGET', key, 'state', 'meta')) do s.extra = s.extra + #(value or '') end
  end
  return s
end

-- What a session counts for among the bytes of its owner: its messages, its state and metadata (`extra`), and what there is
-- besides. And in how many units of 64 kB the owner's cards count that.
local function size_of(s) return 1024 + s.bytes + s.extra end
local function units(bytes) return math.ceil(bytes / 65536) end

local function new_session(now)
  return { exp = 0, title = '', created = now, updated = now, first = 0, next = 0, total = 0, rev = 0, flags = '-', turns = 0, slid = 0, bytes = 0, extra = 0, more = {}, new = true }
end

-- An answer: what happened, the session's fields, and what else there is to say.
local function show(what, s, ...)
  return { what, s.title, s.created, s.updated, s.exp, s.first, s.next, s.total, s.bytes, s.rev, s.flags, ... }
end

-- Whether a session is set aside as deleted, or away.
local function is_buried(key, now, s)
  if s and s.away and s.away > now then return true end
  local till = redis.call('HGET', key, 'until')
  return till and tonumber(till) > now
end

-- Whether the owner may have one more session. Ids whose time has come leave the index here.
local function has_room(index, cards, now, most, prune)
  local dead = redis.call('ZRANGE', index, '-inf', now, 'BYSCORE', 'LIMIT', 0, prune)
  if #dead > 0 then
    redis.call('ZREM', index, unpack(dead))
    redis.call('HDEL', cards, unpack(dead))
  end
  return redis.call('ZCOUNT', index, '(' .. now, '+inf') < most
end

-- The bytes of all of an owner's sessions, live and deleted ones, by their cards; and the same in units. Deleted ones whose time
-- has come leave the cards here.
local function recount(index, cards, now)
  local all, live = redis.call('HGETALL', cards), {}
  for _, id in ipairs(redis.call('ZRANGE', index, '(' .. now, '+inf', 'BYSCORE')) do live[id] = true end
  local bytes, counted, over = 0, 0, {}
  for at = 1, #all, 2 do
    local name, size = all[at], nil
    if string.sub(name, 1, 1) == '~' then
      local till, stored = string.match(all[at + 1], '^(%d+) (%d+)$')
      if tonumber(till) > now then size = tonumber(stored) else over[#over + 1] = name end
    elseif live[name] then
      size = tonumber(string.match(all[at + 1], '^%S+ %S+ %S+ %S+ [^@ ]*#(%d+)')) or 1024
    end
    if size then bytes, counted = bytes + size, counted + units(size) end
  end
  for at = 1, #over, 1000 do redis.call('HDEL', cards, unpack(over, at, math.min(at + 999, #over))) end
  return bytes, counted
end

-- Whether a session that is about to be saved may take so many bytes more, where its owner's may have `most` (0: any number). It
-- is asked only when it comes to another unit; the units are counted in the cards' field `=`, and exactly before they are too many.
-- Without `most` they are counted, and never too many.
local function may_grow(index, cards, now, s, coming, most)
  local was = s.new and 0 or size_of(s)
  local is = (s.new and 1024 or was) + coming
  local grown = units(is) - units(was)
  if grown <= 0 then return true end
  if most == 0 then
    s.counted = ''
    return true
  end
  local counted = tonumber(redis.call('HGET', cards, '='))
  if most and (not counted or (counted + grown) * 65536 > most) then
    local bytes, exact = recount(index, cards, now)
    if bytes + is - was > most then
      if counted then redis.call('HSET', cards, '=', exact) end
      return false
    end
    counted = exact
  end
  s.counted = counted and counted + grown or ''
  return true
end

-- The fields of the messages at the positions [from, to).
local function message_fields(from, to)
  local names = {}
  for position = from, to - 1 do names[#names + 1] = 'm:' .. position end
  return names
end

-- The messages of the positions [from, to), oldest first, as many of the newest as `room` bytes hold, the newest itself
-- always when `one`; and the values of the fields `also`.
local function read_messages(key, from, to, room, one, also)
  local names = message_fields(from, to)
  local count = #names
  for _, name in ipairs(also or {}) do names[#names + 1] = name end
  if #names == 0 then return {}, {} end
  local values = redis.call('HMGET', key, unpack(names))
  local start = count + 1
  for at = count, 1, -1 do
    room = room - #(values[at] or '')
    if room < 0 and not (one and at == count) then break end
    start = at
  end
  local kept = {}
  for at = start, count do if values[at] then kept[#kept + 1] = values[at] end end
  return kept, { unpack(values, count + 1, #names) }
end

-- Whether a stored message has an id: its text begins with it.
local function has_id(message, id)
  local head = '{"id":"' .. id .. '"'
  return message and string.sub(message, 1, #head) == head
end

-- Whether one of some messages has an id.
local function have_id(messages, id)
  for _, message in ipairs(messages) do if has_id(message, id) then return true end end
  return false
end

-- Where a turn that is remembered has its message; nothing when it was no turn. Its words are as crate::turn has them, but
-- for the ids that follow from the turn's own: `=`.
local function asked_at(record)
  return record and tonumber(string.match(record, '(%S+) %S+$'))
end

-- Where a cut after a message leaves the next position, and the bytes before it; '-' cuts everything. Nothing when the
-- message, looked for from the newest, isn't there.
local function cut_at(key, s, after)
  if after == '-' then return s.first, 0 end
  local to, bytes = s.next, s.bytes
  while to > s.first do
    local from = math.max(s.first, to - 64)
    local values = redis.call('HMGET', key, unpack(message_fields(from, to)))
    for at = #values, 1, -1 do
      if has_id(values[at], after) then return from + at, bytes end
      bytes = bytes - #(values[at] or '')
    end
    to = from
  end
end

-- Takes out the messages from a position on, as cut_at has it. Gives their fields.
local function cut(s, to, bytes)
  local names = message_fields(to, s.next)
  -- A summary of what is cut away is none of what comes.
  if to == s.first and to < s.next then names[#names + 1] = 'sum' end
  s.next, s.bytes = to, math.max(0, bytes)
  return names
end

-- How many of the oldest messages may have to go so that at most `keep` of them and `bytes` stay: where there are too many
-- bytes twice as many as their average size says, and at most `trim`. Their sizes are to be read, so not one too many.
local function excess(s, keep, bytes, trim)
  local kept = s.next - s.first
  local over = math.max(0, kept - keep)
  if s.bytes > bytes then over = math.max(over, 2 + math.floor(2 * (s.bytes - bytes) * kept / s.bytes)) end
  return math.min(over, kept, trim)
end

-- Takes out as many of the oldest messages, whose texts these are, as have to go. Gives their fields.
local function drop_oldest(s, texts, keep, bytes)
  local names = {}
  for _, text in ipairs(texts) do
    if s.next - s.first <= keep and s.bytes <= bytes then break end
    names[#names + 1] = 'm:' .. s.first
    s.first, s.bytes = s.first + 1, math.max(0, s.bytes - #(text or ''))
  end
  return names
end

-- The same where their texts weren't read yet.
local function make_room(key, s, keep, bytes, trim)
  local over = excess(s, keep, bytes, trim)
  if over == 0 then return {} end
  return drop_oldest(s, redis.call('HMGET', key, unpack(message_fields(s.first, s.first + over))), keep, bytes)
end

local function remove_fields(key, names)
  for at = 1, #names, 1000 do redis.call('HDEL', key, unpack(names, at, math.min(at + 999, #names))) end
end

-- The ring of remembered operations: the field that says which one gives way to the next.
local function ring_field(s, remembered)
  return 'q:' .. s.turns % remembered
end

-- What a record keeps of the fingerprints that a request brings: the first. Their form is that of crate::fingerprint.
local function kept_print(prints) return string.match(prints, '^[^,]+') end

-- Whether a record is of a request that brings these fingerprints.
local function is_repetition(record, prints)
  local stored = string.match(record, '^%S+ %S+ %S+ %S+ (%S+)')
  local kind, key = string.match(stored, '^(.)([^.]*)')
  if kind ~= string.sub(prints, 1, 1) then return false end
  if key == '*' then return true end
  local known = false
  for print in string.gmatch(prints, '[^,]+') do
    local its_key = string.match(print, '^.([^.]*)')
    if print == stored or its_key == '*' then return true end
    known = known or its_key == key
  end
  return not known
end

-- The record of a finished operation that isn't a turn.
local function operation_record(operation, prints)
  return table.concat({ 'done', operation, 0, '-', kept_print(prints), '-', '-', '-' }, ' ')
end

-- The fields that remember an operation by its id.
local function remember(s, remembered, id, record)
  local slot = ring_field(s, remembered)
  s.turns = s.turns + 1
  return { slot, id, 't:' .. id, record }
end

-- What the ring's next field names, where the ring is full: to be forgotten.
local function forgotten(key, s, remembered)
  if s.turns < remembered then return {} end
  local id = redis.call('HGET', key, ring_field(s, remembered))
  return id and { 't:' .. id } or {}
end

-- A session's flags with one letter more, or without one.
local function with_flag(flags, letter)
  local letters, user = string.match(flags, '^([^@]*)(.*)$')
  if letters == '-' then letters = '' end
  return letter .. letters .. user
end
local function without_flag(flags, letter)
  local letters, user = string.match(flags, '^([^@]*)(.*)$')
  letters = string.gsub(letters, letter, '')
  return (letters == '' and '-' or letters) .. user
end

-- Moves a session's end to `ttl` from now, never nearer, in the index too; saving does the rest.
local function slide(index, id, s, now, ttl)
  s.exp = math.max(s.exp, now + ttl)
  s.lives = s.exp - now
  local added = redis.call('ZADD', index, s.exp, id)
  if added == 1 or now - s.slid > ttl / 8 then s.slid, s.stale = now, true end
end

-- A session's line in the list, as crate::session::Card reads it; among the flags stands its size.
local function card(s)
  local letters, user = string.match(s.flags, '^([^@]*)(.*)$')
  return table.concat({ s.next - s.first, s.total, s.created, s.updated, letters .. '#' .. size_of(s) .. user, s.title }, ' ')
end

-- Keeps the sizes of sessions that are deleted, or have gone, among the cards until their time has come.
local function set_aside(index, cards, gone, till, now)
  if #gone == 0 then return end
  local names, fields = {}, {}
  for _, s in ipairs(gone) do
    names[#names + 1] = s.id
    fields[#fields + 1] = '~' .. s.id
    fields[#fields + 1] = till .. ' ' .. size_of(s)
  end
  local had = redis.call('HDEL', cards, unpack(names))
  if till <= now then return end
  redis.call('HSET', cards, unpack(fields))
  -- Of an owner who has no other sessions, nothing else is left to be kept.
  if redis.call('EXISTS', index) == 0 then
    redis.call('PEXPIRE', cards, till - now)
  elseif had == 0 then
    redis.call('PEXPIRE', cards, till - now, 'NX')
  end
end

-- Sees to it that the index and the cards outlive every session in them.
local function renew(index, cards, undying)
  for _, name in ipairs({ index, cards }) do
    if redis.call('PEXPIRE', name, undying, 'GT') == 0 then redis.call('PEXPIRE', name, undying, 'NX') end
  end
end

-- Writes a session's fields and more fields.
local function write(key, s, ...)
  local fields = { 'exp', s.exp, 'title', s.title, 'updated', s.updated, 'first', s.first, 'next', s.next, 'total', s.total, 'rev', s.rev, 'flags', s.flags, 'turns', s.turns, 'slid', s.slid, 'bytes', s.bytes, 'extra', s.extra }
  if s.new or s.outdated then for _, value in ipairs({ 'v', 2, 'created', s.created }) do fields[#fields + 1] = value end end
  for _, more in ipairs({ ... }) do
    for _, value in ipairs(more) do fields[#fields + 1] = value end
  end
  redis.call('HSET', key, unpack(fields))
end

-- Writes a session's fields, more fields, and its card; and the TTLs of whatever slid. The index and the cards get a longer
-- one, `undying`, so that few slides renew it.
local function save(key, index, cards, id, s, undying, ...)
  write(key, s, ...)
  local fields = { id, card(s) }
  if s.counted then fields[3], fields[4] = '=', s.counted end
  local added = redis.call('HSET', cards, unpack(fields))
  if s.lives then redis.call('PEXPIRE', key, s.lives) end
  -- A list that was evicted begins anew with a time to live.
  if s.stale or added > 0 then renew(index, cards, undying) end
end

-- A turn that runs under this attempt, in a session that may be changed: the end of its lease, and what its record says after
-- that. Nothing where there is none.
local function held(key, turn, attempt, now)
  local s = read_session(key, { 't:' .. turn })
  if not s or s.exp <= now or not s.more[1] then return nil end
  local state, holder, lease_until, rest = string.match(s.more[1], '^(%S+) (%S+) (%S+) (.+)$')
  if state == 'open' and holder == attempt then return tonumber(lease_until), rest end
end

-- Sets the end of its lease.
local function hold(key, turn, attempt, till, rest)
  redis.call('HSET', key, 't:' .. turn, table.concat({ 'open', attempt, till, rest }, ' '))
end

-- Members of a sorted set with their scores, each followed by what a hash has of it.
local function with_rows(found, hash)
  local members, rows = {}, {}
  for at = 1, #found, 2 do members[#members + 1] = found[at] end
  local stored = redis.call('HMGET', hash, unpack(members))
  for at, member in ipairs(members) do
    for _, value in ipairs({ member, found[at * 2], stored[at] or '' }) do rows[#rows + 1] = value end
  end
  return rows
end
