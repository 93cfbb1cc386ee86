--- Loads the app: each plugin in an environment of its own, all of them into a registry that
--- stands beside the one in force. Only when everything has gone well the two are swapped.
local core = require "moongate.ffi"
local gate = require "moongate.gate"
local log = require "moongate.log"
local registries = require "moongate.registry"
local request = require "moongate.request"
local state = require "moongate.state"
local task = require "moongate.task"
local timer = require "moongate.timer"

local plugin = {}

local app             -- path of the folder or file
local current         -- registry in force
local last_generation = 0
local running = {}    -- tokens of the timers of gate:every

local function traceback(problem)
  return debug.traceback(tostring(problem), 2)
end

local function is_folder(path)
  local file = io.open(path .. "/init.lua", "r")
  if file then file:close() end
  return file ~= nil
end

--- Names of the plugin files of a folder: init first, the others by name.
local function list_files(folder)
  local names = {}
  local is_whole = false
  local quoted = "'" .. folder:gsub("'", "'\\''") .. "'"
  local listing = assert(io.popen("ls -1 " .. quoted .. " && echo /"))
  for line in listing:lines() do
    local name = line:match "^([%w_-]+)%.lua$"
    if name and name ~= "init" then
      names[#names + 1] = name
    elseif line:match "^[^.].*%.lua$" and name ~= "init" then
      log.warn("plugin", "%s/%s is not loaded: a plugin's name has letters, digits, _ and -",
        folder, line)
    end
    is_whole = is_whole or line == "/"
  end
  listing:close()
  if not is_whole then error(folder .. ": cannot be listed", 0) end
  table.sort(names)
  table.insert(names, 1, "init")
  return names
end

--- A file's chunk in an environment of its own, whose globals nobody else sees.
local function compile(path, app_require)
  local chunk, problem = loadfile(path)
  if not chunk then error(problem, 0) end
  return setfenv(chunk, setmetatable({ require = app_require }, { __index = _G }))
end

--- require for plugins: modules of the app's own folder are loaded anew for each generation
--- and get its environment; all others are the process's.
local function make_require(folder)
  local loaded, loading = {}, {}
  local function app_require(name)
    if loaded[name] ~= nil then return loaded[name] end
    if loading[name] then error(('require "%s": a cycle'):format(name), 2) end
    local path = folder and ("%s/%s.lua"):format(folder, name:gsub("%.", "/"))
    local file = path and io.open(path, "r")
    if not file then return require(name) end
    file:close()
    local chunk = compile(path, app_require)
    loading[name] = true
    local ok, value = pcall(chunk, name)
    loading[name] = nil
    if not ok then error(value, 0) end
    loaded[name] = value == nil and true or value
    return loaded[name]
  end
  return app_require
end

local function run_plugin(registry, name, path, chunk)
  local record = registry:add_plugin(name, path)
  local fn = chunk()
  if type(fn) ~= "function" then
    error(path .. ": a plugin returns a function of gate, this returned " .. type(fn), 0)
  end
  fn(gate.new(record, registry))
  record.is_loaded = true
end

--- The app's plugins in the order of loading: name, path, compiled chunk.
local function compile_all()
  local folder = is_folder(app) and app or nil
  local app_require = make_require(folder)
  local names = folder and list_files(folder) or { app:match "([^/]+)%.lua$" or app }
  local chunks = {}
  for i, name in ipairs(names) do
    local path = folder and ("%s/%s.lua"):format(folder, name) or app
    chunks[i] = { name, path, compile(path, app_require) }
  end
  return chunks
end

--- Loads the app's files into the registry, and tells the core its routes. Raises.
local function fill(registry)
  -- All are compiled before the first one runs.
  for _, entry in ipairs(compile_all()) do run_plugin(registry, unpack(entry)) end
  registry:finish()
  local routes = registry:route_table()
  if core.C.moon_route(routes, #routes) ~= 0 then
    error("the table of routes is too long, or the I/O threads are too far behind", 0)
  end
end

--- A run that has not ended when the next is due makes it wait for the one after.
local function start_every(owner, entry)
  local slot = {}
  local function run()
    slot.is_running = true
    request.guard(owner, "every", entry.fn)
    slot.is_running = false
  end
  local function fire()
    slot.token = timer.start(entry.interval_ms, function()
      fire()
      if not slot.is_running then task.run(run) end
    end)
  end
  fire()
  running[#running + 1] = slot
end

--- The one moment at which new code takes over.
local function swap(registry)
  for _, slot in ipairs(running) do timer.cancel(slot.token) end
  running = {}
  current = registry
  request.use(registry)
  for _, name in ipairs(registry.names) do
    for _, entry in ipairs(registry.plugins[name].every) do
      start_every(registry.plugins[name], entry)
    end
  end
  for _, fn in ipairs(registry.beginnings) do fn() end
end

--- First line of a traceback: file, line and reason.
local function first_line(problem) return tostring(problem):match "^[^\n]*" end

local function try_load()
  local restore = state.snapshot()
  local registry = registries.new(last_generation + 1)
  local ok, problem = xpcall(fill, traceback, registry)
  if not ok then
    restore()
    return nil, problem
  end
  last_generation = registry.generation
  swap(registry)
  return registry
end

--- Loads the app for the first time.
---@param path string
---@return true? ok
---@return string? problem one line: file, line, reason
function plugin.start(path)
  app = path
  local registry, problem = try_load()
  if not registry then return nil, first_line(problem) end
  log.info("plugin", "generation 1: %s", table.concat(registry.names, ", "))
  return true
end

--- Loads the app again. If anything is wrong with the new code, the old goes on.
function plugin.reload()
  local registry, problem = try_load()
  if registry then
    log.info("plugin", "generation %d: %s", last_generation, table.concat(registry.names, ", "))
  else
    log.error("plugin", "not reloaded, generation %d goes on: %s", last_generation,
      first_line(problem))
    log.debug("plugin", "%s", problem)
  end
end

---@return table registry in force
function plugin.current() return current end

return plugin
