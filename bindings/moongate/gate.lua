--- The gate: what a plugin is given. What it registers is remembered with it, for a reload.
local admission = require "moongate.admission"
local checks = require "moongate.check"
local command = require "moongate.command"
local core = require "moongate.ffi"
local crypto = require "moongate.crypto"
local facts = require "moongate.facts"
local fetch = require "moongate.fetch"
local gate_events = require "moongate.gate_events"
local gate_guarded = require "moongate.gate_guarded"
local gate_log = require "moongate.gate_log"
local gate_people = require "moongate.gate_people"
local gate_time = require "moongate.gate_time"
local http = require "moongate.http"
local json = require "moongate.json"
local kind = require "moongate.kind"
local log = require "moongate.log"
local metric = require "moongate.metric"
local msgpack = require "moongate.msgpack"
local option = require "moongate.option"
local request = require "moongate.request"
local route = require "moongate.route"
local state = require "moongate.state"
local store = require "moongate.store"

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

---@alias moongate.Log fun(self: moongate.Gate, format: string, ...: any)

---@alias moongate.Declare
---| fun(self: moongate.Gate, name: string, spec?: moongate.MetricSpec): moongate.Metric

---@class moongate.Json
---@field encode fun(value: any): string?, string?, string? the text; or nil, a reason and, when it
--- is no mistake of the script, "too_big"
---@field decode fun(text: string): any, string? the value; or nil and a reason
---@field null userdata what JSON calls so; it is true where Lua asks
---@field empty_list userdata is written as an array of none, where an empty table is an object; it
--- is no table: nothing can be looked up in it
---@field list fun(list: table): table|userdata the list, or empty_list in place of an empty one

---@class moongate.Msgpack
---@field encode fun(value: any): string?, string?, string? as of gate.json; "too_big" or "bad_utf8"
---@field decode fun(bytes: string): any, string?
---@field null userdata the same null
---@field empty_list userdata the same empty list

---@class moongate.Gate
---@field state table this plugin's data; survives reloads and is the same table always
---@field counter moongate.Declare printed at /metrics as plugin_<plugin>_<name>; when the next
--- generation declares it again it goes on
---@field gauge moongate.Declare
---@field histogram moongate.Declare
---@field error moongate.Log one line in the log, with the plugin's name and generation
---@field warn moongate.Log
---@field info moongate.Log
---@field debug moongate.Log
---@field store moongate.Store this plugin's entries in the file of --store
---@field crypto moongate.Crypto digests, random tokens, signatures of tokens, passwords
---@field json moongate.Json
---@field msgpack moongate.Msgpack
---@field facts moongate.Facts
---@field private plugin moongate.Plugin
---@field private registry table
local gate = {}
local gate_mt = { __index = gate }

for _, methods in ipairs { gate_events.methods, gate_log.methods, gate_people.methods,
  gate_time.methods } do
  for name, method in pairs(methods) do gate[name] = method end
end

local check, check_called, check_loading = checks.kind, checks.called, checks.loading
local check_name = checks.name
local begin = gate_time.begin

local function read_version(version, what)
  local major, minor = version:match "^(%d+)%.(%d+)$"
  if not major then
    error(('%s: expected a version like "1.2", got "%s"'):format(what, version), 3)
  end
  return tonumber(major), tonumber(minor)
end

--- Handles one type of request. Runs as a task: it may sleep. Requests of one connection are
--- handled one after the other.
---@param type_name string 1 to 64 bytes of UTF-8, without control characters
---@param fn fun(conn: moongate.Conn, message: table): table|true|nil, string?, string?, boolean?,
--- number? returns the reply's data, or nil, an error code, a text for people, whether the same
--- request may succeed later, and in how many milliseconds
function gate:on(type_name, fn)
  check_loading(self, "gate:on")
  check_name(type_name, "gate:on")
  check(fn, "function", "gate:on")
  if gate_events.OF_THE_CORE[type_name] then
    error(('gate:on: "%s" is no request: use gate:after'):format(type_name), 2)
  end
  self.registry:handle(self.plugin, type_name, fn)
end

--- Handles what is said as "/name ...": a "say" whose data, or its field `text`, begins so. It
--- gets past all filters of "say" first. "/help" lists the commands; "//" is a slash that is meant.
---@param name string
---@param fn fun(conn: moongate.Conn, words: moongate.Words, message: table): any, string?, string?,
--- boolean?, number? returns the reply as a handler does
---@param about? string one line for /help, at most 200 bytes
function gate:command(name, fn, about)
  check_loading(self, "gate:command")
  local problem = command.problem_of_name(name)
  if problem then error("gate:command: " .. problem, 2) end
  check(fn, "function", "gate:command")
  if about ~= nil then
    check(about, "string", "gate:command, about")
    problem = command.problem_of_about(about)
    if problem then error("gate:command, about: " .. problem, 2) end
  end
  self.registry:add_command(self.plugin, name, fn, about)
end

--- Whether "/name" is a command of a plugin, or "/help".
---@param name string in lower case
---@return boolean
function gate:has_command(name)
  check_called(self, "gate:has_command")
  check(name, "string", "gate:has_command")
  return name == "help" or request.current().commands[name] ~= nil
