--- What requests and slash commands bring, checked: each returns what was meant, or nil and what is
--- wrong.

local addresses = require "auth.addresses"

local MAX_USER = 128           -- bytes
local MAX_REASON = 200         -- bytes
local MAX_WHY = 500            -- bytes
local MAX_APPEAL = 200         -- bytes
local MAX_DURATION_MS = 366 * 86400000
local MAX_SLOW_MS = 3600000
local MAX_PAGE = 100

local UNITS_MS = { s = 1000, m = 60000, h = 3600000, d = 86400000 }

local fields = {}

local function is_text(text, max_bytes, is_utf8)
  return type(text) == "string" and #text <= max_bytes and is_utf8(text)
    and not text:find "%c" and not text:find "\194[\128-\159]" -- control characters
end

local function is_whole(value, least, most)
  return type(value) == "number" and value % 1 == 0 and value >= least and value <= most
end

--- Where a page may begin: a key, or a number.
local function is_place(value, type_of_it)
  if type_of_it == "number" then return is_whole(value, 1, 2 ^ 53) end
  return type(value) == "string" and #value <= 512
end

--- The user or the address that is meant.
---@param data table user or address
---@param is_utf8 fun(text: string): boolean
---@return { user: string?, address: string? }? target
---@return string? problem
function fields.target(data, is_utf8)
  if data.address ~= nil then
    if data.user ~= nil then return nil, "data: expected user or address, not both" end
    local address = addresses.read(data.address)
    if not address then return nil, "data.address: expected an address of IPv4 or IPv6" end
    return { address = address }
  end
  if data.user == "" or not is_text(data.user, MAX_USER, is_utf8) then
    return nil, "data.user: expected the name of a user"
  end
  return { user = data.user }
end

--- How long, and why.
---@param data table duration_ms, reason
---@param is_utf8 fun(text: string): boolean
---@return { duration_ms: integer?, reason: string? }? given
---@return string? problem
function fields.grounds(data, is_utf8)
  if data.duration_ms ~= nil and not is_whole(data.duration_ms, 1000, MAX_DURATION_MS) then
    return nil, "data.duration_ms: expected a whole number from 1000 to 31622400000"
  elseif data.reason ~= nil and not is_text(data.reason, MAX_REASON, is_utf8) then
    return nil, "data.reason: expected at most 200 bytes of UTF-8, no control characters"
  end
  return { duration_ms = data.duration_ms, reason = data.reason ~= "" and data.reason or nil }
end

---@param data table after, limit
---@param type_of_after "string"|"number"
---@return integer? limit
---@return string? problem
function fields.limit(data, type_of_after)
  local limit = data.limit == nil and MAX_PAGE or data.limit
  if not is_whole(limit, 1, MAX_PAGE) then
    return nil, "data.limit: expected a whole number from 1 to 100"
  elseif data.after ~= nil and not is_place(data.after, type_of_after) then
    return nil, "data.after: expected what the reply before had as next"
  end
  return limit
end

---@param data table slow_mode_ms
---@return integer? slow_mode_ms
---@return string? problem
function fields.slow_mode(data)
  if is_whole(data.slow_mode_ms, 0, MAX_SLOW_MS) then return data.slow_mode_ms end
  return nil, "data.slow_mode_ms: expected a whole number from 0 to 3600000"
end

---@param data table message_id, why
---@param is_utf8 fun(text: string): boolean
---@return { message_id: integer, why: string }? report
---@return string? problem
function fields.report(data, is_utf8)
  if not is_whole(data.message_id, 1, 2 ^ 53) then
    return nil, "data.message_id: expected the id of a message"
  elseif data.why == "" or not is_text(data.why, MAX_WHY, is_utf8) then
    return nil, "data.why: expected 1 to 500 bytes of UTF-8, no control characters"
  end
  return { message_id = data.message_id, why = data.why }
end

---@param data table text
---@param is_utf8 fun(text: string): boolean
---@return string? text
---@return string? problem
function fields.appeal(data, is_utf8)
  if data.text ~= "" and is_text(data.text, MAX_APPEAL, is_utf8) then return data.text end
  return nil, "data.text: expected 1 to 200 bytes of UTF-8, no control characters"
end

-- ---- slash commands ----

--- The name in front, in quotes when it has blanks, and what is behind it.
local function cut_name(text)
  local name, rest = text:match '^"([^"]*)"%s*(.*)$'
  if not name then name, rest = text:match "^(%S*)%s*(.*)$" end
  return name, rest
end

--- "bob", or "bob 10m", and a reason.
---@param text string
---@param has_duration? boolean
---@return table data user, duration_ms, reason
function fields.of_command(text, has_duration)
  local data = {}
  data.user, data.reason = cut_name(text)
  local count, unit, rest = data.reason:match "^(%d+)([smhd])%f[%s%z]%s*(.*)$"
  if has_duration and count then
    data.duration_ms, data.reason = tonumber(count) * UNITS_MS[unit], rest
  end
  return data
end

--- "30", in seconds, or "off".
---@param text string
---@return table data slow_mode_ms
function fields.of_slow(text)
  if text == "off" then return { slow_mode_ms = 0 } end
  local seconds = tonumber(text:match "^%d+$")
  return { slow_mode_ms = seconds and seconds * 1000 }
end

--- "1760000000000001 spam"
---@param text string
---@return table data message_id, why
function fields.of_report(text)
  local id, why = text:match "^(%d+)%s+(.*)$"
  return { message_id = tonumber(id), why = why }
end

return fields
