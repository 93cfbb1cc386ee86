--- What scripts send, in the form the core takes: bytes, opcode, class, key.
local core = require "moongate.ffi"
local json = require "moongate.json"

local C = core.C
local TEXT, BINARY = C.MOON_TEXT, C.MOON_BINARY
local RELIABLE, LATEST = C.MOON_RELIABLE, C.MOON_LATEST

---@class moongate.How
---@field binary? boolean a string goes as a binary message
---@field class? "reliable"|"latest"|"volatile"|"control" what becomes of it when the client
--- does not read fast enough; "reliable"
---@field key? string|number of "latest": which message that waits it replaces

local letter = {}

-- word -> enum moon_class
local classes = {
  reliable = C.MOON_RELIABLE,
  latest = C.MOON_LATEST,
  volatile = C.MOON_VOLATILE,
  control = C.MOON_CONTROL,
}
letter.classes = classes

--- The number that stands for a key, whatever its type: ids need all their digits.
local function number_of(key)
  local text = type(key) == "number" and ("%.17g"):format(key) or key
  if type(text) ~= "string" then error("a key is a string or a number", 4) end
  return C.moon_key(text, #text)
end

local function treatment(how)
  if type(how) ~= "table" then
    error('how to send is a table: { binary = true, class = "latest", key = "pos" }', 4)
  end
  local class, key = classes[how.class or "reliable"], how.key
  if not class then error(('there is no class "%s"'):format(tostring(how.class)), 4) end
  if (class == LATEST) ~= (key ~= nil) then
    error('a key belongs to class "latest", and only there', 4)
  end
  return class, key == nil and 0 or number_of(key)
end

--- Raises, in the name of who called the caller, when it cannot be sent.
---@param message table|string a table goes as JSON, a string as it is
---@param how? moongate.How|false
---@return string bytes
---@return integer opcode
---@return integer class
---@return integer key
function letter.of(message, how)
  local class, key, opcode = RELIABLE, 0, TEXT
  if how then
    class, key = treatment(how)
    if how.binary then opcode = BINARY end
  end
  if type(message) == "string" then return message, opcode, class, key end
  if type(message) ~= "table" then error("a message is a table or a string", 3) end
  local text, reason = json.encode(message)
  if not text then error("cannot encode: " .. reason, 3) end
  return text, TEXT, class, key
end

return letter