end

--- Looks at requests before their handler does; may change the message.
---@param type_name string "*" for all types
---@param fn fun(conn: moongate.Conn, message: table): any, string?, string?, boolean?, number?
--- refuses by returning nil, code (and text, temporary, retry_after_ms) as a handler does
function gate:before(type_name, fn)
  check_loading(self, "gate:before")
  check_name(type_name, "gate:before")
  check(fn, "function", "gate:before")
  table.insert(self.plugin.before, { name = type_name, fn = fn })
end

--- Takes the WebSocket connections of a path: bytes in, bytes out. The handlers do not run as
--- tasks: they may not sleep, but may gate:spawn.
---@param pattern string "/relay/{room}": a name in braces matches one segment
---@param handlers moongate.RawHandlers
function gate:raw(pattern, handlers)
  check_loading(self, "gate:raw")
  check(pattern, "string", "gate:raw")
  check(handlers, "table", "gate:raw")
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
  check_loading(self, "gate:http")
  check(method, "string", "gate:http")
  check(pattern, "string", "gate:http")
  check(fn, "function", "gate:http")
  local problem = http.problem_of_route(method, pattern)
  if problem then error("gate:http: " .. problem, 2) end
  self.registry:add_route(self.plugin, method, pattern, fn)
end

--- This plugin works on top of others: their filters and hooks come before its own, and
--- without them it does not load.
---@param ... string names of plugins
function gate:needs(...)
  check_loading(self, "gate:needs")
  for i = 1, select("#", ...) do
    local name = select(i, ...)
    check(name, "string", "gate:needs")
    table.insert(self.plugin.needs, name)
  end
end

--- Declares an option of this plugin and returns its value: what its entry in init.lua sets,
--- or the default. What is set there and not declared is an error.
---@param name string 1 to 64 bytes of UTF-8, without control characters
---@param spec any the default, or a moongate.OptionSpec
---@return any value
function gate:option(name, spec)
  check_loading(self, "gate:option")
  check_name(name, "gate:option")
  if self.plugin.options[name] then
    error(('gate:option: "%s" is declared twice'):format(name), 2)
  end
  local ok, declared = pcall(option.declare, name, spec)
  if not ok then error(declared, 2) end
  self.plugin.options[name] = declared
  return option.value(self.plugin.entry, name, declared)
end

