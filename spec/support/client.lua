--- A WebSocket client over a real socket, with TLS where the server speaks it, which can
--- also misbehave.
if not package.path:find("./bindings/?.lua", 1, true) then
  package.path = "./bindings/?.lua;" .. package.path
end
local json = require "cjson"
local now_s = require "spec.support.monotonic"
local socket = require "socket"
local ssl = require "ssl"
local wire = require "moongate.test.wire"

local DEADLINE_S = 30 -- for a single receive
local PATIENCE_S = 120 -- for what is waited for while other messages, or pings, keep coming
local KEY, ACCEPT = wire.KEY, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" -- which must be answered

local TEXT, BINARY, CLOSE, PING, PONG = wire.TEXT, wire.BINARY, wire.CLOSE, wire.PING, wire.PONG

-- For luasec. Specs compare fingerprints instead of asking an authority; and they are told
-- "closed" whether or not the server has taken leave in TLS as well.
local ANY_TLS = {
  mode = "client", protocol = "any", verify = "none", options = { "all", "ignore_unexpected_eof" },
}

local tls_of = {} -- port -> parameters for luasec, where the server speaks TLS

local Client = {}
local client_mt = { __index = Client }

--- Makes clients speak TLS to this port, or no longer.
---@param port integer
---@param is_so boolean
local function expect_tls(port, is_so) tls_of[port] = is_so and ANY_TLS or nil end

--- Connects, and agrees on TLS if it is spoken.
---@param port integer
---@param tls? table|boolean parameters for luasec, or whether at all: as the port expects
---@return table? socket nil when the server has refused TLS
---@return string? problem
local function open(port, tls)
  local tcp = assert(socket.connect("127.0.0.1", port))
  tcp:settimeout(DEADLINE_S)
  tcp:setoption("tcp-nodelay", true)
  if tls == nil then tls = tls_of[port] end
  if not tls then return tcp end
  local wrapped = assert(ssl.wrap(tcp, tls == true and ANY_TLS or tls))
  wrapped:settimeout(DEADLINE_S)
  local is_agreed, problem = wrapped:dohandshake()
  if is_agreed then return wrapped end
  wrapped:close()
  return nil, problem
end

