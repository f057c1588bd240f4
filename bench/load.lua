-- A load for wrk, which ends with one line of JSON about itself. Its arguments, after `--`:
--   turn PREFIX FIRST COUNT            turns in the sessions FIRST to FIRST + COUNT - 1, one after another
--   history PREFIX FIRST COUNT LIMIT   reads of their newest messages
--   stream PREFIX FIRST COUNT          the same, streamed
--   list LIMIT                         reads of the list
--   create                             new sessions
local WORDS = {
  "the train to Brno leaves at seven", "please remember that I like it short", "what did we say about the garden",
  "my sister arrives on Thursday with two friends", "could you put that into a table", "the invoice is still not paid",
}

local kind, prefix, first, count, limit
local sent = 0

function init(args)
  kind = args[1]
  if kind == "list" then limit = args[2] end
  if kind == "turn" or kind == "stream" or kind == "history" then
    prefix, first, count, limit = args[2], tonumber(args[3]), tonumber(args[4]), args[5]
  end
  wrk.headers["content-type"] = "application/json"
end

-- About 190 bytes, and not twice the same.
local function message()
  local text = "Message number " .. sent .. ":"
  local at = sent
  while #text < 160 do
    text = text .. " " .. WORDS[at % #WORDS + 1] .. ","
    at = at + 1
  end
  return string.sub(text, 1, 190)
end

function request()
  sent = sent + 1
  if kind == "list" then return wrk.format("GET", "/v1/sessions?limit=" .. limit) end
  if kind == "create" then return wrk.format("POST", "/v1/sessions", nil, "{}") end
  local id = string.format("%s%024x", prefix, first + (sent - 1) % count)
  if kind == "history" then return wrk.format("GET", "/v1/sessions/" .. id .. "/history?limit=" .. limit) end
  local body = string.format('{"session_id":"%s","message":"%s","stream":%s}', id, message(), tostring(kind == "stream"))
  return wrk.format("POST", "/v1/chat", nil, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%f,"p50":%d,"p99":%d,"failed":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
