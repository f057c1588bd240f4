#!lua flags=allow-key-locking
-- Finish a turn. KEYS and ARGV as crate::plan::finish_turn lists them.
local session, index, cards = KEYS[1], KEYS[2], KEYS[3]
local id, turn, attempt, reply, message_id, position = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local now, ttl, grain, cap, trim, undying =
  tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])

local got = redis.call('HMGET', session, 'exp', 'title', 'created', 'updated', 'first', 'next', 'total', 'rev', 't:' .. turn, 'm:' .. position, 'slid')
if not got[1] or tonumber(got[1]) <= now then return { 'absent' } end
if not got[9] then return { 'superseded' } end

local function finished()
  return { 'finished', got[2], tonumber(got[3]), tonumber(got[4]), tonumber(got[1]), tonumber(got[5]), tonumber(got[6]), tonumber(got[7]), tonumber(got[8]) }
end

local state, holder, _, reply_id, print, asked, asked_at = string.match(got[9], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
if holder ~= attempt then return { 'superseded' } end
if state == 'done' then return finished() end
local head = '{"id":"' .. message_id .. '"'
if asked_at ~= position or tonumber(position) >= tonumber(got[6]) or not got[10] or string.sub(got[10], 1, #head) ~= head then return { 'gone' } end

local first, at = tonumber(got[5]), tonumber(got[6])
local dropped = {}
while at + 1 - first > cap and #dropped < trim do
  dropped[#dropped + 1] = 'm:' .. first
  first = first + 1
end
if #dropped > 0 then redis.call('HDEL', session, unpack(dropped)) end

local slide = now + ttl - tonumber(got[1]) >= grain
local renew = slide and now - tonumber(got[11] or 0) > ttl / 8
if slide then got[1] = now + ttl end
got[4], got[5], got[6], got[7], got[8] = now, first, at + 1, got[7] + 1, got[8] + 1
redis.call('HSET', session, 'm:' .. at, reply, 'exp', got[1], 'updated', now, 'first', first, 'next', got[6], 'total', got[7], 'rev', got[8],
  'slid', renew and now or got[11] or 0, 't:' .. turn, table.concat({ 'done', attempt, 0, reply_id, print, asked, asked_at, at }, ' '))
local added = redis.call('HSET', cards, id, table.concat({ got[6] - first, got[7], got[3], now, '-', got[2] }, ' '))
if slide then
  redis.call('PEXPIRE', session, ttl)
  added = added + redis.call('ZADD', index, got[1], id)
end
-- A late reply must not let its session outlive the list; and a list that was evicted begins anew with a time to live.
if renew or added > 0 then
  for _, key in ipairs({ index, cards }) do
    if redis.call('PEXPIRE', key, undying, 'GT') == 0 then redis.call('PEXPIRE', key, undying, 'NX') end
  end
end
return finished()
