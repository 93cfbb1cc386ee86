--- The gate: what a plugin is given. Everything registered through it is remembered with the
--- plugin, so that a reload can take it back without the plugin's help.
local admission = require "moongate.admission"
local conn = require "moongate.conn"
local core = require "moongate.ffi"
local http = require "moongate.http"
local json = require "moongate.json"
local log = require "moongate.log"
local request = require "moongate.request"
local room = require "moongate.room"
local route = require "moongate.route"
local state = require "moongate.state"
local task = require "moongate.task"
local timer = require "moongate.timer"

---@class moongate.RawHandlers
---@field opened? fun(conn: moongate.Conn)
---@field received? fun(conn: moongate.Conn, bytes: string, binary: boolean)
---@field refused? fun(conn: moongate.Conn, bytes: string, binary: boolean, retry_after_ms: integer)
--- a message over the rate, where conn:limit says on_flood = "refuse"
---@field slow? fun(conn: moongate.Conn, books: moongate.Books) its queue passed the high mark
---@field drained? fun(conn: moongate.Conn, books: moongate.Books) and fell below the low one
---@field closed? fun(conn: moongate.Conn, reason: string, code: integer, books: moongate.Books)
---@field protocols? string[] subprotocols spoken here; none: clients must not offer any
---@field auth? boolean connections have to be admitted in time: conn:admit
---@field token? boolean the handshake has to bring a token, else it gets 401

---@class moongate.Gate
---@field state table this plugin's data; survives reloads and is the same table always
---@field json { encode: function, decode: function, null: userdata }
---@field facts { version: string, max_message_bytes: integer, ping_interval_ms: integer }
---@field private plugin moongate.Plugin
---@field private registry table
local gate = {}
local gate_mt = { __index = gate }

local function check(value, wanted, what)
  if type(value) ~= wanted then
    error(("%s: expected a %s, got %s"):format(what, wanted, type(value)), 3)
  end
end

--- Registration is for the time of loading: later the loader would not see it.
local function check_loading(self, what)
  if self.plugin.is_loaded then error(what .. " is only possible while the plugin loads", 3) end
end

-- what gate:after tells beside the requests that were granted
local EVENTS = { opened = true, closed = true, slow = true, drained = true }

--- Handles one type of request. Runs as a task: it may sleep. Requests of one connection are
--- handled one after the other.
---@param type_name string
---@param fn fun(conn: moongate.Conn, message: table): table|true|nil, string?, string?, boolean?
--- returns the reply's data, or nil, an error code, a text for people, and whether the same
--- request may succeed later
function gate:on(type_name, fn)
  check(type_name, "string", "gate:on")
  check(fn, "function", "gate:on")
  check_loading(self, "gate:on")
  if EVENTS[type_name] then
    error(('gate:on: "%s" is no request: use gate:after'):format(type_name), 2)
  end
  self.registry:handle(self.plugin, type_name, fn)
end

--- Looks at requests before their handler does; may change the message.
---@param type_name string "*" for all types
---@param fn fun(conn: moongate.Conn, message: table): any, string?, string?, boolean?
--- refuses by returning nil, code (and text, temporary) as a handler does
function gate:before(type_name, fn)
  check(type_name, "string", "gate:before")
  check(fn, "function", "gate:before")
  check_loading(self, "gate:before")
  table.insert(self.plugin.before, { name = type_name, fn = fn })
end

--- Is told of what happened: "opened" (conn), "slow" and "drained" (conn, books), "closed"
--- (conn, reason, code, books) once per connection, or a request that was granted (conn,
--- message, reply data).
---@param event string
---@param fn function
function gate:after(event, fn)
  check(event, "string", "gate:after")
  check(fn, "function", "gate:after")
  check_loading(self, "gate:after")
  table.insert(self.plugin.after, { name = event, fn = fn })
end

