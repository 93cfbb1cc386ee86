--- Builds a generation: what has changed is compiled and run in fresh environments, the rest
--- is taken over. Whatever goes wrong, the generation in force is as it was.
local core = require "moongate.ffi"
local gate = require "moongate.gate"
local kind_swap = require "moongate.kind_swap"
local list = require "moongate.list"
local memory = require "moongate.memory"
local metric_name = require "moongate.metric_name"
local option = require "moongate.option"
local registries = require "moongate.registry"
local runs = require "moongate.run"
local sources = require "moongate.source"
local state = require "moongate.state"
local traceback = require "moongate.traceback"

local loader = {}

local MB = 1048576

-- What runs before the plugins.
local LIST = { name = "init.lua", label = "init.lua", index = 0, budget = runs.BUDGET,
  is_new = true }

local function is_same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not is_same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

--- The app's list, and the settings of the gateway beside it.
local function read_list(app, set)
  if not set.folder then return list.of_file(app), {} end
  local path = app .. "/init.lua"
  if not set:text(path) then error(path .. ": the list of plugins is not there", 0) end
  local chunk, made = set:compile(path)
  set.list = made
  local value = chunk()
  local entries = list.read(app, value, function(file) return set:text(file) end)
  return entries, { rollback = value.rollback }
end

--- Why a plugin has to be loaded, or nil.
local function reason_of(set, entry, old)
  if not old then return "new" end
  if set:text(entry.file) ~= old.source.text then return "changed" end
  if set:is_stale(old.source) then return "a module of it has changed" end
  if not is_same(entry.as_written, old.entry.as_written) then return "its options have changed" end
  if not is_same(entry.budget, old.entry.budget) then return "its budget has changed" end
  if entry.trust ~= old.entry.trust then return "its trust has changed" end
  if not is_same(entry.capabilities, old.entry.capabilities) then
    return "its capabilities have changed"
  end
end

--- Name of a plugin -> why it has to be loaded. Whoever holds the API of one that is loaded
--- again is loaded again, too.
local function reasons_of(set, entries, before)
  local reasons, is_settled = {}, false
  for _, entry in ipairs(entries) do
    reasons[entry.name] = reason_of(set, entry, before[entry.name])
  end
  while not is_settled do
    is_settled = true
    for _, entry in ipairs(entries) do
      local old = before[entry.name]
      for used in pairs(not reasons[entry.name] and old.uses or {}) do
        if reasons[used] then
          reasons[entry.name], is_settled = "uses " .. used, false
        end
      end
    end
  end
  return reasons
end

local function names_of(entries)
  local names = {}
  for i, entry in ipairs(entries) do names[i] = entry.name end
  return names
end

local function run_file(build, plugin, chunk)
  local fn = chunk()
  if type(fn) ~= "function" then
    error(("%s: a plugin returns a function of gate, this returned %s"):format(plugin.file,
      type(fn)), 0)
  end
  plugin.env, plugin.gate = getfenv(chunk), gate.new(plugin, build.registry) -- for the console
  fn(plugin.gate)
  plugin.is_loaded = true
  local problem = option.unknown(plugin.entry, plugin.options)
  if problem then error(problem, 0) end
end

--- A message that names no file gets that of the plugin.
local function with_file(plugin, problem)
  return problem:find "^%S*%.lua" and problem or plugin.file .. ": " .. problem
end

--- The collector is stopped while a generation is built: it would take more of the pause than all
--- the rest, for garbage that is bounded by the texts of the app. What plugins make is not.
local function with_collector(fn, ...)
  collectgarbage "restart"
  local ok, problem = xpcall(fn, traceback, ...)
  collectgarbage "stop"
  return ok, problem
end

--- What there is to say of what the watchdog has aborted: the last error may be another.
local function why_aborted(of_memory, ok, problem)
  local reason = of_memory and ("memory limit exceeded: %d MB of all scripts")
    :format(core.C.moon_heap().limit / MB) or "time budget exceeded"
  local is_said = not ok and tostring(problem):find(reason, 1, true)
  return is_said and problem or reason .. " while it was loaded"
