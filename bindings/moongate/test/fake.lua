--- A test's gate in this process: the real bindings over a core without sockets. live.lua has the
--- same interface, over a server of its own.
local cores = require "moongate.test.core"

local Fake = { is_live = false }
local fake_mt = { __index = Fake }

local fake = {}

---@class moongate.TestLine one connection as the core has it
---@field incoming table[] { bytes, is_binary } that nobody has taken
---@field code? integer it has ended: the close code

local MAX_STEPS = 100000 -- in one wait: more is a timer that never ends

--- Tries the list until it has all that is needed.
local function load(world, app)
  local drain, problem
  repeat
    drain, problem = world.loop.start(app.folder)
    if not drain then world.core.log, world.core.commands = {}, {} end
  until drain or not app:mend(problem)
  return drain, problem
end

--- Loads the app. Also for live.lua, to know what the list has to be, and which paths there are.
---@param app moongate.TestApp
---@return table? world
---@return string? problem
function fake.load(app)
  local world = cores.world()
  world.source.read = function(path) return app:text(path) end
  local to_log = world.sandbox.print
  world.sandbox.print = function(label, text) -- for who runs the tests
    to_log(label, text)
    print(text)
  end
  local drain, problem = load(world, app)
  if not drain then return nil, problem end
  return world
end

---@param app moongate.TestApp
---@param fetches table
---@return table? transport
---@return string? problem
function fake.start(app, fetches)
  local world, problem = fake.load(app)
  if not world then return nil, problem end
  local self = setmetatable({ world = world, core = world.core, lines = {}, fetches = fetches },
    fake_mt)
  self.core.on_delivery = function(id, bytes, opcode)
    local is_binary = opcode == self.core.C.MOON_BINARY
    table.insert(self.lines[id].incoming, { bytes = bytes, is_binary = is_binary })
  end
  self:settle()
  return self
end

local function reply_of(fetch, expected)
  if not expected then return "connect" end -- the test fails anyhow
  if expected.error then return expected.error end
  if #(expected.reply.body or "") > fetch.max_bytes then return "too_big" end
  return expected.reply
end

--- What is fetched is answered at once.
local function serve(self)
  self.core:settle()
  while self.core.fetches[1] do
    local fetch = self.core.fetches[1]
    self.core:answer_fetch(reply_of(fetch, self.fetches:take(fetch)))
    self.core:settle()
  end
  for id, line in pairs(self.lines) do
    local closed = self.core.conns[id].closed
    line.code = closed and closed.code
  end
end

--- Goes from timer to timer until it is so, or the time is over.
---@param is_so fun(): any
---@param within_ms integer
---@return boolean
function Fake:await(is_so, within_ms)
  local until_ms = self.core.now_ms + within_ms
  serve(self)
  for _ = 1, MAX_STEPS do
    if is_so() then return true end
    if not self.core:step(until_ms) then
      self.core.now_ms = math.max(self.core.now_ms, until_ms)
      return false
    end
    serve(self)
  end
  error(("%d timers have fired in one wait; wait for less at once"):format(MAX_STEPS), 0)
end

--- All that is due now has happened.
function Fake:settle() self:later(0) end

function Fake:later(delay_ms) self:await(function() return false end, delay_ms) end

function Fake:open(asked)
  local id = self.core:open(asked.path, asked.query, asked.protocol, nil, asked.token)
  local line = { incoming = {}, id = id }
  self.lines[id] = line
  serve(self)
  return line
end

function Fake:send(line, bytes, is_binary)
  self.core:receive(line.id, bytes, is_binary)
  serve(self)
end

--- The connection breaks, or with a code the client says goodbye.
function Fake:close(line, code)
  self.core:close(line.id, code and "client" or "lost", code or 1006)
  self:settle()
end

function Fake:pause(line) self.core:pause(line.id) end

function Fake:resume(line)
  self.core:resume(line.id)
  serve(self)
end

---@param asked table method, path, query, headers (names in lower case), body
---@return table? response { status, headers, body }
function Fake:http(asked)
  local kind = asked.method == "HEAD" and "GET" or asked.method
  local C = self.core.C
  if not self.world.plugin.current():find_route(kind, asked.path) then return nil end
  local response = self.core:request { method = asked.method, path = asked.path,
    query = asked.query, body = asked.body, content_type = asked.headers["content-type"],
    authorization = asked.headers.authorization, host = asked.headers.host }
  local function is_given() return response.is_given end
  if not self:await(is_given, C.moon_facts().http_timeout_ms) then
    return { status = 504, headers = {}, body = "" }
  end
  local headers = {}
  for name, value in pairs(response.headers) do headers[name:lower()] = value end
  return { status = response.status, headers = headers,
    body = asked.method == "HEAD" and "" or response.body }
end

--- As moongate ctl reload.
---@return boolean ok
---@return string text
function Fake:reload()
  local told = self.core:ask '{"command":"reload"}'
  self:settle()
  local answer = self.world.json.decode(told.bytes)
  self:settle() -- what it has begun
  return answer.ok, answer.text or answer.error.message
end

---@return { level: string, text: string }[]
function Fake:log() return self.core.log end

--- Nothing is left behind.
function Fake:stop() self:settle() end

return fake
