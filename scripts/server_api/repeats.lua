--- Calls that name a message_key: whoever makes one again within the window, with the same fields,
--- gets the answer that it got, and nothing is done twice.
--
-- What has been refused is not remembered: nothing was done. The answers are in a table of the
-- caller's, which outlives the code; the books are those of the router's replies.

local replies = require "router.replies"

local MAX_KEY = 64     -- bytes
local LOST_MS = 120000 -- longer than any call runs: whoever carried it out was stopped

local repeats = {}

---@param state table
---@return table state ready
function repeats.ready(state) return replies.ready(state) end

--- Whether this may be a message_key.
---@param key string
---@return boolean
function repeats.is_key(key)
  return #key >= 8 and #key <= MAX_KEY and not key:find "[^\33-\126]"
end

--- What is known of a call that was made before.
---@param state table
---@param limits replies.Limits
---@param owner string who calls what
---@param key string message_key
---@param print string of the body
---@param now_ms integer
---@return string? answer
---@return string? code why it may not be carried out; nil, too: it may
---@return string? text
---@return boolean? temporary
function repeats.find(state, limits, owner, key, print, now_ms)
  local entry = replies.find(state, limits, owner, key, now_ms)
  if not entry then return nil end
  if not entry.at_ms and now_ms - entry.begun_ms >= LOST_MS then
    replies.forget(state, entry)
    return nil
  end
  if entry.print ~= print then
    return nil, "key_reused", "message_key: another call has had it"
  elseif not entry.at_ms then
    return nil, "under_way", "the same call is being carried out", true
  elseif not entry.bytes then
    return nil, "duplicate", "carried out before; its answer was too long to be kept"
  end
  return entry.bytes
end

--- It is carried out now; nil: too many are.
---@return replies.Entry?
function repeats.begin(state, limits, owner, key, print, now_ms)
  local entry = replies.begin(state, limits, owner, key, 0)
  if entry then entry.print, entry.begun_ms = print, now_ms end
  return entry
end

---@param answer? string nil: nothing was done
function repeats.finish(state, limits, entry, answer, now_ms)
  if not answer then return replies.forget(state, entry) end
  replies.keep(state, limits, entry, answer, "json", now_ms)
end

---@param most integer at once
function repeats.sweep(state, limits, now_ms, most) replies.sweep(state, limits, now_ms, most) end

return repeats
