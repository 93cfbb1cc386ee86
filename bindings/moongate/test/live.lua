--- A test's gate as a server of its own, over real sockets: fake.lua has the same interface.
--
-- All sockets are waited for in one place, turn(), so that the plugins' fetches are answered while
-- a client waits for its reply.
local fake = require "moongate.test.fake"
local servers = require "moongate.test.server"
local socket = require "socket"
local unix = require "socket.unix"
local wire = require "moongate.test.wire"

---@class moongate.TestLive
local Live = { is_live = true, MAX_LATER_MS = 10000 }
local live_mt = { __index = Live }

local live = {}

local PATIENCE_S = 30 -- for what takes milliseconds, on a busy machine
local TURN_S = 0.02
local QUIET_S = 0.05  -- of a path that answers no ping: then all has come

-- ---- sockets ----

--- Waits for any of them, and lets it do its work.
local function turn(self, timeout_s)
  local ready = socket.select(self.sockets, nil, timeout_s)
  for _, each in ipairs(ready) do
    local fn = self.readers[each]
    if fn then fn() end -- else the one before has closed it
  end
end

local function forget(self, each)
  self.readers[each] = nil
  for place, other in ipairs(self.sockets) do
    if other == each then table.remove(self.sockets, place) break end
  end
end

local function watch(self, each, fn)
  if not self.readers[each] then table.insert(self.sockets, each) end
  self.readers[each] = fn
end

--- What has come, and whether that was the end.
local function receive(each)
  each:settimeout(0)
  local bytes, problem, part = each:receive(65536)
  each:settimeout(PATIENCE_S)
  return bytes or part or "", problem == "closed"
end

local function await(self, is_so, within_s)
  local give_up = socket.gettime() + within_s
  repeat
    if is_so() then return true end
    turn(self, TURN_S)
  until socket.gettime() > give_up
  return is_so() and true or false
end

local function connect(self)
  local stream = assert(socket.connect("127.0.0.1", self.server.port))
  stream:settimeout(PATIENCE_S)
  stream:setoption("tcp-nodelay", true)
  return stream
end

--- Sends a request and waits for the whole answer.
local function exchange(self, stream, bytes, is_whole)
  local got, has_ended = "", false
  watch(self, stream, function()
    local more, is_end = receive(stream)
    got, has_ended = got .. more, is_end
    if is_end then forget(self, stream) end
  end)
  assert(stream:send(bytes))
  local function has_come() return has_ended or is_whole and is_whole(got) end
  await(self, has_come, PATIENCE_S)
  forget(self, stream)
  stream:close()
  return got
end

-- ---- what plugins fetch: the server's proxy is here ----

local UNEXPECTED = { reply = { status = 502 } } -- the test fails anyhow

local HAS_NO_BODY = { [204] = true, [304] = true }

local function response_of(reply)
  local status, body = reply.status or 200, reply.body or ""
  local headers = { Connection = "close" }
  if not HAS_NO_BODY[status] then headers["Content-Length"] = #body end
  for name, value in pairs(reply.headers or {}) do headers[name] = value end
  return wire.head(("HTTP/1.1 %d Any"):format(status), headers) .. body
end

local function answer_fetch(stream, expected)
  expected = expected or UNEXPECTED
  if expected.reply then stream:send(response_of(expected.reply)) end
  stream:close() -- without a word: "protocol", see check_fetch
end

local function take_fetch(self)
  local stream, got = assert(self.proxy:accept()), ""
  watch(self, stream, function()
    local more, is_end = receive(stream)
    got = got .. more
    local message = wire.take_message(got)
    if not message and not is_end then return end
    forget(self, stream)
    if not message then return stream:close() end
    local method, url = message.first:match "^(%S+) (%S+)"
    if method == "CONNECT" then url = "https://" .. url:gsub(":443$", "") end
    answer_fetch(stream, self.fetches:take { method = method, url = url,
      headers = message.headers, body = message.body })
  end)
end

--- Raises at what no real server can be made to do here.
---@param expected moongate.ExpectedFetch
function Live.check_fetch(expected)
  if (expected.url or ""):find "^https:" then
    error("expect_fetch: with --live it cannot be https; give the plugin an http URL", 3)
  end
  if expected.error and expected.error ~= "protocol" then
    error(('expect_fetch: with --live error = "%s" cannot be made to happen, only "protocol"')
      :format(tostring(expected.error)), 3)
  end
end

-- ---- starting ----

---@param app moongate.TestApp
---@param fetches table
---@return table? transport
---@return string? problem
function live.start(app, fetches)
  local world, problem = fake.load(app) -- what the list has to be, and which paths there are
  if not world then return nil, problem end
  local self = setmetatable({ world = world, fetches = fetches, sockets = {}, readers = {},
    proxy = assert(socket.bind("127.0.0.1", 0, 128)) }, live_mt)
  watch(self, self.proxy, function() take_fetch(self) end)
  local _, port = self.proxy:getsockname()
  self.server, problem = servers.start(app, { "--fetch-proxy", "http://127.0.0.1:" .. port })
  if self.server then return self end
  self.proxy:close()
  return nil, problem
end

-- ---- connections ----