--- A step that brings gate.state from the version before to this one. It runs once, when code
--- with the step comes into force; a plugin that is new begins with its newest version. When
--- it raises, or leaves what is no data, nothing has happened and the old code goes on.
---@param version integer from 1, ascending
---@param fn fun(state: table) changes it in place
function gate:migrate(version, fn)
  check_loading(self, "gate:migrate")
  check(version, "number", "gate:migrate")
  check(fn, "function", "gate:migrate")
  local steps = self.plugin.migrations
  local last = steps[#steps] and steps[#steps].version or 0
  if version % 1 ~= 0 or version <= last then
    error(("gate:migrate: expected a whole number greater than %d, got %s"):format(last,
      tostring(version)), 2)
  end
  steps[#steps + 1] = { version = version, fn = fn }
end

--- Offers an API to other plugins.
---@param version string "1.4": they ask for 1.0 to 1.4; what breaks callers counts the 1 up
---@param api table
function gate:provide(version, api)
  check_loading(self, "gate:provide")
  check(version, "string", "gate:provide")
  check(api, "table", "gate:provide")
  local major, minor = read_version(version, "gate:provide")
  if self.plugin.provided then error("gate:provide: only once", 2) end
  self.plugin.provided = { major = major, minor = minor, api = api }
end

--- The API of another plugin, which is loaded before; this one is loaded again whenever that
--- one is, so that what it holds is never stale.
---@param name string of the plugin
---@param version string the least one that will do: "1.2"
---@return table api
function gate:use(name, version)
  check_loading(self, "gate:use")
  check(name, "string", "gate:use")
  check(version, "string", "gate:use")
  local major, minor = read_version(version, "gate:use")
  local other = self.registry.plugins[name]
  if not other then error(('gate:use: there is no plugin "%s" in the list'):format(name), 2) end
  self.plugin.uses[name] = true
  table.insert(self.plugin.needs, name)
  self.registry.run(name)
  local provided = other.provided
  if not provided then
    error(('gate:use: "%s" %s'):format(name,
      other.is_loaded and "provides nothing" or "uses this plugin, too"), 2)
  end
  if provided.major ~= major or provided.minor < minor then
    error(('gate:use: "%s" provides %d.%d, %s is wanted'):format(name, provided.major,
      provided.minor, version), 2)
  end
  return provided.api
end

for _, what in ipairs { "counter", "gauge", "histogram" } do
  gate[what] = function(self, name, spec)
    check_loading(self, "gate:" .. what)
    local made, problem = metric.declare(self.plugin, what, name, spec)
    if not made then error(("gate:%s: %s"):format(what, problem), 2) end
    return made
  end
end

--- Declares a kind of room that this plugin decides about.
---@param name string 1 to 64 bytes of UTF-8, without control characters
---@param spec moongate.RoomKind
function gate:room_kind(name, spec)
  check_loading(self, "gate:room_kind")
  check_name(name, "gate:room_kind")
  check(spec, "table", "gate:room_kind")
  local problem = kind.problem_of(spec)
  if problem then error("gate:room_kind: " .. problem, 2) end
  self.registry:add_kind(self.plugin, name, spec)
  if spec.tick then gate_time.insert(self, "room_kind", kind.timer(name, spec), 3) end
end

--- Opens a room of a kind. It stays open while somebody is in, and for empty_ms after that. Of a
--- durable kind, in the first moments of the process it waits, in a task, until those that were
--- saved are open.
---@param kind_name string
---@param name string of the room
---@param options? table for the kind's `opened`
---@return moongate.Room?
---@return "unknown_kind"|"exists"|"not_restored"? reason "not_restored": the store has not been
--- read yet, or has a room of this name that this code could not open; the log says why
function gate:open_room(kind_name, name, options)
  check_called(self, "gate:open_room")
  checks.in_force(self, "gate:open_room")
  check(kind_name, "string", "gate:open_room")
  check(name, "string", "gate:open_room")
  if options ~= nil then check(options, "table", "gate:open_room") end
  return kind.open(kind_name, name, options)
end

--- All open rooms of a kind, in no order: for room in gate:rooms_of "match".
---@param kind_name string
---@return fun(): moongate.Room?
function gate:rooms_of(kind_name) return kind.rooms(kind_name) end -- luacheck: no unused args

--- Runs a request as if the client had sent it; for plugins that bring their own encoding.
---@param from moongate.Conn
---@param message table with a string in message.type
---@param answer fun(data: table?, code: string?, text: string?, temporary: boolean?,
--- retry_after_ms: integer?, context: any) called once, perhaps later; data is nil when refused.
--- If it raises (the reply cannot be encoded), it is called again with "internal"
---@param bytes? integer the message's size, for the limit on what waits behind a sleeping
--- handler; 1024
---@param context? any what answer() gets as its last: it saves a closure for each request
function gate:request(from, message, answer, bytes, context)
  check_called(self, "gate:request")
  checks.conn(from, "gate:request")
  if type(message) ~= "table" or type(message.type) ~= "string" then
    error("gate:request: expected a table with a string in message.type", 2)
  end
  check(answer, "function", "gate:request")
  if bytes ~= nil and not (type(bytes) == "number" and bytes >= 0 and bytes < math.huge) then
    error("gate:request, bytes: expected a number of at least 0, got " .. tostring(bytes), 2)
  end
  checks.in_force(self, "gate:request")
  request.submit(from, message, answer, bytes, self.plugin, context)
end

--- Changes who may come in; stays in force until it is changed again, also across reloads.
---@param given moongate.Admission
---@return true? accepted called while the plugin loads, it is carried out when the plugin
--- takes over, and a failure is logged
---@return "invalid"|"too_big"|"full"? reason "invalid": a network that is none
function gate:admission(given)
  check_called(self, "gate:admission")
  check(given, "table", "gate:admission")
  local rules, problem = admission.pack(given)
  if not rules then error("gate:admission: " .. problem, 2) end
  if self.registry.is_complete then return admission.apply(rules) end
  begin(self, function()
    local ok, reason = admission.apply(rules)
    if not ok then log.error(self.plugin.label, "gate:admission: %s", reason) end
  end)
  return true
end

--- Whether a string is text. What comes as JSON always is; a client that speaks MessagePack may
--- send bytes, which members who speak JSON cannot be told.
---@param text string
---@return boolean
function gate:is_utf8(text)
  check_called(self, "gate:is_utf8")
  check(text, "string", "gate:is_utf8")
  return core.C.moon_is_utf8(text, #text) == 1
end

--- Asks another server by HTTP, and waits for its response, whatever its status. Only in a task;
--- when the task is cancelled, the request is given up.
---@param url string
---@param options? moongate.FetchOptions
---@return moongate.Response? response
---@return moongate.FetchCode? code
---@return string? text what the code means this time
function gate:fetch(url, options)
  check_called(self, "gate:fetch")
  return fetch.fetch(url, options)
end


local function refuse_to_set(_, name)
  error(("gate.%s cannot be set: change what is in gate.state, or keep it in a local"):format(
    tostring(name)), 2)
end

gate_guarded.seal(gate_mt, gate, refuse_to_set)

---@param plugin moongate.Plugin
---@param registry table
---@return moongate.Gate
local function new(plugin, registry)
  local fields = setmetatable({
    plugin = plugin, registry = registry,
    state = state.of(plugin.name), store = store.new(plugin), crypto = crypto,
    json = json, msgpack = msgpack,
    facts = facts.new(),
  }, gate_mt)
  table.insert(registry.gates, fields)
  if plugin.entry.trust == "guarded" then return gate_guarded.new(fields) end
  return setmetatable({}, { __index = fields, __newindex = refuse_to_set })
end

return { new = new }
