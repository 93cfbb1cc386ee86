--- What one connection may cost: the names that scripts use, as struct moon_limits.
local core = require "moongate.ffi"
local fields = require "moongate.fields"

local C = core.C

---@class moongate.Limits numbers have the maxima of the command line
---@field outbox_bytes? integer waiting to be written
---@field outbox_messages? integer the same in messages
---@field outbox_age_ms? integer of the oldest message that waits
---@field messages_per_second? integer that the client may send
---@field burst_messages? integer and at once, after a silence
---@field bytes_per_second? integer
---@field burst_bytes? integer
---@field on_flood? "pause"|"refuse"|"close" what happens to a client that sends more

-- name -> field of struct moon_limits
local NUMBERS = {
  outbox_bytes = "outbox_bytes",
  outbox_messages = "outbox_messages",
  outbox_age_ms = "outbox_age_ms",
  messages_per_second = "rate_messages",
  burst_messages = "burst_messages",
  bytes_per_second = "rate_bytes",
  burst_bytes = "burst_bytes",
}

local MAXIMA = { -- as in core/settings.c
  outbox_bytes = 268435456,
  outbox_messages = 1000000,
  outbox_age_ms = 3600000,
  messages_per_second = 10000000,
  burst_messages = 10000000,
  bytes_per_second = 1000000000,
  burst_bytes = 1000000000,
}

local FLOOD = {
  pause = C.MOON_FLOOD_PAUSE,
  refuse = C.MOON_FLOOD_REFUSE,
  close = C.MOON_FLOOD_CLOSE,
}

local KNOWN = { on_flood = true }
for name in pairs(NUMBERS) do KNOWN[name] = true end

local limits = {}

---@param given moongate.Limits
---@return ffi.cdata*? packed struct moon_limits; what is not given is 0 and stays
---@return string? problem
function limits.pack(given)
  local packed = core.new "struct moon_limits"
  local problem = fields.unknown(given, KNOWN) or fields.fill(packed, given, NUMBERS, MAXIMA)
  if problem then return nil, problem end
  local action = FLOOD[given.on_flood]
  if given.on_flood ~= nil and not action then
    return nil, 'on_flood: expected "pause", "refuse" or "close", got ' .. tostring(given.on_flood)
  end
  packed.flood_action = action or 0
  return packed
end

return limits