--- Sends a request and reads the response's head.
---@param port integer
---@param request string the whole head
---@param tls? table|boolean as for open()
---@param kept? table the socket of an earlier response, to be used again
---@return table response { status, head, socket }
local function request(port, text, tls, kept)
  local stream = kept or assert(open(port, tls))
  if text ~= "" then assert(stream:send(text)) end
  local lines = {}
  while true do
    local line = stream:receive "*l"
    if not line or line == "" then break end
    lines[#lines + 1] = line
  end
  local head = table.concat(lines, "\n")
  return { status = tonumber(head:match "^HTTP/1.1 (%d+)"), head = head, socket = stream }
end

--- The head of an upgrade; a header set to false is left out.
---@param path string
---@param port integer
---@param headers? table<string, string|false>
local function upgrade(path, port, headers)
  headers = headers or {}
  local all = {
    Host = "127.0.0.1:" .. port,
    Upgrade = "websocket",
    Connection = "Upgrade",
    ["Sec-WebSocket-Version"] = "13",
    ["Sec-WebSocket-Key"] = KEY,
  }
  for name, value in pairs(headers) do all[name] = value end
  local lines = { (headers.method or "GET") .. " " .. path .. " HTTP/1.1" }
  all.method = nil
  for name, value in pairs(all) do
    if value then lines[#lines + 1] = name .. ": " .. value end
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

--- A client on a stream over which an upgrade has been asked for.
local function adopt(stream)
  local response = request(nil, "", nil, stream)
  assert(response.status == 101, response.head)
  assert(response.head:find(ACCEPT, 1, true), "wrong Sec-WebSocket-Accept")
  return setmetatable({ socket = stream, head = response.head, next_id = 1 }, client_mt)
end

---@param port integer
---@param path? string "/ws"
---@param headers? table
---@param tls? table|boolean as for open()
local function connect(port, path, headers, tls)
  local stream = assert(open(port, tls))
  assert(stream:send(upgrade(path or "/ws", port, headers)))
  return adopt(stream)
end

--- SHA-256 of the certificate that the server has shown, in hexadecimal; nil without TLS.
function Client:fingerprint()
  local certificate_of = self.socket.getpeercertificate
  return certificate_of and certificate_of(self.socket):digest "sha256"
end

local frame = wire.frame

function Client:send_bytes(bytes) assert(self.socket:send(bytes)) end

function Client:send(opcode, payload, options) self:send_bytes(frame(opcode, payload, options)) end

function Client:send_text(text) self:send(TEXT, text) end

--- Sends one JSON message.
function Client:says(message) self:send_text(json.encode(message)) end

--- Reads one frame of any kind; nil when the server has closed the socket.
---@return integer? opcode
---@return string payload
function Client:read_frame()
  local head = self.socket:receive(2)
  if not head then return nil, "eof" end
  local first, length = head:byte(1, 2)
  if length == 126 then
    local a, b = self.socket:receive(2):byte(1, 2)
    length = a * 256 + b
  elseif length == 127 then
    local bytes = { self.socket:receive(8):byte(1, 8) }
    length = 0
    for _, byte in ipairs(bytes) do length = length * 256 + byte end
  end
  local payload = length == 0 and "" or self.socket:receive(length)
  if not payload then return nil, "cut" end
  return first % 16, payload, first >= 128
end

--- Reads one frame: answers a ping, notes and answers a Close.
---@return string? payload nil unless it was data
---@return integer? opcode
function Client:step()
  local opcode, payload = self:read_frame()
  if not opcode then
    self.closed = { code = 1006, reason = payload }
  elseif opcode == PING then
    if not self.is_mute then self:send(PONG, payload) end
  elseif opcode == CLOSE then
    self.closed = { code = 1005, reason = payload:sub(3) }
    if #payload >= 2 then self.closed.code = payload:byte(1) * 256 + payload:byte(2) end
    self.socket:send(frame(CLOSE, payload:sub(1, 2)))
  elseif opcode ~= PONG then
    return payload, opcode
  end
end

--- Reads the next data message.
---@param give_up? number when not to wait any longer
---@return string? payload nil once closed
---@return integer? opcode
function Client:read(give_up)
  give_up = give_up or now_s() + PATIENCE_S
  while not self.closed do
    if now_s() > give_up then error("waited in vain, but others were heard", 2) end
    local payload, opcode = self:step()
    if payload then return payload, opcode end
  end
end

--- Reads the next JSON message; an error once closed.
---@return table message
function Client:next()
  local text = self:read()
  if text then return json.decode(text) end
  error(("closed with %d %s"):format(self.closed.code, self.closed.reason), 2)
end

--- Reads at least so many bytes of messages, whatever they say.
function Client:hears_bytes(count)
  while count > 0 do count = count - #assert(self:read(), "closed") end
end

--- Reads messages until one has all fields of `wanted`; returns it.
function Client:hears(wanted)
  local give_up = now_s() + PATIENCE_S
  while true do
    local text = self:read(give_up)
    if not text then
      error(("closed with %d while waiting for %s"):format(self.closed.code,
        json.encode(wanted)), 2)
    end
    local message = json.decode(text)
    local fits = true
    for key, value in pairs(wanted) do fits = fits and message[key] == value end
    if fits then return message end
  end
end

--- Sends a request and returns its reply.
function Client:asks(message)
  message.id = self.next_id
  self.next_id = self.next_id + 1
  self:says(message)
  return self:hears { type = "reply", id = message.id }
end

--- Reads until the server closes; returns the code and the reason.
function Client:is_closed()
  local give_up = now_s() + PATIENCE_S
  while self:read(give_up) do end -- luacheck: ignore
  return self.closed.code, self.closed.reason
end

--- An orderly goodbye; returns the code the server answered with.
function Client:close(code)
  code = code or 1000
  self:send(CLOSE, string.char(math.floor(code / 256), code % 256))
  return (self:is_closed())
end

--- Cuts the connection without a word (TLS takes leave by itself).
function Client:cut() self.socket:close() end

--- Connects, takes a name and joins rooms.
local function guest(port, name, ...)
  local self = connect(port, "/ws", { ["Sec-WebSocket-Protocol"] = "moongate.v1.json" })
  self:hears { type = "hello" }
  assert(self:asks { type = "auth", data = { name = name, key = name } }.ok)
  for _, room in ipairs { ... } do
    assert(self:asks { type = "join", room = room }.ok)
  end
  return self
end

return {
  adopt = adopt, connect = connect, guest = guest, request = request, upgrade = upgrade,
  frame = frame, open = open, expect_tls = expect_tls,
  TEXT = TEXT, BINARY = BINARY, CLOSE = CLOSE, PING = PING, PONG = PONG,
}
