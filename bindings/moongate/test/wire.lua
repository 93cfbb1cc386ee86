--- The bytes of a client and of an HTTP server in a test: RFC 6455 and HTTP/1.1, as far as a test
--- needs them.
local wire = {}

wire.TEXT, wire.BINARY, wire.CLOSE, wire.PING, wire.PONG = 1, 2, 8, 9, 10

-- Of RFC 6455 section 1.3.
wire.KEY = "dGhlIHNhbXBsZSBub25jZQ=="

--- A number as so many bytes, the first the highest.
local function big_endian(number, count)
  local bytes = {}
  for place = count, 1, -1 do
    bytes[place] = string.char(number % 256)
    number = math.floor(number / 256)
  end
  return table.concat(bytes)
end

--- A frame from a client: masked, with a mask of zero.
---@param opcode integer
---@param payload string
---@param options? { more?: boolean, rsv?: integer }
function wire.frame(opcode, payload, options)
  options = options or {}
  local first = opcode + (options.more and 0 or 128) + (options.rsv or 0)
  local n = #payload
  local length
  if n < 126 then
    length = string.char(128 + n)
  elseif n < 65536 then
    length = string.char(254) .. big_endian(n, 2)
  else
    length = string.char(255) .. big_endian(n, 8)
  end
  return string.char(first) .. length .. "\0\0\0\0" .. payload
end

local function number_of(bytes)
  local number = 0
  for _, byte in ipairs { bytes:byte(1, -1) } do number = number * 256 + byte end
  return number
end

--- The first frame of what a server has sent.
---@param bytes string
---@return integer? opcode nil: it is not whole yet
---@return string? payload
---@return string? rest
function wire.take_frame(bytes)
  if #bytes < 2 then return end
  local first, length = bytes:byte(1, 2)
  local at = 3
  if length > 125 then
    local count = length == 126 and 2 or 8
    if #bytes < 2 + count then return end
    length, at = number_of(bytes:sub(3, 2 + count)), 3 + count
  end
  if #bytes < at + length - 1 then return end
  return first % 16, bytes:sub(at, at + length - 1), bytes:sub(at + length)
end

--- The code of a Close frame.
---@param payload string
---@return integer
function wire.close_code(payload)
  return #payload >= 2 and number_of(payload:sub(1, 2)) or 1005
end

---@param code integer
---@return string frame
function wire.close(code) return wire.frame(wire.CLOSE, big_endian(code, 2)) end

--- A request's or a response's head as bytes.
---@param first string
---@param headers table<string, string|number>
function wire.head(first, headers)
  local lines = { first }
  for name, value in pairs(headers) do lines[#lines + 1] = name .. ": " .. value end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

--- The head and the body of a whole message.
---@param bytes string
---@param is_ended? boolean there will be no more
---@return table? message { first, headers (names in lower case), body, rest }; nil: not whole yet
function wire.take_message(bytes, is_ended)
  local head, at = bytes:match "^(.-\r\n)\r\n()"
  if not head then return end
  local message = { first = head:match "^([^\r]*)", headers = {} }
  for name, value in head:gmatch "\n([^:\r\n]+):[ \t]*([^\r\n]*)" do
    message.headers[name:lower()] = value
  end
  local length = tonumber(message.headers["content-length"])
  if is_ended and not length then length = #bytes - at + 1 end
  length = length or 0
  if #bytes < at + length - 1 then return end
  message.body, message.rest = bytes:sub(at, at + length - 1), bytes:sub(at + length)
  return message
end

return wire
