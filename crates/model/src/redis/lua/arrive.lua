-- Take in a session that comes from another owner. KEYS and ARGV as crate::plan::arrive lists them.
local session, index, cards, deleted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, seal = ARGV[1], ARGV[2]
local created, now, undying, position = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
-- `carried` is one more than the turns that come along; 0 where nothing comes but messages.
local last, carried = ARGV[7] == '1', tonumber(ARGV[8])

local s = read_session(session, nil, 'i')
if s and s.away and s.away > now then return { 'taken' } end
local waiting
if s and s.exp > now then
  if string.find(s.flags, '^[^@]*i') then
    waiting = s.created == created
  elseif string.find(s.flags, '^[^@]*c') and s.created == created then
    return show('here', s)
  else
    return { 'taken' }
  end
else
  local got = redis.call('HMGET', deleted, 'until', 'flags', 'created')
  if got[1] and tonumber(got[1]) > now then
    local its = string.find(got[2], '^[^@]*c') and tonumber(got[3]) == created
    return { its and 'deleted' or 'taken' }
  end
end
local at, more, turns = 9, {}, {}
if carried > 0 then
  local title, flags, metadata, state, srev, updated, exp, first, next, total, bytes, rev, used, summary = unpack(ARGV, 9, 22)
  if tonumber(exp) <= now then return { 'lost' } end
  if s and not waiting then redis.call('DEL', session) end
  s = new_session(created)
  s.title, s.flags, s.updated, s.exp, s.first, s.next = title, with_flag(flags, 'i'), tonumber(updated), tonumber(exp), tonumber(first), tonumber(next)
  s.total, s.bytes, s.rev, s.turns = tonumber(total), tonumber(bytes), tonumber(rev), carried - 1
  s.extra = #metadata + (tonumber(srev) > 0 and #state or 0)
  more = { 'seal', seal, 'meta', metadata }
  if tonumber(srev) > 0 then more[5], more[6], more[7], more[8] = 'state', state, 'srev', srev end
  if tonumber(used) > 0 then more[#more + 1], more[#more + 2] = 'used', used end
  if summary ~= '' then more[#more + 1], more[#more + 2] = 'sum', summary end
  at = 23
  for slot = 0, carried - 2 do
    for _, value in ipairs({ 'q:' .. slot, ARGV[at], 't:' .. ARGV[at], ARGV[at + 1] }) do turns[#turns + 1] = value end
    at = at + 2
  end
elseif not waiting then
  return { 'lost' }
end
-- A little longer than it lives: the time is an argument, and this only collects.
local lives = s.exp - now + 1000
local messages = {}
for number = at, #ARGV do
  messages[#messages + 1] = 'm:' .. position
  messages[#messages + 1] = ARGV[number]
  position = position + 1
end
if not last then
  write(session, s, more, turns, messages)
  redis.call('PEXPIRE', session, lives)
  return { 'waiting' }
end
s.flags, s.rev, s.lives, s.slid, s.stale = with_flag(without_flag(s.flags, 'i'), 'c'), s.rev + 1, lives, now, true
-- What is claimed is not refused; it was not counted here before.
local is_new = s.new
s.new = true
may_grow(index, cards, now, s, s.bytes + s.extra)
s.new = is_new
redis.call('ZADD', index, s.exp, id)
save(session, index, cards, id, s, undying, more, turns, messages)
return show('here', s)
