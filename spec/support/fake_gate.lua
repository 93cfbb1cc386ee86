--- What a plugin's spec uses: the real bindings/moongate over a core without sockets.
--
--   local gate = fake_gate.load("scripts/rooms.lua", { max_per_connection = 1 })
--   local ann = gate:connect "ann"
--   gate:deliver(ann, { type = "join", room = "tea" })
--
-- Each load() is a world of its own: no state, module or clock is shared with another.
local fake_core = require "spec.support.fake_core"
local file = require "spec.support.file"
local texts = require "moongate.test.files"

---@class fake_gate
---@field log table[] { level =, text = }
---@field core fake_core
---@field world table the modules of bindings/moongate: world.room, world.state, …
local Fake = {}
local fake_mt = { __index = Fake }

-- ---- the app, as a folder that stands only while it is loaded ----

local quote, literal = texts.quoted, texts.literal

--- init.lua of an app that has none of its own: all files but those in folders, by name. They are
--- trusted: a spec of what guarded ones may do says so in an init.lua of its own.
local function init_of(files, options)
  local names, lines = {}, { "return {" }
  for name in pairs(files) do
    if name ~= "init" and not name:find "/" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    lines[#lines + 1] = ("  { %q, options = %s },"):format(name, literal(options[name] or {}))
  end
  lines[#lines + 1] = '  trust = "trusted",\n}'
  return table.concat(lines, "\n")
end

local function full(path)
  return path:sub(1, 1) == "/" and quote(path) or '"$PWD"/' .. quote(path)
end

local function fill(folder, files)
  local folders, links = {}, {}
  for name, entry in pairs(files) do
    local path = ("%s/%s"):format(folder, name)
    folders[#folders + 1] = quote(path:match "^(.*)/")
    local link = entry.path and " && ln -s %s %s"
    links[#links + 1] = link and link:format(full(entry.path), quote(path .. ".lua"))
  end
  file.run("mkdir -p " .. table.concat(folders, " ") .. table.concat(links))
  for name, entry in pairs(files) do
    if entry.text then file.write(("%s/%s.lua"):format(folder, name), entry.text) end
  end
end

local function with_folder(self, fn, ...)
  local folder, files = self.folder, {}
  for name, entry in pairs(self.files) do files[name] = entry end
  files.init = files.init or { text = init_of(files, self.options) }
  fill(folder, files)
  local ok, result, problem = pcall(fn, ...)
  file.run("rm -rf " .. quote(folder))
  if not ok then error(result, 0) end
  return result, problem
end

local function name_of(path) return path:match "([^/]+)%.lua$" end

local modules = {} -- path of a plugin -> names and files of the modules in its folder

--- A plugin of a file, and the modules in the folder of its name.
local function add(files, path)
  if not modules[path] then
    local name = name_of(path)
    local found = { [name] = { path = path } }
    for _, module in ipairs(file.modules(path)) do
      found[name .. "/" .. name_of(module)] = { path = module }
    end
    modules[path] = found
  end
  for name, entry in pairs(modules[path]) do files[name] = entry end
end

local neighbours = {} -- path of a plugin -> names and paths that were found beside it

--- The modules of the gateway's own plugins, for those of their names: "rooms/house" -> its entry.
local own
local function modules_of(name)
  if not own then
    own = {}
    for _, path in ipairs(file.list "scripts/*/*.lua") do
      local plugin, module = path:match "^scripts/([^/]+)/(.+)%.lua$"
      own[plugin] = own[plugin] or {}
      own[plugin][plugin .. "/" .. module] = { text = file.read(path) }
    end
  end
  return own[name] or {}
end

local function add_modules(files)
  local found = {}
  for name in pairs(files) do
    for module, entry in pairs(modules_of(name)) do found[module] = entry end
  end
  for module, entry in pairs(found) do files[module] = files[module] or entry end
end

--- name -> { path = } or { text = }
local function list(plugins, extra)
  local files = {}
  if type(plugins) == "string" then add(files, plugins) end
  for name, text in pairs(type(plugins) == "table" and plugins or {}) do
    files[name] = { text = text }
  end
  for _, path in pairs(neighbours[plugins] or {}) do add(files, path) end
  for _, path in ipairs(extra and extra.with or {}) do add(files, path) end
  add_modules(files)
  return files
end

--- The file beside the plugin that the loader has missed, if it is there.
local function find_needed(plugins, problem)
  local name = problem:match 'needs "([%w_-]+)", which is not there'
  local folder = type(plugins) == "string" and (plugins:match "^(.*/)" or "")
  local path = name and folder and folder .. name .. ".lua"
  if not path or not file.peek(path) then return end
  neighbours[plugins] = neighbours[plugins] or {}
  neighbours[plugins][name] = path
  return name, path
end

-- ---- the gate ----

--- What a connection has heard: an object where it is one, in its codec.
local function decode(conn, bytes, is_binary)
  local is_coded = is_binary == conn.codec.is_binary and (is_binary or bytes:sub(1, 1) == "{")
  return is_coded and conn.codec.decode(bytes) or bytes
end

--- Connections that the scripts see get a list of what they hear.
local function watch(self)
  local conns = {}
  local open = self.world.conn.open
  self.conns = conns
  self.world.conn.open = function(id, fields)
    conns[id] = open(id, fields)
    conns[id].heard = {}
    return conns[id]
  end
  self.core.on_delivery = function(id, bytes, opcode)
    local is_binary = opcode == self.core.C.MOON_BINARY
    table.insert(conns[id].heard, decode(conns[id], bytes, is_binary))
  end
  self.core.on_response = function(response)
    local is_json = response.headers["Content-Type"] == "application/json"
    response.data = is_json and self.world.json.decode(response.body) or nil
  end
end

--- A plugin without a router: its connections need a path all the same, in each generation.
local function serve(world)
  local plugin = world.plugin
  local on_swap = plugin.on_swap
  plugin.on_swap = function(old, new)
    if not new:find_route("ws", "/ws") then
      local route = world.route.new("ws", "/ws", {}, { name = "fake_gate", label = "fake_gate",
        index = 0, budget = world.run.BUDGET })
      table.insert(new.routes, route)
      new.route_of["/ws"] = route
    end
    on_swap(old, new)
  end
end

--- Trusted plugins have this gate.crypto.
local function lend_crypto(world, crypto)
  local new = world.gate.new
  world.gate.new = function(...)
    local gate = new(...)
    if getmetatable(gate) then rawset(gate, "crypto", crypto) end
    return gate
  end
end

local function start(folder, files, options, extra)
  local world = fake_core.world()
  if extra and extra.crypto then lend_crypto(world, extra.crypto) end
  local self = setmetatable({ world = world, core = world.core, log = world.core.log,
    folder = folder, files = files, options = options }, fake_mt)
  watch(self)
  serve(world)
  local drain, problem = with_folder(self, world.loop.start, folder)
  if not drain then return nil, problem end
  return self
end

--- Raises when the app does not load. What a plugin of a file needs is also looked for in that
--- file's folder.
---@param plugins string|table<string, string> path of a file, or name -> source text
---@param options? table<string, any> of the plugin of a file; else name -> options
---@param extra? { with: string[], crypto: table } paths of more plugin files; a gate.crypto
---@return fake_gate
local function load(plugins, options, extra)
  local files = list(plugins, extra)
  local folder = file.free_path()
  options = type(plugins) == "string" and { [name_of(plugins)] = options } or options or {}
  while true do
    local self, problem = start(folder, files, options, extra)
    if self then return self end
    local name, path = find_needed(plugins, problem)
    if not name then error(problem, 0) end
    add(files, path)
    add_modules(files)
  end
end

--- A connection that has opened; with `user` it has a name already.
---@param user? string
---@param asked? table path, query, protocol, address, token, host
---@return moongate.Conn conn with `heard`: what it got, objects of its codec decoded
function Fake:connect(user, asked)
  asked = asked or {}
  local id = self.core:open(asked.path, asked.query, asked.protocol, asked.address,
    asked.token, asked.host)
  self.core:settle()
  if user then self.world.user.enter(self.conns[id], user) end
  return self.conns[id]
end

local function through_json(self, value)
  return assert(self.world.json.decode(assert(self.world.json.encode(value))))
end

--- Carries out a request.
---@return table answer filled in when it comes: { is_given, data, code, text, temporary,
--- retry_after_ms }
function Fake:ask(conn, message)
  local answer = { is_given = false }
  local function give(data, code, text, temporary, retry_after_ms)
    assert(not answer.is_given, "answered twice")
    if data ~= nil then data = through_json(self, { data })[1] end
    answer.is_given, answer.data = true, data
    answer.code, answer.text, answer.temporary = code, text, temporary
    answer.retry_after_ms = retry_after_ms
  end
  self.world.request.submit(conn, through_json(self, message), give)
  self.core:settle()
  return answer
end

--- Carries out a request as if the client had sent it, through all filters.
---@return any data nil when refused
---@return string? code "unanswered" while the handler sleeps: then use ask() and later()
---@return string? text
---@return boolean? temporary
---@return integer? retry_after_ms
function Fake:deliver(conn, message)
  local answer = self:ask(conn, message)
  if not answer.is_given then return nil, "unanswered" end
  return answer.data, answer.code, answer.text, answer.temporary, answer.retry_after_ms
end

--- A frame arrives, for whoever serves the path.
function Fake:receive(conn, bytes, binary)
  self.core:receive(conn.id, bytes, binary)
  self.core:settle()
end

--- A frame over the rate arrives.
function Fake:refuse(conn, bytes, binary, retry_after_ms)
  self.core:refuse(conn.id, bytes, binary, retry_after_ms or 1000)
  self.core:settle()
end

--- The client reads too slowly, and has caught up.
function Fake:slow(conn)
  self.core:slow(conn.id)
  self.core:settle()
end

function Fake:drained(conn)
  self.core:drained(conn.id)
  self.core:settle()
end

--- Carries out an HTTP request.
---@param method string
---@param target string path, and a query after a question mark
---@param asked? table body, content_type, authorization, address, host
---@return table response filled in when it comes: { is_given, status, headers = { name -> value },
--- body, data = what JSON it was }
function Fake:http(method, target, asked)
  local request = { method = method }
  for name, value in pairs(asked or {}) do request[name] = value end
  request.path, request.query = target:match "^([^?]*)%??(.*)$"
  local response = self.core:request(request)
  self.core:settle()
  return response
end

--- Answers the oldest gate:fetch that waits: see fake_core.
function Fake:answer_fetch(answer, text)
  local fetch = self.core:answer_fetch(answer, text)
  self.core:settle()
  return fetch
end

---@param reason? string "client" (default), "lost", "slow", …
function Fake:close(conn, reason, code)
  self.core:close(conn.id, reason, code)
  self.core:settle()
end

function Fake:later(delay_ms) self.core:later(delay_ms) end

local function last_error(self)
  for i = #self.log, 1, -1 do
    if self.log[i].level == "error" then return self.log[i].text end
  end
end

--- Every file has become longer by a line.
local function touch(files)
  for name, entry in pairs(files) do
    files[name] = { text = (entry.text or file.read(entry.path)) .. "\n" }
  end
end

--- Loads the files again as they are now.
---@param changes? table<string, string|false> name -> new source text, or false: deleted; without
--- them and options every file has changed
---@param options? table<string, table> name -> options
---@return true? loaded
---@return string? problem what the log says
function Fake:reload(changes, options)
  if not changes and not options then touch(self.files) end
  self.options = options or self.options
  for name, text in pairs(changes or {}) do
    self.files[name] = text and { text = text } or nil
  end
  local before = self.world.plugin.current()
  self.core:change()
  with_folder(self, self.core.settle, self.core)
  if self.world.plugin.current() == before then return nil, last_error(self) end
  return true
end

--- An operator asks, as moongate ctl does; the files are there meanwhile.
---@param line string|table JSON, or { command =, arguments = }
---@param files? table<string, string> name -> source text of those that have changed
---@return table? answer { ok, text, data, error = { code, message } }; nil while the command waits
function Fake:ctl(line, files)
  for name, text in pairs(files or {}) do self.files[name] = { text = text } end
  local told = self.core:ask(type(line) == "string" and line or self.world.json.encode(line))
  with_folder(self, self.core.later, self.core, 0)
  return told.is_given and self.world.json.decode(told.bytes) or nil
end

--- The first log line with this text in it.
---@param text string taken as it is
function Fake:logged(text)
  for _, line in ipairs(self.log) do
    if line.text:find(text, 1, true) then return line.text, line.level end
  end
end

return { load = load }
