--- A connection, as scripts see it.
local core = require "moongate.ffi"
local json = require "moongate.json"
local status = require "moongate.status"

local C = core.C

---@class moongate.Conn
---@field id integer never used again
---@field path string as asked for, without the query: "/relay/tea"
---@field query string what followed the question mark, percent-decoded; ends at an empty part
---@field params table<string, string> what the braces of the route matched: { room = "tea" }
---@field route string the pattern of the route: "/relay/{room}"
---@field protocol string the subprotocol agreed on, or ""
---@field address string the peer's IP address
---@field is_open boolean
---@field user? string set by the auth plugin
---@field state table data of the plugins about this connection; survives a reload
---@field rooms table<moongate.Room, true>
local conn = {}
local conn_mt = { __index = conn }

local all = {} -- id -> connection whose closed hooks have not run

--- Encodes what scripts send: a table as JSON, a string as it is.
---@param message table|string
---@param binary? boolean a string that is to go as a binary message
---@return string bytes
---@return integer opcode
local function encode(message, binary)
  if type(message) == "table" then
    local text, reason = json.encode(message)
    if not text then error("cannot encode: " .. reason, 3) end
    return text, C.MOON_TEXT
  end
  if type(message) ~= "string" then error("a message is a table or a string", 3) end
  return message, binary and C.MOON_BINARY or C.MOON_TEXT
end

--- Queues a message for this client. Returns before it is written; what was sent before it
--- arrives before it.
---@param message table|string a table goes as one JSON object; a string as text (UTF-8)
---@param binary? boolean a string goes as a binary message
---@return true? queued nil when refused
---@return "gone"|"full"|"too_big"|"bad_utf8"? reason
function conn:send(message, binary)
  if not self.is_open then return nil, "gone" end
  local bytes, opcode = encode(message, binary)
  local result = C.moon_send(self.id, opcode, bytes, #bytes)
  if result == 0 then return true end
  return nil, status.code[result]
end

--- Closes the connection after what is queued. Its `closed` hooks run a little later.
---@param code? integer 1000, or 4000 to 4499 (the client shall reconnect), 4500 to 4999 (not)
---@param reason? string for the client, at most 123 bytes
---@return true? accepted
---@return "gone"|"full"|"invalid"|"bad_utf8"? problem
function conn:close(code, reason)
  if not self.is_open then return nil, "gone" end
  code, reason = code or 1000, reason or ""
  if type(code) ~= "number" or code ~= code or code < 1000 or code > 4999 then
    return nil, "invalid"
  end
  local result = C.moon_close(self.id, code, reason, #reason)
  if result == 0 then return true end
  return nil, status.code[result]
end

--- For loop.lua: a connection that has opened.
---@param id integer
---@param fields string path, query, subprotocol, address, each ended by a NUL
---@return moongate.Conn
local function open(id, fields)
  local path, query, protocol, address = fields:match "^(%Z*)%z(%Z*)%z(%Z*)%z(%Z*)%z$"
  local new = setmetatable({
    id = id, path = path, query = query, protocol = protocol, address = address,
    is_open = true, params = {}, route = "", state = {}, rooms = {},
  }, conn_mt)
  all[id] = new
  return new
end

--- For loop.lua: its closed hooks have run.
---@param old moongate.Conn
local function forget(old)
  old.is_open = false
  all[old.id] = nil
end

return { all = all, encode = encode, open = open, forget = forget }
