--- The codecs: what stands for a table on the wire, the same table in each of them.
--
-- Which one a connection speaks follows from the subprotocol it has agreed on.
local json = require "moongate.json"
local msgpack = require "moongate.msgpack"

---@class moongate.Codec
---@field name "json"|"msgpack"
---@field protocol string the subprotocol whose connections speak it
---@field is_binary boolean whether its messages are binary ones
---@field encode fun(value: any): string?, string?, string? the bytes; or nil, a reason and, when
--- it is no mistake of the script, a code: "too_big", "bad_utf8"
---@field decode fun(bytes: string): any, string? the value, null for what JSON calls so; or nil
--- and a reason

local codec = {}

---@type moongate.Codec
codec.json = {
  name = "json",
  protocol = "moongate.v1.json",
  is_binary = false,
  encode = json.encode,
  decode = json.decode,
}

---@type moongate.Codec
codec.msgpack = {
  name = "msgpack",
  protocol = "moongate.v1.msgpack",
  is_binary = true,
  encode = msgpack.encode,
  decode = msgpack.decode,
}

--- Of those who have agreed on no codec's protocol.
codec.default = codec.json

--- The codec of connections with this subprotocol.
---@param protocol string "" for none
---@return moongate.Codec
function codec.of(protocol)
  return protocol == codec.msgpack.protocol and codec.msgpack or codec.default
end

return codec
