-- How every script reads, saves and shows a session. The script itself follows.

-- The session at a key, live or not, with the values of more of its fields; nothing when the key is absent.
local function read_session(key, more)
  local names = { 'exp', 'title', 'created', 'updated', 'first', 'next', 'total', 'rev', 'flags', 'turns', 'slid' }
  for _, name in ipairs(more or {}) do names[#names + 1] = name end
  local got = redis.call('HMGET', key, unpack(names))
  if not got[1] then return nil end
  return {
    exp = tonumber(got[1]), title = got[2], created = tonumber(got[3]), updated = tonumber(got[4]), first = tonumber(got[5]),
    next = tonumber(got[6]), total = tonumber(got[7]), rev = tonumber(got[8]), flags = got[9] or '-', turns = tonumber(got[10]) or 0,
    slid = tonumber(got[11]) or 0, more = { unpack(got, 12, #names) },
  }
end

local function new_session(now)
  return { exp = 0, title = '', created = now, updated = now, first = 0, next = 0, total = 0, rev = 0, flags = '-', turns = 0, slid = 0, more = {}, new = true }
end

-- An answer: what happened, the session's fields, and what else there is to say.
local function show(what, s, ...)
  return { what, s.title, s.created, s.updated, s.exp, s.first, s.next, s.total, s.rev, s.flags, ... }
end

-- Whether a session is set aside as deleted.
local function is_buried(key, now)
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

-- The messages of the positions [from, to), oldest first, as many of the newest as `room` bytes hold, the newest itself
-- always when `one`; and the value of the field `also`.
local function read_messages(key, from, to, room, one, also)
  local names = {}
  for position = from, to - 1 do names[#names + 1] = 'm:' .. position end
  if also then names[#names + 1] = also end
  if #names == 0 then return {} end
  local values = redis.call('HMGET', key, unpack(names))
  local extra = also and table.remove(values, #names)
  local start = #values + 1
  for at = #values, 1, -1 do
    room = room - #(values[at] or '')
    if room < 0 and not (one and at == #values) then break end
    start = at
  end
  local kept = {}
  for at = start, #values do if values[at] then kept[#kept + 1] = values[at] end end
  return kept, extra
end

-- Whether a stored message has an id: its text begins with it.
local function has_id(message, id)
  local head = '{"id":"' .. id .. '"'
  return message and string.sub(message, 1, #head) == head
end

-- The position of the message with an id, looked for from the newest.
local function find_message(key, s, id)
  local to = s.next
  while to > s.first do
    local from = math.max(s.first, to - 64)
    local names = {}
    for position = from, to - 1 do names[#names + 1] = 'm:' .. position end
    local values = redis.call('HMGET', key, unpack(names))
    for at = #values, 1, -1 do if has_id(values[at], id) then return from + at - 1 end end
    to = from
  end
end

-- The position that a cut after a message leaves as the next one; '-' cuts everything. Nothing when it isn't there.
local function cut_at(key, s, after)
  if after == '-' then return s.first end
  local position = find_message(key, s, after)
  return position and position + 1
end

-- Takes messages out: those from `to` on, which a cut removes, and the oldest beyond a cap.
local function drop(key, s, to, keep, trim)
  local names = {}
  for position = to, s.next - 1 do names[#names + 1] = 'm:' .. position end
  s.next = to
  local trimmed = 0
  while s.next - s.first > keep and trimmed < trim do
    names[#names + 1] = 'm:' .. s.first
    s.first, trimmed = s.first + 1, trimmed + 1
  end
  return names
end

local function remove_fields(key, names)
  for at = 1, #names, 1000 do redis.call('HDEL', key, unpack(names, at, math.min(at + 999, #names))) end
end

-- The ring of remembered operations: the field that says which one gives way to the next.
local function ring_field(s, remembered)
  return 'q:' .. s.turns % remembered
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

-- Moves a session's end to `ttl` from now, never nearer, in the index too; saving does the rest.
local function slide(index, id, s, now, ttl)
  s.exp = math.max(s.exp, now + ttl)
  s.lives = s.exp - now
  local added = redis.call('ZADD', index, s.exp, id)
  if added == 1 or now - s.slid > ttl / 8 then s.slid, s.stale = now, true end
end

-- A session's line in the list, as crate::session::Card reads it.
local function card(s)
  return table.concat({ s.next - s.first, s.total, s.created, s.updated, s.flags, s.title }, ' ')
end

-- Sees to it that the index and the cards outlive every session in them.
local function renew(index, cards, undying)
  for _, name in ipairs({ index, cards }) do
    if redis.call('PEXPIRE', name, undying, 'GT') == 0 then redis.call('PEXPIRE', name, undying, 'NX') end
  end
end

-- Writes a session's fields, more fields, and its card; and the TTLs of whatever slid. The index and the cards get a longer
-- one, `undying`, so that few slides renew it.
local function save(key, index, cards, id, s, undying, ...)
  local fields = { 'exp', s.exp, 'title', s.title, 'updated', s.updated, 'first', s.first, 'next', s.next, 'total', s.total, 'rev', s.rev, 'flags', s.flags, 'turns', s.turns, 'slid', s.slid }
  if s.new then for _, value in ipairs({ 'v', 1, 'created', s.created }) do fields[#fields + 1] = value end end
  for _, more in ipairs({ ... }) do
    for _, value in ipairs(more) do fields[#fields + 1] = value end
  end
  redis.call('HSET', key, unpack(fields))
  local added = redis.call('HSET', cards, id, card(s))
  if s.lives then redis.call('PEXPIRE', key, s.lives) end
  -- A list that was evicted begins anew with a time to live.
  if s.stale or added == 1 then renew(index, cards, undying) end
end
