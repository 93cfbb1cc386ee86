--- What is in force, for people and programs: the plugins and what each has registered, and the
--- way of each type of request through them.
local accounts = require "moongate.account"
local core = require "moongate.ffi"
local option = require "moongate.option"

local MB = 1048576

local heap = core.C.moon_heap()

local survey = {}

--- nil for none: an empty list and an empty object are the same in JSON.
local function filled(list) return list[1] and list or nil end

local function names_of(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return filled(names)
end

--- One field of each entry, in their order, each value once.
local function each(entries, field)
  local values, seen = {}, {}
  for _, entry in ipairs(entries) do
    local value = entry[field]
    if not seen[value] then values[#values + 1] = value end
    seen[value] = true
  end
  return filled(values)
end

--- "trusted", or "guarded" and what it may.
local function trust_of(entry)
  local words = { entry.trust }
  for _, name in ipairs(names_of(entry.capabilities or {}) or {}) do words[#words + 1] = name end
  return table.concat(words, ", ")
end

local function served_by(plugin)
  local paths = {}
  for i, route in ipairs(plugin.routes) do paths[i] = route.kind .. " " .. route.pattern end
  return filled(paths)
end

local function of_plugin(plugin)
  local provided = plugin.provided
  local needs = {}
  for _, name in ipairs(plugin.needs) do needs[name] = true end
  return {
    name = plugin.name, file = plugin.file, generation = plugin.generation,
    trust = trust_of(plugin.entry),
    needs = names_of(needs), uses = names_of(plugin.uses),
    provides = provided and ("%d.%d"):format(provided.major, provided.minor) or nil,
    handles = names_of(plugin.on),
    before = each(plugin.before, "name"), after = each(plugin.after, "name"),
    tells = names_of(plugin.tells),
    serves = served_by(plugin), timers = each(plugin.timers, "name"),
    options = filled(option.survey(plugin.entry, plugin.options)),
    cost = accounts.survey(plugin), is_off = plugin.is_off == true or nil,
  }
end

--- Each plugin once: its hooks come one after the other.
local function add_plugins(names, hooks)
  local last
  for _, hook in ipairs(hooks or {}) do
    if hook.plugin ~= last then names[#names + 1] = hook.plugin.name end
    last = hook.plugin
  end
  return names
end

--- The way of one type: whose filters look, in their order, who answers, who is told.
local function of_request(registry, type_name)
  local filters = add_plugins(add_plugins({}, registry.before["*"]), registry.before[type_name])
  return {
    type = type_name, filters = filled(filters), handler = registry.on[type_name].plugin.name,
    told = filled(add_plugins({}, registry.after[type_name])),
  }
end

--- Garbage included.
local function memory_of(registry)
  local bytes_then = registry.heap_bytes
  return bytes_then and { bytes = heap.bytes, limit_bytes = heap.limit, bytes_then = bytes_then }
end

---@param registry table
---@return table what { generation, memory = { bytes, limit_bytes, bytes_then }, plugins = { {
--- name, file, ... }, ... }, requests = { { type, filters, handler, told }, ... } }; needed plugins
--- first; lists without entries are left out
function survey.of(registry)
  local plugins, requests = {}, {}
  for _, name in ipairs(registry.names) do
    plugins[#plugins + 1] = of_plugin(registry.plugins[name])
  end
  for _, type_name in ipairs(names_of(registry.on) or {}) do
    requests[#requests + 1] = of_request(registry, type_name)
  end
  return { generation = registry.generation, plugins = filled(plugins),
    memory = memory_of(registry), requests = filled(requests) }
end

-- ---- as text ----

local function add(lines, format, ...) lines[#lines + 1] = format:format(...) end

local LISTS = { "needs", "uses", "handles", "before", "after", "tells", "serves", "timers" }

local function under(ms) return ms and ("under %g ms"):format(ms) or "unknown" end

local function describe_cost(lines, cost, is_only)
  local oldest = cost.oldest_task
  add(lines, "  %-8s  %g %% of the scripts' CPU, %d tasks wait%s, %d timers", "costs",
    cost.cpu_percent, cost.tasks,
    oldest and (" (the oldest for %d ms)"):format(oldest.ms) or "", cost.timers)
  if oldest and is_only then
    add(lines, "  %-8s  %s: %s", "oldest", oldest.doing or "?", oldest.stack)
  end
  for _, its in ipairs(cost.handlers or {}) do
    add(lines, "  %-8s  %s: %d calls (%d since it was loaded), %d errors; half %s, 99 %% %s, "
      .. "%s bytes", "", its.doing, its.calls, its.generation_calls, its.errors,
      under(its.p50_ms), under(its.p99_ms), its.bytes or "?")
  end
end

local function describe_options(lines, options)
  for i, its in ipairs(options) do
    add(lines, "  %-8s  %s = %s  (%s)", i == 1 and "options" or "", its.name, its.value,
      its.default and "default " .. its.default or "no default")
  end
end

local function title_of(plugin)
  local words = { plugin.name, plugin.file }
  if plugin.generation then table.insert(words, 2, "generation " .. plugin.generation) end
  if plugin.is_off then words[#words + 1] = "SWITCHED OFF" end
  return table.concat(words, "  ")
end

local function describe(lines, plugin, is_only)
  add(lines, "%s", title_of(plugin))
  if plugin.trust then add(lines, "  trust     %s", plugin.trust) end
  if plugin.provides then add(lines, "  provides  %s", plugin.provides) end
  for _, name in ipairs(LISTS) do
    if plugin[name] then add(lines, "  %-8s  %s", name, table.concat(plugin[name], ", ")) end
  end
  if plugin.budget then add(lines, "  budget    %s", plugin.budget) end
  describe_options(lines, plugin.options or {})
  if plugin.cost then describe_cost(lines, plugin.cost, is_only) end
end

local function way_of(request)
  local words = {}
  if request.filters then words[1] = table.concat(request.filters, ", ") end
  words[#words + 1] = "[" .. request.handler .. "]"
  if request.told then words[#words + 1] = table.concat(request.told, ", ") end
  return table.concat(words, " > ")
end

---@param what table of survey.of()
---@param title? string
---@return string
function survey.text(what, title)
  local lines = { title or ("generation %d is in force"):format(what.generation) }
  local memory, plugins = what.memory, what.plugins or {}
  if memory then
    add(lines, "the scripts have %.1f MB of at most %d; %.1f when it came into force",
      memory.bytes / MB, memory.limit_bytes / MB, memory.bytes_then / MB)
  end
  for _, plugin in ipairs(plugins) do
    add(lines, "")
    describe(lines, plugin, not plugins[2])
  end
  if what.requests then
    add(lines, "")
    add(lines, "requests: filters > [handler] > those told after it")
  end
  for _, request in ipairs(what.requests or {}) do
    add(lines, "  %s: %s", request.type, way_of(request))
  end
  return table.concat(lines, "\n")
end

return survey