end

--- What a plugin can do about it that uses one with a problem, its author does not know yet.
local function is_consequence(build, name)
  for used in pairs(build.registry.plugins[name].uses) do
    if build.failed[used] then return true end
  end
end

local function fail(build, name, problem)
  local is_known = is_consequence(build, name)
  build.failed[name] = true
  if not is_known then table.insert(build.problems, problem) end
end

--- Does this for each plugin that is loaded. The first failure ends it, unless all are asked for.
local function for_each(build, fn)
  for _, name in ipairs(build.loaded) do
    if build.is_thorough then pcall(fn, build, name) else fn(build, name) end
  end
end

--- Runs a plugin's file, unless that has been done. Raises; whoever catches that, the load has
--- failed.
local function run(build, name)
  local chunk, plugin = build.chunks[name], build.registry.plugins[name]
  if not chunk then return end
  build.chunks[name] = nil
  local outer, outer_doing = runs.enter_loading(plugin, "load")
  local ok, problem = with_collector(run_file, build, plugin, chunk)
  local is_aborted, of_memory = runs.leave(outer, outer_doing)
  if is_aborted then ok, problem = false, why_aborted(of_memory, ok, problem) end
  if ok then return end
  fail(build, name, with_file(plugin, problem))
  error(problem, 0)
end

local function compile(build, name)
  local plugin = build.registry:add_plugin(build.entry_of[name])
  local entry = plugin.entry
  plugin.is_new = true
  local ok, chunk, source = pcall(build.set.compile, build.set, plugin.file,
    entry.trust == "guarded" and name or nil)
  if not ok then
    fail(build, name, chunk)
    error(chunk, 0)
  end
  build.chunks[name], plugin.source = chunk, source
end

--- Adds what stays, and compiles all that does not before the first one runs.
local function prepare(build)
  for _, entry in ipairs(build.entries) do
    if not build.reasons[entry.name] then
      build.set:keep(build.before[entry.name].source)
      build.registry:adopt(build.before[entry.name])
    end
  end
  for_each(build, compile)
end

--- Brings the states of the loaded plugins up to their code. Raises.
local function migrate(build, is_known)
  for _, name in ipairs(build.loaded) do
    local plugin = build.registry.plugins[name]
    state.migrate(plugin, not is_known[name])
    local _, problem = memory.lend(state.not_data, state.of(name), "gate.state")
    if problem then error(("%s: %s"):format(plugin.file, problem), 0) end
  end
  kind_swap.migrate(build.registry, build.loaded, build.rooms)
end

