--- A client in a test: speaks moongate.v1 where the path does, and remembers what it has heard.

---@class moongate.TestConn
---@field user? string
---@field path string
---@field codec "json"|"msgpack"
---@field closed? integer the close code, once the connection has ended and the client has seen it
---@field hello? table the server's greeting
local Conn = {}

local ANSWER_MS = 35000 -- a request has 30 s

--- `closed` is looked at when it is asked for.
local function index(self, key)
  if key ~= "closed" then return Conn[key] end
  self:settle()
  return rawget(self, "code")
end

local conn_mt = { __index = index }

local function percent(text)
  return (text:gsub("[^%w_.-]", function(char) return ("%%%02X"):format(char:byte()) end))
end

local last_number = 0

local function query_of(self)
  last_number = last_number + 1
  self.number = last_number
  local parts = { self.query ~= "" and self.query or nil }
  parts[#parts + 1] = "moongate_test=" .. last_number
  if self.user then parts[#parts + 1] = "moongate_test_user=" .. percent(self.user) end
  return table.concat(parts, "&")
end

local function speaks(route, protocol)
  for _, name in ipairs(route.handlers.protocols or {}) do
    if name == protocol then return true end
  end
  return false
end

local function open(self)
  local registry, protocol = self.gate:registry(), "moongate.v1." .. self.codec
  local route = registry:find_route("ws", self.path)
  if not route then error(('connect: no plugin serves "%s"'):format(self.path), 3) end
  self.is_plain = not speaks(route, protocol)
  if self.is_plain and route.handlers.protocols and route.handlers.protocols[1] then
    protocol = self.protocol or route.handlers.protocols[1]
  elseif self.is_plain then
    protocol = ""
  end
  if route.handlers.token and not self.token then
    error(('connect: "%s" wants a token'):format(self.path), 3)
  end
  self.line = self.gate.transport:open { path = self.path, query = query_of(self),
    protocol = protocol, token = self.token, number = self.number }
  self.code, self.is_paused, self.replies, self.hello = nil, false, {}, nil
  self:settle()
end

local function decode(self, message)
  local codec = self.gate.transport.world.codec[self.codec]
  local is_coded = message.is_binary == codec.is_binary
    and (message.is_binary or message.bytes:sub(1, 1) == "{")
  local value = is_coded and codec.decode(message.bytes)
  return value == nil and message.bytes or value or message.bytes
end

local function sort_in(self, message)
  local value = decode(self, message)
  local kind = type(value) == "table" and not self.is_plain and value.type
  if kind == "reply" then
    if value.id ~= nil then self.replies[value.id] = value end
  elseif kind == "hello" and not self.hello then
    self.hello = value
  else
    table.insert(self.pushes, value)
  end
end

--- Takes what has come, unless the client does not read.
local function absorb(self)
  if self.is_paused then return end
  for _, message in ipairs(self.line.incoming) do sort_in(self, message) end
  self.line.incoming = {}
  self.code = self.line.code
end

local function refuse_ended(self, what)
  absorb(self)
  if self.code then
    error(("%s: the connection has ended with %d"):format(what, self.code), 3)
  end
end

local function post(self, type_name, fields)
  if self.is_plain then
    error(('"%s" does not speak moongate.v1; conn:send_bytes'):format(self.path), 3)
  end
  self.last_id = self.last_id + 1
  local message = {}
  for name, value in pairs(fields or {}) do message[name] = value end
  message.id, message.type = self.last_id, type_name
  local codec = self.gate.transport.world.codec[self.codec]
  local bytes, problem = codec.encode(message)
  if not bytes then error(("%s: %s"):format(type_name, problem), 3) end
  self.gate.transport:send(self.line, bytes, codec.is_binary)
  return message.id
end

--- Waits for the reply; nil when the connection ends before.
local function wait(self, id)
  local function has_come()
    absorb(self)
    return self.replies[id] or self.code
  end
  local is_so = self.gate.transport:await(has_come, ANSWER_MS)
  local reply = self.replies[id]
  self.replies[id] = nil
  return reply, is_so
end

--- For gate.lua: what was sent to it until now has come.
function Conn:settle()
  local transport = self.gate.transport
  transport:settle()
  absorb(self)
  local is_needed = transport.is_live and not self.is_paused and not self.code
  if is_needed and not self.is_plain then wait(self, post(self, "ping")) end
  if is_needed and self.is_plain then transport:hush(self.line) end
  absorb(self)
end

--- Sends a request, and waits for the reply.
---@param type_name string
---@param fields? table of the message, beside type and id
---@return any data nil when refused
---@return string? code
---@return string? message
function Conn:ask(type_name, fields)
  refuse_ended(self, "ask")
  if self.is_paused then error("ask: the client does not read; conn:resume first", 2) end
  local reply, is_so = wait(self, post(self, type_name, fields))
  self.gate:check()
  if reply and reply.ok then return reply.data end
  if reply then return nil, reply.error.code, reply.error.message end
  if is_so then error(("ask: the connection has ended with %d"):format(self.code), 2) end
  error(('ask: no reply to "%s" in %d s'):format(type_name, ANSWER_MS / 1000), 2)
end

--- Sends a request; its reply is not waited for, and lost.
---@param type_name string
---@param fields? table
function Conn:send(type_name, fields)
  refuse_ended(self, "send")
  post(self, type_name, fields)
  self.gate:check()
end

--- Sends a message as it is, to whoever serves the path.
---@param bytes string
---@param is_binary? boolean
function Conn:send_bytes(bytes, is_binary)
  refuse_ended(self, "send_bytes")
  self.gate.transport:send(self.line, bytes, is_binary or false)
  self.gate:check()
end

--- Says something in a room.
---@param room string
---@param data any
---@return any data of the reply; nil when refused
---@return string? code
---@return string? message
function Conn:say(room, data) return self:ask("say", { room = room, data = data }) end

--- What was pushed to it since the last call, oldest first: objects decoded, other messages as
--- strings. No replies, and not the greeting.
---@return any[]
function Conn:heard()
  self:settle()
  self.gate:check()
  local pushes = self.pushes
  self.pushes = {}
  return pushes
end

--- The connection breaks, without a word.
function Conn:drop()
  refuse_ended(self, "drop")
  self.gate.transport:close(self.line)
  self.code, self.is_paused = 1006, false
  self.gate:check()
end

--- Says goodbye.
---@param code? integer 1000
function Conn:close(code)
  refuse_ended(self, "close")
  self.gate.transport:close(self.line, code or 1000)
  self.is_paused = false
  absorb(self)
  self.gate:check()
end

--- A new connection of the same user to the same path.
function Conn:reconnect()
  if not self.closed then self:drop() end
  open(self)
  self.gate:check()
end

--- Reads no more: what is sent to it waits, and is bounded as with any slow client.
function Conn:pause()
  refuse_ended(self, "pause")
  self.gate.transport:pause(self.line)
  self.is_paused = true
end

--- Reads again.
function Conn:resume()
  if not self.is_paused then error("resume: the client has not paused", 2) end
  self.is_paused = false
  self.gate.transport:resume(self.line)
  absorb(self)
  self.gate:check()
end

local conn = { METHODS = Conn }

---@param gate moongate.TestGate
---@param asked? table user, path, codec, token, protocol
---@return moongate.TestConn
function conn.new(gate, asked)
  asked = asked or {}
  local path, query = (asked.path or "/ws"):match "^([^?]*)%??(.*)$"
  local self = setmetatable({ gate = gate, user = asked.user, path = path, query = query,
    codec = asked.codec or "json", token = asked.token, protocol = asked.protocol,
    last_id = 0, pushes = {}, replies = {} }, conn_mt)
  open(self)
  return self
end

return conn
