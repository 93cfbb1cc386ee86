--- What scripts send, in the form the core takes: bytes, opcode, class, key.
local core = require "moongate.ffi"
local fields = require "moongate.fields"

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

local KNOWN = { binary = true, class = true, key = true, except = true }
local facts = C.moon_facts()

--- The number that stands for a key, whatever its type: ids need all their digits.
local function number_of(key)
  local text = type(key) == "number" and ("%.17g"):format(key) or key
  if type(text) ~= "string" then error("a key is a string or a number", 4) end
  return C.moon_key(text, #text)
end

--- To look for unknown names in each of them would cost more than all the rest: outside of
--- development mode it is done where there is none that is known.
local function check(how)
  if type(how) ~= "table" or how.id then -- what has an id is a connection
    error('how to send is a table: { class = "latest", key = "pos", except = conn }', 5)
  end
  local has_known = how.class or how.except or how.binary ~= nil
  if has_known and facts.development == 0 then return end
  local problem = fields.unknown(how, KNOWN)
  if problem then error("how to send: " .. problem, 5) end
end

local function treatment(how)
  check(how)
  local class, key = classes[how.class or "reliable"], how.key
  if not class then error(('there is no class "%s"'):format(tostring(how.class)), 4) end
  if (class == LATEST) ~= (key ~= nil) then
    error('a key belongs to class "latest", and only there', 4)
  end
  return class, key == nil and 0 or number_of(key)
end

--- Raises, in the name of who called the caller, when it cannot be meant.
---@param message table|string a table goes by the codec, a string as it is
---@param how? moongate.How|false
---@param codec moongate.Codec of who gets it
---@return string? bytes nil when it cannot be sent
---@return integer|"too_big"|"bad_utf8" opcode or why not
---@return integer? class
---@return integer? key
function letter.of(message, how, codec)
  local class, key, opcode = RELIABLE, 0, TEXT
  if how then
    class, key = treatment(how)
    if how.binary then opcode = BINARY end
  end
  if type(message) == "string" then return message, opcode, class, key end
  if type(message) ~= "table" then error("a message is a table or a string", 3) end
  local bytes, reason, code = codec.encode(message)
  if bytes then return bytes, codec.is_binary and BINARY or TEXT, class, key end
  if code then return nil, code end
  error("cannot encode: " .. reason, 3)
end

return letter