local function fill(build)
  prepare(build)
  build.registry.run = function(name) run(build, name) end -- for gate:use
  for_each(build, run)
  build.registry.run = nil
  if build.problems[1] then error(build.problems[1], 0) end
  build.registry:finish(names_of(build.entries))
  local clash = metric_name.clash(build.registry.plugins, build.loaded)
  if clash then error(clash, 0) end
  build.registry.sources = build.set
  local is_migrated, problem = with_collector(migrate, build, build.is_known)
  if not is_migrated then
    build.problems[1] = problem
    error(problem, 0)
  end
  local routes = build.registry:route_table()
  if core.C.moon_route(routes, #routes) ~= 0 then
    error("the table of routes is too long, or the I/O threads are too far behind", 0)
  end
end

--- A build is all that a load needs to know, and what it has found out.
local function begin(app, generation, current, rejected)
  local is_folder = current and current.sources.folder or list.is_folder(app)
  local folder = is_folder and app or nil
  local set = sources.set(folder, current and current.sources.modules, rejected)
  sources.use(set)
  local entries, settings = read_list(app, set)
  local build = { set = set, entries = entries, chunks = {}, loaded = {}, is_known = {},
    problems = {}, failed = {}, entry_of = {}, rooms = kind_swap.snapshot(),
    before = current and current.plugins or {} }
  build.reasons = reasons_of(set, entries, build.before)
  for _, entry in ipairs(entries) do
    if build.reasons[entry.name] then table.insert(build.loaded, entry.name) end
    build.entry_of[entry.name] = entry
    build.is_known[entry.name] = state.version(entry.name) ~= nil
  end
  build.registry = registries.new(generation)
  build.registry.settings = settings
  build.registry.order = names_of(entries)
  build.registry.reasons = build.reasons
  return build
end

local function is_unchanged(build, current)
  return current and not build.loaded[1] and is_same(build.registry.order, current.order)
    and is_same(build.registry.settings, current.settings)
end

local function restore(snapshot, rooms)
  state.restore(snapshot)
  kind_swap.restore(rooms)
end

--- The states as they are, or nil and what to do.
local function take_snapshot(build)
  local used_mb, limit_mb = memory.in_mb()
  local snapshot, name = state.snapshot(build.loaded)
  if snapshot then return snapshot end
  return nil, ("%s: there is not enough memory for a copy of its gate.state, which a reload keeps "
    .. "to go back to: %d MB are in use, of %d. Take %q out of the list of init.lua, and put it in "
    .. "again: then it begins with an empty state"):format(build.entry_of[name].file, used_mb,
    limit_mb, name)
end

---@param look? fun(build: table) before it is filled
local function load(app, generation, current, rejected, look)
  local outer, outer_doing = runs.enter_loading(LIST, "load")
  local ok, build = xpcall(begin, traceback, app, generation, current, rejected)
  runs.leave(outer, outer_doing)
  if not ok then return nil, build end
  if is_unchanged(build, current) then return end
  if look then look(build) end
  local snapshot, why_not = take_snapshot(build)
  if not snapshot then return nil, why_not end
  local is_filled, problem = xpcall(fill, traceback, build)
  if not is_filled then
    restore(snapshot, build.rooms)
    return nil, build.problems[1] or problem
  end
  for name, kept in pairs(snapshot) do
    local is_migrated = build.is_known[name] and kept.version ~= state.version(name)
    if not is_migrated then snapshot[name] = nil end
  end
  build.set:settle()
  build.registry:complete()
  return build.registry, nil, snapshot, build.rooms
end

--- Builds the next generation.
---@param app string path of a folder with an init.lua, or of one plugin file
---@param generation integer its number
---@param current? table the registry in force
---@param rejected? table<string, table> what sources.set takes
---@return table? registry nil: see problem; without a problem nothing has changed
---@return string? problem a traceback
---@return table? snapshot of the states that have been migrated, as they were before
---@return moongate.RoomStates? rooms the same of rooms
function loader.load(app, generation, current, rejected)
  collectgarbage "stop"
  local ok, registry, problem, snapshot, rooms = pcall(load, app, generation, current, rejected)
  collectgarbage "restart"
  sources.use(current and current.sources)
  if not ok then return nil, tostring(registry) end -- there was no memory left
  return registry, problem, snapshot, rooms
end

--- Of a list there may be several, a line each.
local function split(problem, app)
  local problems, start = {}, app .. "/init.lua: "
  for line in problem:gmatch "[^\n]+" do
    if line:sub(1, #start) == start then problems[#problems + 1] = line end
  end
  return problems[1] and problems or { problem }
end

--- Builds a first generation that never takes over, to find out all that is wrong with it.
---@param app string
---@return table? registry nil: there are problems
---@return string[] problems tracebacks
---@return string[] paths of the files that were looked at
function loader.check(app)
  local problems, set = {}, nil
  local registry, problem = load(app, 1, nil, nil, function(build)
    build.is_thorough, problems, set = true, build.problems, build.set
  end)
  local files, paths = registry and registry:files() or set and set.texts or {}, {}
  for path, text in pairs(files) do
    if text then paths[#paths + 1] = path end
  end
  table.sort(paths)
  if not registry and not problems[1] then problems = split(problem, app) end
  return registry, problems, paths
end

return loader
