--- What is set of a room: its options, checked, and the texts that it has.
--
-- Knows no gate: it is given what says whether bytes are text.
local names = require "auth.names"

local options = { NAME_RULE = "1 to 64 bytes of UTF-8, " .. names.RULE }

local MAX_NAME = 64           -- bytes
local MAX_DIRECT_NAME = 300   -- bytes: of two users' names
local MAX_TITLE = 128         -- bytes
local MAX_TOPIC = 1024        -- bytes
local DAY_MS = 86400000

local NUMBERS = {
  max_members = { default = 10000, min = 1, max = 10000 },
  history = { default = 100, min = 0, max = 1000 },
  slow_mode_ms = { default = 0, min = 0, max = 3600000 },
  retention_ms = { default = 30 * DAY_MS, min = 1000, max = 366 * DAY_MS },
}
local SAYERS = { everyone = true, members = true, moderators = true, owner = true }

--- For a message: what a client has sent may be long, and no text.
local function shown(value)
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  if type(value) ~= "string" then return type(value) == "table" and "an object" or "null" end
  return ('"%s"'):format(value:sub(1, 32):gsub("[^\32-\126]", "?"))
end

--- nil when the option may be set to this, else what is wrong.
local function problem_of(name, value)
  local number = NUMBERS[name]
  if number then
    local is_right = type(value) == "number" and value % 1 == 0
      and value >= number.min and value <= number.max
    return not is_right and ("expected a whole number from %d to %.0f, got %s"):format(number.min,
      number.max, shown(value)) or nil
  elseif name == "who_may_say" then
    return not SAYERS[value]
      and ("expected everyone, members, moderators or owner, got " .. shown(value)) or nil
  end
  return "there is no such option: max_members, history, who_may_say, slow_mode_ms, retention_ms"
end

--- All options, those that are given over those that were set before, or over the defaults.
---@param given? table
---@param before? table complete
---@return table? complete nil: something is wrong
---@return string? problem
function options.read(given, before)
  local complete = { who_may_say = before and before.who_may_say or "everyone" }
  for name, number in pairs(NUMBERS) do
    complete[name] = before and before[name] or number.default
  end
  if given == nil then return complete end
  if type(given) ~= "table" then return nil, "data.options: expected an object" end
  for name, value in pairs(given) do
    local problem = problem_of(name, value)
    if problem then
      return nil, ("data.options.%s: %s"):format(shown(name):gsub('"', ""), problem)
    end
    complete[name] = value
  end
  return complete
end

local function is_text(text, max_bytes, is_utf8)
  return type(text) == "string" and #text <= max_bytes and is_utf8(text)
    and not text:find "%c" and not text:find "\194[\128-\159]" -- control characters
end

--- Title and topic in `data`, which change the record; an empty one takes it away.
---@param data table
---@param is_utf8 fun(text: string): boolean
---@return string? problem
function options.problem_of_texts(data, is_utf8)
  local title = data.title
  local is_title = title == nil or title == ""
    or is_text(title, MAX_TITLE, is_utf8) and names.is_title(title)
  if not is_title then
    return "data.title: expected at most 128 bytes of UTF-8, " .. names.RULE
  elseif data.topic ~= nil and not is_text(data.topic, MAX_TOPIC, is_utf8) then
    return "data.topic: expected at most 1024 bytes of UTF-8, no control characters"
  end
end

--- Puts title and topic of `data` into the record.
---@param record table
---@param data table
function options.set_texts(record, data)
  for _, name in ipairs { "title", "topic" } do
    local text = data[name]
    if text ~= nil then record[name] = text ~= "" and text or nil end
  end
end

--- Whether a room may have this name; one that begins with "@" is of two users.
---@param name string
---@param is_utf8 fun(text: string): boolean
---@return boolean
function options.is_name(name, is_utf8)
  local max_bytes = name:byte() == 64 and MAX_DIRECT_NAME or MAX_NAME
  return is_text(name, max_bytes, is_utf8) and names.is_clean(name)
end

local function escaped(user)
  return (user:gsub("[,%%]", function(sign) return ("%%%02X"):format(sign:byte()) end))
end

--- The name of the room of these two, whoever asks.
---@param one string
---@param other string
---@return string
function options.direct_name(one, other)
  if other < one then one, other = other, one end
  return ("@%s,%s"):format(escaped(one), escaped(other))
end

return options
