-- Put texts in the places of those that were read, where these are still there. KEYS and ARGV as crate::plan::reseal lists them.
local session, index, cards = KEYS[1], KEYS[2], KEYS[3]
local id, now, undying = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local names = {}
for at = 4, #ARGV, 3 do names[#names + 1] = ARGV[at] end
names[#names + 1] = 'srev'
local s = read_session(session, names, 'd')
if not s or s.exp <= now then return 0 end
local tag = s.created .. '-' .. (s.more[#names] or '')
local put, fields = 0, {}
for at = 1, #names - 1 do
  local name, was, text = unpack(ARGV, at * 3 + 1, at * 3 + 3)
  local there, stored = s.more[at], s.more[at]
  if name == 'state' then there = there and tag end
  if there == was then
    put = put + 1
    if name == 'title' then
      s.title = text
    else
      fields[#fields + 1] = name
      fields[#fields + 1] = text
    end
    local growth = #text - #(stored or '')
    if string.sub(name, 1, 2) == 'm:' then s.bytes = math.max(0, s.bytes + growth) end
    if name == 'meta' or name == 'state' then s.extra = math.max(0, s.extra + growth) end
  end
end
if put > 0 then save(session, index, cards, id, s, undying, fields) end
return put
