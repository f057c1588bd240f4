-- Delete sessions, keeping them for their undo window. KEYS and ARGV as crate::plan::delete lists them.
local index, cards = KEYS[1], KEYS[2]
local now, undo, remembered, operation, prints = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local gone, found, names, sizes = {}, {}, {}, {}
for at = 6, #ARGV do
  local got = redis.call('HMGET', KEYS[at * 2 - 9], 'exp', 'turns', 't:' .. operation, 'flags', 'bytes', 'extra')
  got.live = got[1] and tonumber(got[1]) > now and not string.find(got[4] or '-', '^[^@]*[di]')
  if got.live and got[3] and not is_repetition(got[3], prints) then return { 'mismatch' } end
  found[at] = got
end
for at = 6, #ARGV do
  local id, session, deleted, got = ARGV[at], KEYS[at * 2 - 9], KEYS[at * 2 - 8], found[at]
  if got.live then
    if not got[3] then
      local s = { id = id, turns = tonumber(got[2]) or 0, bytes = tonumber(got[5]) or 0, extra = tonumber(got[6]) or 0 }
      local old, fields = {}, {}
      if operation ~= '' then
        old = forgotten(session, s, remembered)
        fields = remember(s, remembered, operation, operation_record(operation, prints))
        for _, value in ipairs({ 'turns', s.turns }) do fields[#fields + 1] = value end
      end
      redis.call('RENAME', session, deleted)
      remove_fields(deleted, old)
      redis.call('HSET', deleted, 'until', now + undo, unpack(fields))
      redis.call('PEXPIRE', deleted, undo)
      names[#names + 1], sizes[#sizes + 1] = id, s
    end
    gone[#gone + 1] = id
  elseif is_buried(deleted, now) then
    gone[#gone + 1] = id
  end
end
if #names > 0 then redis.call('ZREM', index, unpack(names)) end
set_aside(index, cards, sizes, now + undo, now)
return { 'gone', gone }
