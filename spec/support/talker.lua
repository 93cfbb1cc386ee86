--- A client of moongate.v1 in either encoding, which records what it says and hears.
local arrays = require "spec.support.arrays"
local client = require "spec.support.client"
local fake_core = require "spec.support.fake_core"

local Talker = {}
local talker_mt = { __index = Talker }

local world = fake_core.world()
local CODECS = { json = world.json, msgpack = world.msgpack }

---@param port integer
---@param encoding "json"|"msgpack"
---@param record? table[] gets { is_sent, message, json, encoding } of each message
---@param token? string in the handshake
local function connect(port, encoding, record, token)
  local self = setmetatable({ encoding = encoding, codec = CODECS[encoding], last_id = 0,
    record = record or {}, heard = {} }, talker_mt)
  self.client = client.connect(port, "/ws",
    { ["Sec-WebSocket-Protocol"] = "moongate.v1." .. encoding,
      Authorization = token and "Bearer " .. token })
  return self
end

local function note(self, message, is_sent)
  table.insert(self.record, { is_sent = is_sent, message = message,
    json = assert(world.json.encode(message)), encoding = self.encoding })
end

--- Sends bytes as a message of its encoding.
function Talker:sends(bytes)
  self.client:send(self.encoding == "json" and client.TEXT or client.BINARY, bytes)
end

function Talker:says(message)
  note(self, message, true)
  self:sends(assert(self.codec.encode(message)))
end

--- The next message; what is an empty array in it is json.empty_list.
function Talker:next()
  local bytes = self.client:read()
  if not bytes then
    error(("closed with %d %s"):format(self.client.closed.code, self.client.closed.reason), 2)
  end
  local message = arrays[self.encoding](bytes)
  note(self, message)
  return message
end

--- Reads until a message has all these fields.
function Talker:hears(wanted)
  while true do
    local message, fits = self:next(), true
    for key, value in pairs(wanted) do fits = fits and message[key] == value end
    if fits then return message end
  end
end

--- Sends a request and returns its reply.
---@param type_name string
---@param fields? table
function Talker:asks(type_name, fields)
  self.last_id = self.last_id + 1
  local message = { type = type_name, id = self.last_id }
  for key, value in pairs(fields or {}) do message[key] = value end
  self:says(message)
  return self:hears { type = "reply", id = message.id }
end

--- Says goodbye, and reads what is left.
function Talker:closes()
  self.client:send(client.CLOSE, "\3\232")
  self.client:is_closed()
end

return { connect = connect, json = world.json, msgpack = world.msgpack }