local function take(line, opcode, payload)
  if opcode == wire.PING then
    line.stream:send(wire.frame(wire.PONG, payload))
  elseif opcode == wire.CLOSE then
    line.code = wire.close_code(payload)
    line.stream:send(wire.close(line.code == 1005 and 1000 or line.code))
  elseif opcode ~= wire.PONG then
    table.insert(line.incoming, { bytes = payload, is_binary = opcode == wire.BINARY })
    line.heard_s = socket.gettime()
  end
end

local function read(self, line)
  local more, is_end = receive(line.stream)
  line.bytes = line.bytes .. more
  while not line.code do
    local opcode, payload, rest = wire.take_frame(line.bytes)
    if not opcode then break end
    line.bytes = rest
    take(line, opcode, payload)
  end
  if not is_end and not line.code then return end
  line.code = line.code or 1006
  forget(self, line.stream)
  line.stream:close()
end

local function upgrade(self, asked)
  local headers = { Host = "127.0.0.1:" .. self.server.port, Upgrade = "websocket",
    Connection = "Upgrade", ["Sec-WebSocket-Version"] = "13", ["Sec-WebSocket-Key"] = wire.KEY }
  if asked.protocol ~= "" then headers["Sec-WebSocket-Protocol"] = asked.protocol end
  if asked.token then headers.Authorization = "Bearer " .. asked.token end
  local target = ("%s?%s"):format(asked.path, asked.query)
  return wire.head("GET " .. target .. " HTTP/1.1", headers)
end

function Live:open(asked)
  local stream = connect(self)
  assert(stream:send(upgrade(self, asked)))
  local head = {}
  repeat
    local line = assert(stream:receive "*l")
    head[#head + 1] = line
  until line == ""
  if not head[1]:find "^HTTP/1.1 101" then error("connect: the server says " .. head[1], 0) end
  local line = { stream = stream, bytes = "", incoming = {}, number = asked.number }
  watch(self, stream, function() read(self, line) end)
  return line
end

function Live:send(line, bytes, is_binary)
  line.stream:send(wire.frame(is_binary and wire.BINARY or wire.TEXT, bytes))
end

--- Breaks it, and waits until the closed hooks have run.
function Live:close(line, code)
  if code then
    line.stream:send(wire.close(code))
    watch(self, line.stream, function() read(self, line) end)
    await(self, function() return line.code end, PATIENCE_S)
  else
    line.code = 1006
    forget(self, line.stream)
    line.stream:shutdown "both" -- a server that was started since has the socket, too
    line.stream:close()
  end
  local path = "/moongate_test/conns/" .. line.number
  local function is_gone()
    return self:http({ method = "GET", path = path, query = "", headers = {}, body = "" }).body
      == "gone"
  end
  await(self, is_gone, PATIENCE_S)
end

function Live:pause(line) forget(self, line.stream) end

function Live:resume(line) watch(self, line.stream, function() read(self, line) end) end

--- Takes what has come already.
function Live:settle() turn(self, 0) end

--- Waits until nothing has come for a while: for a path that cannot be asked.
function Live:hush(line)
  line.heard_s = socket.gettime()
  await(self, function()
    return line.code or socket.gettime() - line.heard_s > QUIET_S
  end, PATIENCE_S)
end

function Live:await(is_so, within_ms) return await(self, is_so, within_ms / 1000) end

function Live:later(delay_ms) await(self, function() return false end, delay_ms / 1000) end

-- ---- the rest ----

local function is_served(self, asked)
  local kind = asked.method == "HEAD" and "GET" or asked.method
  return self.world.plugin.current():find_route(kind, asked.path) ~= nil
end

function Live:http(asked)
  if not is_served(self, asked) then return nil end
  local headers = { host = "127.0.0.1:" .. self.server.port, connection = "close",
    ["content-length"] = #asked.body }
  for name, value in pairs(asked.headers) do headers[name] = value end
  local target = asked.path .. (asked.query ~= "" and "?" .. asked.query or "")
  local got = exchange(self, connect(self),
    wire.head(("%s %s HTTP/1.1"):format(asked.method, target), headers) .. asked.body)
  if asked.method == "HEAD" then got = got:gsub("[Cc]ontent%-[Ll]ength: %d+\r\n", "") end
  local message = assert(wire.take_message(got, true), "no whole response came")
  return { status = tonumber(message.first:match "^HTTP/1.1 (%d+)"), headers = message.headers,
    body = message.body }
end

--- As moongate ctl reload. The world that knows the paths follows.
---@param app moongate.TestApp
function Live:reload(app)
  servers.write(self.server, app)
  local operator = assert(unix.stream())
  operator:settimeout(PATIENCE_S)
  assert(operator:connect(self.server.folder .. "/admin"))
  local line = exchange(self, operator, '{"command":"reload"}\n',
    function(got) return got:find "\n" ~= nil end)
  local answer = assert(self.world.json.decode(line), "moongate ctl reload: no answer")
  if answer.ok then
    self.world.plugin.reload()
    self.world.core:settle()
  end
  return answer.ok, self.server:translate(answer.text or answer.error.message)
end

function Live:log() return self.server:log() end

---@return string? problem
function Live:stop()
  for _, each in ipairs(self.sockets) do each:close() end
  self.sockets, self.readers = {}, {}
  return self.server:stop()
end

return live
