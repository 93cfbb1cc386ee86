--- A gateway in a test, with the plugins that the test has chosen.
local apps = require "moongate.test.app"
local conns = require "moongate.test.conn"
local fetch_lists = require "moongate.test.fetches"
local fields = require "moongate.fields"

---@class moongate.TestGate
---@field transport table what fake.start or live.start returns
local Gate = {}
local gate_mt = { __index = Gate }

-- With --live, before a test ends: for what has to come, and for what should not.
local PATIENCE_MS, LATE_MS = 2000, 20

--- For conn.lua: raises when something was fetched that nobody has expected.
function Gate:check()
  local unexpected = self.fetches:take_unexpected()
  if unexpected[1] then error(table.concat(unexpected, "\n"), 3) end
end

--- For conn.lua.
function Gate:registry() return self.transport.world.plugin.current() end

local function refuse_ended(self)
  if self.is_over then
    error("this gate ended with its test; make one in each, or in before_each", 3)
  end
end

local ASKED = { user = true, path = true, codec = true, token = true, protocol = true }

local function check_asked(self, asked)
  if asked == nil then return end
  if type(asked) ~= "table" then
    error('connect: expected a table as { user = "ann" }, got a ' .. type(asked), 3)
  end
  local problem = fields.unknown(asked, ASKED)
  for name, value in pairs(asked) do
    if type(value) ~= "string" then
      problem = ("%s: expected a string, got a %s"):format(name, type(value))
    end
  end
  if asked.codec and not self.transport.world.codec[asked.codec] then
    problem = ('codec: expected "json" or "msgpack", got "%s"'):format(asked.codec)
  end
  if problem then error("connect: " .. problem, 3) end
end

--- A client connects.
---@param asked? { user?: string, path?: string, codec?: "json"|"msgpack", token?: string,
--- protocol?: string } path "/ws", with a query if you like
---@return moongate.TestConn
function Gate:connect(asked)
  refuse_ended(self)
  check_asked(self, asked)
  local conn = conns.new(self, asked)
  self:check()
  return conn
end

--- Lets time pass: all that is due until then happens. With --live it really passes.
---@param delay_ms integer
function Gate:later(delay_ms)
  refuse_ended(self)
  if type(delay_ms) ~= "number" or not (delay_ms >= 0 and delay_ms < math.huge) then
    error("later: expected milliseconds of at least 0, got " .. tostring(delay_ms), 2)
  end
  if self.transport.is_live and delay_ms > self.transport.MAX_LATER_MS then
    error(("later(%d): with --live time really passes, at most %d ms at once"):format(delay_ms,
      self.transport.MAX_LATER_MS), 2)
  end
  self.transport:later(delay_ms)
  self:check()
end

--- Another text for a file of the app, in force at the next reload.
---@param name string of a plugin, or of a module: "words/list"
---@param text string|false false: the file is gone
function Gate:save(name, text)
  refuse_ended(self)
  self.app:save(name, text)
end

--- Loads what was saved.
---@return true? loaded nil: the code before goes on
---@return string? problem
function Gate:reload()
  refuse_ended(self)
  local ok, text = self.transport:reload(self.app)
  self:check()
  if ok then return true end
  self.refused[text:gsub("^not reloaded, ", "")] = true -- its line in the log is what was asked
  return nil, text
end

--- An HTTP request of somebody.
---@param method string
---@param target string path, and a query after a question mark
---@param asked? { headers?: table<string, string>, body?: string }
---@return { status: integer, headers: table<string, string>, body: string } response names of
--- headers in lower case
function Gate:http(method, target, asked)
  refuse_ended(self)
  local path, query = target:match "^([^?]*)%??(.*)$"
  local headers = {}
  for name, value in pairs(asked and asked.headers or {}) do headers[name:lower()] = value end
  local response = self.transport:http { method = method, path = path, query = query,
    headers = headers, body = asked and asked.body or "" }
  self:check()
  if not response then error(("http: no plugin answers %s %s"):format(method, path), 2) end
  return response
end

--- A plugin will fetch this, once; if it does not, or something else, the test fails.
---@param expected moongate.ExpectedFetch
---@return moongate.ExpectedFetch expected with `request` when it was fetched
function Gate:expect_fetch(expected)
  refuse_ended(self)
  if self.transport.is_live then self.transport.check_fetch(expected) end
  return self.fetches:expect(expected)
end

--- The log: "error shout#1: on shout: ...".
---@return string[]
function Gate:log()
  local lines = {}
  for i, line in ipairs(self.transport:log()) do lines[i] = line.level .. " " .. line.text end
  return lines
end

--- There will be lines of level error that fit this pattern; if not, the test fails.
---@param pattern string
function Gate:expect_error(pattern)
  refuse_ended(self)
  if type(pattern) ~= "string" then
    error("expect_error: expected a pattern, got a " .. type(pattern), 2)
  end
  table.insert(self.patterns, pattern)
end

-- ---- the end ----

local function is_expected(self, line)
  for _, pattern in ipairs(self.patterns) do
    if line.text:find(pattern) then return true end
  end
  for text in pairs(self.refused) do
    if line.text:find(text, 1, true) then return true end
  end
  return false
end

local function has_line(self, pattern)
  for _, line in ipairs(self.transport:log()) do
    if line.level == "error" and line.text:find(pattern) then return true end
  end
  return false
end

local function is_complete(self)
  if self.fetches:missing()[1] then return false end
  for _, pattern in ipairs(self.patterns) do
    if not has_line(self, pattern) then return false end
  end
  return true
end

local function problems_of(self)
  local problems = self.fetches:take_unexpected()
  for _, text in ipairs(self.fetches:missing()) do problems[#problems + 1] = text end
  for _, pattern in ipairs(self.patterns) do
    if not has_line(self, pattern) then
      problems[#problems + 1] = "expected, and never logged: an error like " .. pattern
    end
  end
  for _, line in ipairs(self.transport:log()) do
    if line.level == "error" and not is_expected(self, line) then
      problems[#problems + 1] = "logged, and not expected: " .. line.text
    end
  end
  return problems
end

--- For test.lua: ends it.
---@return string[] problems why the test fails
function Gate:finish()
  self.is_over = true
  if self.transport.is_live then
    self.transport:await(function() return is_complete(self) end, PATIENCE_MS)
    self.transport:later(LATE_MS)
  end
  local problem = self.transport:stop()
  local problems = problems_of(self)
  problems[#problems + 1] = problem
  return problems
end

local gates = {}

---@param start function fake.start, or live.start
---@param folder string
---@param given table
---@return moongate.TestGate? gate
---@return string? problem
function gates.new(start, folder, given)
  local ok, app = pcall(apps.new, folder, given)
  if not ok then return nil, app end
  local fetches = fetch_lists.new()
  local transport, problem = start(app, fetches)
  if not transport then return nil, problem end
  return setmetatable({ app = app, fetches = fetches, transport = transport, patterns = {},
    refused = {} }, gate_mt)
end

return gates
