--- Frames as a client writes them, right or wrong, and as it hears them.
--
-- A frame is described by a table: { opcode, payload, more, rsv, bare }. What is heard from
-- the server has the first two.
local bit = require "bit"
local ffi = require "ffi"

local CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
local MASK = ffi.new("uint8_t[4]", { 0x37, 0xFA, 0x21, 0x3D }) -- RFC 6455 section 5.7

local function describe(opcode, payload, options)
  local frame = { opcode = opcode, payload = payload }
  for name, value in pairs(options or {}) do frame[name] = value end
  return frame
end

local function maker(opcode)
  return function(payload, options) return describe(opcode, payload, options) end
end

--- A Close frame; without a code its payload is empty.
local function close(code, reason)
  if not code then return describe(CLOSE, "") end
  return describe(CLOSE, string.char(math.floor(code / 256), code % 256) .. (reason or ""))
end

--- One message in as many frames as there are pieces.
---@param opcode integer
---@param pieces string[]
---@return table[] frames
local function fragments(opcode, pieces)
  local frames = {}
  for i, piece in ipairs(pieces) do
    frames[i] = describe(i == 1 and opcode or CONTINUATION, piece, { more = i < #pieces })
  end
  return frames
end

--- Cuts a string into pieces of so many octets; the last may be shorter.
local function cut(bytes, size)
  local pieces = {}
  for at = 1, #bytes, size do pieces[#pieces + 1] = bytes:sub(at, at + size - 1) end
  return pieces
end

local function masked(payload)
  local bytes = ffi.new("uint8_t[?]", #payload)
  ffi.copy(bytes, payload, #payload) -- as an initializer it would come with its NUL
  for i = 0, #payload - 1 do bytes[i] = bit.bxor(bytes[i], MASK[i % 4]) end
  return ffi.string(MASK, 4) .. ffi.string(bytes, #payload)
end

--- `count` octets, the most significant first.
local function big_endian(number, count)
  local bytes = {}
  for i = count, 1, -1 do
    bytes[i] = number % 256
    number = math.floor(number / 256)
  end
  return string.char(unpack(bytes))
end

--- What goes over the wire.
---@param frame table
---@return string bytes
local function encode(frame)
  local length = #frame.payload
  local first = frame.opcode + (frame.more and 0 or 128) + (frame.rsv or 0) * 16
  local mask_bit = frame.bare and 0 or 128
  local head
  if length < 126 then
    head = string.char(first, mask_bit + length)
  elseif length < 65536 then
    head = string.char(first, mask_bit + 126) .. big_endian(length, 2)
  else
    head = string.char(first, mask_bit + 127) .. big_endian(length, 8)
  end
  return head .. (frame.bare and frame.payload or masked(frame.payload))
end

return {
  continuation = maker(CONTINUATION), text = maker(TEXT), binary = maker(BINARY),
  ping = maker(PING), pong = maker(PONG), close = close, describe = describe,
  fragments = fragments, cut = cut, encode = encode,
  TEXT = TEXT, BINARY = BINARY, CLOSE = CLOSE,
}