--- Takes the WebSocket connections of a path: bytes in, bytes out. The handlers do not run as
--- tasks: they may not sleep, but may gate:spawn.
---@param pattern string "/relay/{room}": a name in braces matches one segment
---@param handlers moongate.RawHandlers
function gate:raw(pattern, handlers)
  check(pattern, "string", "gate:raw")
  check(handlers, "table", "gate:raw")
  check_loading(self, "gate:raw")
  local problem = route.problem_of_pattern(pattern) or route.problem_of_handlers(handlers)
  if problem then error("gate:raw: " .. problem, 2) end
  self.registry:add_route(self.plugin, "ws", pattern, handlers)
end

--- Answers the HTTP requests of a path. Runs as a task of its own: it may sleep, but the core
--- answers 504 when it takes too long.
---@param method moongate.Method "GET" is asked for HEAD, too
---@param pattern string as for gate:raw
---@param fn fun(request: moongate.Request): string|table|nil, integer?, table<string, string>?
--- returns the body (a string goes as text, a table as JSON), the status (200, or 204 without a
--- body), and headers
function gate:http(method, pattern, fn)
  check(method, "string", "gate:http")
  check(pattern, "string", "gate:http")
  check(fn, "function", "gate:http")
  check_loading(self, "gate:http")
  local problem = route.problem_of_pattern(pattern) or http.problem_of_method(method)
  if problem then error("gate:http: " .. problem, 2) end
  self.registry:add_route(self.plugin, method, pattern, fn)
end

--- This plugin works on top of others: their filters and hooks come before its own, and
--- without them it does not load.
---@param ... string names of plugins
function gate:needs(...)
  check_loading(self, "gate:needs")
  for _, name in ipairs { ... } do table.insert(self.plugin.needs, name) end
end

local function check_option(name, value, spec)
  local wanted = spec.type or type(spec.default)
  if type(value) ~= wanted then
    return ('option "%s": expected a %s, got %s'):format(name, wanted, type(value))
  end
  if (spec.min and value < spec.min) or (spec.max and value > spec.max) then
    return ('option "%s": %s is not within %s and %s'):format(
      name, tostring(value), tostring(spec.min), tostring(spec.max))
  end
end

--- Declares an option of this plugin and returns its value: what gate:set gave it, or the
--- default.
---@param name string
---@param spec any the default, or { default =, type =, min =, max = }
---@return any value
function gate:option(name, spec)
  check(name, "string", "gate:option")
  check_loading(self, "gate:option")
  if type(spec) ~= "table" then spec = { default = spec } end
  local setting = self.registry.settings[name]
  local value = spec.default
  if setting then value = setting.value end
  local problem = check_option(name, value, spec)
  if problem then error((setting and setting.where or "default") .. ": " .. problem, 0) end
  self.registry.options[name] = self.plugin
  return value
end

--- Sets an option of another plugin. For init.lua, which loads first.
---@param name string
---@param value any
function gate:set(name, value)
  check(name, "string", "gate:set")
  check_loading(self, "gate:set")
  if self.registry.options[name] then
    error(('gate:set: %s has read "%s" already; set options in init.lua'):format(
      self.registry.options[name].name, name), 2)
  end
  local info = debug.getinfo(2, "Sl")
  self.registry.settings[name] =
    { value = value, where = ("%s:%d"):format(info.short_src, info.currentline) }
end

--- The room of this name. Plugins share the names: raw plugins prefix theirs with something
--- of their own.
---@param name string
---@return moongate.Room
function gate:room(name)
  check(name, "string", "gate:room")
  return room.find(name)
end

