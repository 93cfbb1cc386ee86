--- What one generation of the app has registered. Built beside the one in force, then
--- swapped in whole.
local routes = require "moongate.route"

local Registry = {}
local registry_mt = { __index = Registry }

---@class moongate.Plugin
---@field name string
---@field generation integer
---@field file string
---@field needs string[]
---@field before table[] { type, fn }
---@field after table[] { event, fn }
---@field every table[] { interval_ms, fn }
---@field label string "rooms#3", for log lines

---@param generation integer
local function new(generation)
  return setmetatable({
    generation = generation,
    plugins = {},      -- name -> moongate.Plugin
    names = {},        -- in the order of loading; after finish(): needed ones first
    on = {},           -- request type -> { fn, plugin }
    before = {},       -- request type or "*" -> list of { fn, plugin }
    after = {},        -- event -> list of { fn, plugin }
    routes = {},       -- list of what route.lua makes
    served = {},       -- "/ws" or "GET /api" -> the same
    route_of = {},     -- pattern -> those of WebSockets
    settings = {},     -- option name -> { value, plugin that set it }
    options = {},      -- option name -> plugin that declares it
    beginnings = {},   -- functions to call when this generation takes over
  }, registry_mt)
end

---@return moongate.Plugin
function Registry:add_plugin(name, file)
  local plugin = {
    name = name, file = file, generation = self.generation,
    label = name .. "#" .. self.generation,
    needs = {}, before = {}, after = {}, every = {},
  }
  self.plugins[name] = plugin
  self.names[#self.names + 1] = name
  return plugin
end

function Registry:handle(plugin, type_name, fn)
  local taken = self.on[type_name]
  if taken then
    error(('"%s" is already handled by %s'):format(type_name, taken.plugin.name), 3)
  end
  self.on[type_name] = { fn = fn, plugin = plugin }
end

---@param plugin moongate.Plugin
---@param kind string "ws", or the method for HTTP
---@param pattern string
---@param handlers table|function
function Registry:add_route(plugin, kind, pattern, handlers)
  local name = kind == "ws" and pattern or kind .. " " .. pattern
  local taken = self.served[name]
  if taken then
    error(('"%s" is already served by %s'):format(name, taken.plugin.name), 3)
  end
  local route = routes.new(kind, pattern, handlers, plugin)
  self.served[name] = route
  if kind == "ws" then self.route_of[pattern] = route end
  self.routes[#self.routes + 1] = route
end

--- Depth first: a plugin comes after all it needs.
local function visit(self, name, sorted, marks, trail)
  if marks[name] == "done" then return end
  if marks[name] then
    error(table.concat(trail, " needs ") .. " needs " .. name .. ": a cycle", 0)
  end
  marks[name] = "open"
  trail[#trail + 1] = name
  for _, needed in ipairs(self.plugins[name].needs) do
    if not self.plugins[needed] then
      error(('%s: needs "%s", which is not there'):format(self.plugins[name].file, needed), 0)
    end
    visit(self, needed, sorted, marks, trail)
  end
  trail[#trail] = nil
  marks[name] = "done"
  sorted[#sorted + 1] = name
end

local function gather(self, kind)
  for _, name in ipairs(self.names) do
    for _, entry in ipairs(self.plugins[name][kind]) do
      local list = self[kind][entry.name] or {}
      self[kind][entry.name] = list
      list[#list + 1] = { fn = entry.fn, plugin = self.plugins[name] }
    end
  end
end

--- All plugins have run: sorts them, and checks what can only be checked now. Raises.
function Registry:finish()
  local sorted, marks = {}, {}
  for _, name in ipairs(self.names) do visit(self, name, sorted, marks, {}) end
  self.names = sorted
  gather(self, "before")
  gather(self, "after")
  for name, setting in pairs(self.settings) do
    if not self.options[name] then
      error(('%s: no plugin declares the option "%s"'):format(setting.where, name), 0)
    end
  end
end

--- The table of routes as core/route.h wants it.
function Registry:route_table()
  local lines = {}
  for i, route in ipairs(self.routes) do lines[i] = routes.line(route) end
  return table.concat(lines, "\n")
end

--- The first route of this kind that serves the path, and what its braces match.
function Registry:find_route(kind, path)
  for _, route in ipairs(self.routes) do
    local params = route.kind == kind and routes.params(route, path)
    if params then return route, params end
  end
end

return { new = new }
