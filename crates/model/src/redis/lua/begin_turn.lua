#!lua flags=allow-key-locking
-- Begin a turn. KEYS and ARGV as crate::plan::begin_turn lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, turn, attempt, fingerprint, message_id, message, reply_id, title, existing, seal =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local now, ttl, lease, window, cap, most, undying =
  tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17])
local remembered, reply_bytes, trim, prune =
  tonumber(ARGV[18]), tonumber(ARGV[19]), tonumber(ARGV[20]), tonumber(ARGV[21])

local got = redis.call('HMGET', session, 'exp', 'title', 'created', 'updated', 'first', 'next', 'total', 'rev', 'turns', 'slid', 't:' .. turn)
local live = got[1] and tonumber(got[1]) > now

-- The messages of the positions [from, to), oldest first, as many of the newest as fit; with them the field named last.
local function read(from, to, room, also)
  local fields = {}
  for position = from, to - 1 do fields[#fields + 1] = 'm:' .. position end
  if also then fields[#fields + 1] = also end
  if #fields == 0 then return {} end
  local values = redis.call('HMGET', session, unpack(fields))
  local extra = also and table.remove(values, #fields)
  local start = to - from + 1
  for at = to - from, 1, -1 do
    room = room - #(values[at] or '')
    if room < 0 then break end
    start = at
  end
  local kept = {}
  for at = start, to - from do if values[at] then kept[#kept + 1] = values[at] end end
  return kept, extra
end

local function begun(created, asked, position, messages)
  return { 'begun', created, asked, position, got[2], tonumber(got[3]), tonumber(got[4]), tonumber(got[1]), tonumber(got[5]), tonumber(got[6]), tonumber(got[7]), tonumber(got[8]), messages }
end

if live and got[11] then
  local state, holder, lease_until, stored_reply, print, asked, asked_at, replied_at = string.match(got[11], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  if print ~= fingerprint then return { 'mismatch' } end
  if state == 'done' then
    local reply = redis.call('HGET', session, 'm:' .. replied_at)
    local head = '{"id":"' .. stored_reply .. '"'
    if not reply or tonumber(replied_at) >= tonumber(got[6]) or string.sub(reply, 1, #head) ~= head then return { 'gone' } end
    return { 'replay', asked, reply, got[2], tonumber(got[3]), tonumber(got[4]), tonumber(got[1]), tonumber(got[5]), tonumber(got[6]), tonumber(got[7]), tonumber(got[8]) }
  end
  if holder ~= attempt and tonumber(lease_until) > now then return { 'running', tonumber(lease_until) } end
  local position = tonumber(asked_at)
  if position < tonumber(got[5]) or position >= tonumber(got[6]) then return { 'gone' } end
  local messages = read(math.max(tonumber(got[5]), position - window + 1), position + 1, reply_bytes)
  local head = '{"id":"' .. asked .. '"'
  if #messages == 0 or string.sub(messages[#messages], 1, #head) ~= head then return { 'gone' } end
  redis.call('HSET', session, 't:' .. turn, table.concat({ 'open', attempt, now + lease, stored_reply, print, asked, asked_at, '-' }, ' '))
  return begun(0, asked, position, messages)
end

local created = 0
if not live then
  local gone = redis.call('HGET', deleted, 'until')
  if gone and tonumber(gone) > now then return { 'deleted' } end
  if existing == '1' then return { 'absent' } end
  local dead = redis.call('ZRANGE', index, '-inf', now, 'BYSCORE', 'LIMIT', 0, prune)
  if #dead > 0 then
    redis.call('ZREM', index, unpack(dead))
    redis.call('HDEL', cards, unpack(dead))
  end
  if redis.call('ZCOUNT', index, '(' .. now, '+inf') >= most then return { 'full' } end
  if got[1] then redis.call('DEL', session) end
  created = 1
  got = { now + ttl, '', now, now, 0, 0, 0, 0, 0, 0 }
end

local first, position, turns, slid = tonumber(got[5]), tonumber(got[6]), tonumber(got[9] or 0), tonumber(got[10] or 0)
local slot = 'q:' .. turns % remembered
local from = math.max(first, position - window + 1)
local messages, forgotten = read(from, position, reply_bytes - #message, turns >= remembered and slot or nil)
messages[#messages + 1] = message

-- Room is made for the reply too, so that finishing need not.
local dropped = {}
if forgotten then dropped[1] = 't:' .. forgotten end
local trimmed = 0
while position + 1 - first > cap - 1 and trimmed < trim do
  dropped[#dropped + 1] = 'm:' .. first
  first, trimmed = first + 1, trimmed + 1
end
if #dropped > 0 then redis.call('HDEL', session, unpack(dropped)) end

if got[2] == '' then got[2] = title end
got[1], got[4], got[5], got[6], got[7], got[8] = now + ttl, now, first, position + 1, got[7] + 1, got[8] + 1
local fields = {
  'exp', got[1], 'updated', now, 'first', first, 'next', got[6], 'total', got[7], 'rev', got[8], 'title', got[2],
  'turns', turns + 1, slot, turn, 't:' .. turn, table.concat({ 'open', attempt, now + lease, reply_id, fingerprint, message_id, position, '-' }, ' '),
  'm:' .. position, message,
}
if created == 1 then
  for _, field in ipairs({ 'v', 1, 'created', now, 'seal', seal }) do fields[#fields + 1] = field end
end
local added = redis.call('ZADD', index, got[1], id)
added = added + redis.call('HSET', cards, id, table.concat({ got[6] - first, got[7], got[3], now, '-', got[2] }, ' '))
if added > 0 or now - slid > ttl / 8 then
  for _, field in ipairs({ 'slid', now }) do fields[#fields + 1] = field end
  for _, key in ipairs({ index, cards }) do
    if redis.call('PEXPIRE', key, undying, 'GT') == 0 then redis.call('PEXPIRE', key, undying, 'NX') end
  end
end
redis.call('HSET', session, unpack(fields))
redis.call('PEXPIRE', session, ttl)
return begun(created, message_id, position, messages)
