-- Read a page of a sorted set, the lowest score first, after a place in it; and what a hash has of its members, where there is
-- one. KEYS and ARGV as crate::plan::survey lists them.
local from, member, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])

-- Whether a text comes after the place's, byte by byte: Lua itself compares as the server's language does.
local function comes_after(text)
  for at = 1, #text do
    local one, other = string.byte(text, at), string.byte(member, at)
    if not other or one > other then return true end
    if one < other then return false end
  end
  return false
end

local skip = 0
if member ~= '' then
  local past
  repeat
    local ties = redis.call('ZRANGE', KEYS[1], from, from, 'BYSCORE', 'LIMIT', skip, 1000)
    past = 0
    for _, tie in ipairs(ties) do if not comes_after(tie) then past = past + 1 end end
    skip = skip + past
  until past < 1000
end
local found = redis.call('ZRANGE', KEYS[1], from, '+inf', 'BYSCORE', 'LIMIT', skip, limit, 'WITHSCORES')
if #found == 0 or not KEYS[2] then return found end
return with_rows(found, KEYS[2])