--- All rooms that have members, in no order: for name, room in gate:rooms().
---@return fun(): string?, moongate.Room?
function gate:rooms()
  local names, i = {}, 0
  for name, found in pairs(room.all) do
    if found.count > 0 then names[#names + 1] = name end
  end
  return function()
    i = i + 1
    return names[i], names[i] and room.find(names[i])
  end
end

--- All connections whose closed hooks have not run, in no order: for id, conn in gate:conns().
function gate:conns() return pairs(conn.all) end

--- Runs a request as if the client had sent it; for plugins that bring their own encoding.
---@param from moongate.Conn
---@param message table with a string in message.type
---@param answer fun(data: table?, code: string?, text: string?, temporary: boolean?)
--- called once, perhaps later; data is nil when refused. If it raises (the reply cannot be
--- encoded), it is called again with "internal"
---@param bytes? integer the message's size, for the limit on what waits behind a sleeping
--- handler; 1024
function gate:request(from, message, answer, bytes) -- luacheck: no unused args
  if type(message) ~= "table" or type(message.type) ~= "string" then
    error("gate:request: expected a table with a string in message.type", 2)
  end
  check(answer, "function", "gate:request")
  request.submit(from, message, answer, bytes)
end

--- Calls fn every interval_ms as a task, until the plugin is replaced; leaves a turn out while
--- the one before still runs.
---@param interval_ms integer
---@param fn fun()
function gate:every(interval_ms, fn)
  check(interval_ms, "number", "gate:every")
  check(fn, "function", "gate:every")
  check_loading(self, "gate:every")
  if interval_ms ~= interval_ms or interval_ms < 1 then
    error("gate:every: expected at least 1 ms", 2)
  end
  table.insert(self.plugin.every, { interval_ms = interval_ms, fn = fn })
end

--- While a plugin loads nothing of it may run yet: it begins when the plugin takes over.
local function begin(self, fn)
  if self.plugin.is_loaded then return fn() end
  table.insert(self.registry.beginnings, fn)
end

--- Changes who may come in; stays in force until it is changed again, also across reloads.
---@param given moongate.Admission
---@return true? accepted called while the plugin loads, it is carried out when the plugin
--- takes over, and a failure is logged
---@return "invalid"|"too_big"|"full"? reason "invalid": a network that is none
function gate:admission(given)
  check(given, "table", "gate:admission")
  local rules, problem = admission.pack(given)
  if not rules then error("gate:admission: " .. problem, 2) end
  if self.plugin.is_loaded then return admission.apply(rules) end
  begin(self, function()
    local ok, reason = admission.apply(rules)
    if not ok then log.error(self.plugin.label, "gate:admission: %s", reason) end
  end)
  return true
end

--- Calls fn once, delay_ms from now, as a task. It runs even if the plugin is replaced meanwhile.
---@param delay_ms integer
---@param fn fun()
function gate:later(delay_ms, fn)
  check(delay_ms, "number", "gate:later")
  check(fn, "function", "gate:later")
  if delay_ms ~= delay_ms or delay_ms < 0 then error("gate:later: expected 0 ms or more", 2) end
  begin(self, function()
    timer.start(delay_ms, function() task.run(request.guard, self.plugin, "later", fn) end)
  end)
end

--- Runs fn(...) as a task of its own, at once until it first waits; called while the plugin
--- loads, it begins when the plugin takes over.
---@param fn function
function gate:spawn(fn, ...)
  check(fn, "function", "gate:spawn")
  local arguments, count = { ... }, select("#", ...)
  begin(self, function()
    task.run(request.guard, self.plugin, "spawn", fn, unpack(arguments, 1, count))
  end)
end

--- Waits. Only in a task: request handlers, gate:every, gate:later, gate:spawn.
---@param delay_ms integer
function gate:sleep(delay_ms) -- luacheck: no unused args
  check(delay_ms, "number", "gate:sleep")
  if delay_ms ~= delay_ms or delay_ms < 0 then error("gate:sleep: expected 0 ms or more", 2) end
  task.sleep(delay_ms)
end

--- Milliseconds since 1970 UTC.
---@return integer
function gate:now_ms() return tonumber(core.C.moon_time_ms()) end -- luacheck: no unused args

for _, level in ipairs { "error", "warn", "info", "debug" } do
  --- gate:info(format, ...): one line in the log, with the plugin's name and generation.
  gate[level] = function(self, format, ...) log[level](self.plugin.label, format, ...) end
end

local facts = core.C.moon_facts()

---@param plugin moongate.Plugin
---@param registry table
---@return moongate.Gate
local function new(plugin, registry)
  return setmetatable({
    plugin = plugin,
    registry = registry,
    state = state.of(plugin.name),
    json = json,
    facts = {
      version = core.string(facts.version),
      max_message_bytes = facts.max_message_bytes,
      ping_interval_ms = facts.ping_interval_ms,
    },
  }, gate_mt)
end

return { new = new }
