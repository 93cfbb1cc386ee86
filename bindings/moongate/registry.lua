--- What one generation of the app has registered. Built beside the one in force, then
--- swapped in whole. Plugins whose files have not changed are taken over as they are.
local accounts = require "moongate.account"
local migration = require "moongate.migration"
local routes = require "moongate.route"

local Registry = {}
local registry_mt = { __index = Registry }

---@class moongate.Plugin
---@field name string
---@field generation integer the one that has loaded it
---@field file string
---@field entry moongate.Entry
---@field label string "rooms#3", for log lines
---@field budget moongate.Budget
---@field index integer what its CPU time is counted under
---@field accounts? table<string, moongate.Account> by what its code does
---@field env? table globals of its file
---@field gate? moongate.Gate what its code was given
---@field is_off? boolean|"for now" its code is not called: overrun.lua
---@field is_new? boolean it has not come into force
---@field source moongate.Source
---@field needs string[]
---@field uses table<string, true> names of plugins whose API it holds
---@field provided? { major: integer, minor: integer, api: table }
---@field options table<string, moongate.OptionSpec>
---@field on table<string, table> request type -> { fn, plugin, doing }
---@field commands table<string, table> name -> { fn, plugin, about }
---@field kinds table<string, table> name -> { spec, plugin, steps }
---@field before table[] { name, fn }
---@field after table[] { name, fn }
---@field tells table<string, table> event -> { plugin }
---@field routes table[] what route.lua makes
---@field timers table[] { name, doing, fn, delay_ms = function, is_once?, is_due? = function }
---@field metrics table<string, table> name -> { metric, about }
---@field begins function[] to be called when it takes over
---@field migrations table[] { version, fn }, ascending
---@field replaced_ms? number when other code took over from it
---@field is_loaded? boolean nothing more can be registered
---@field registered? table<string, integer> "gate:on" -> how many

local COMPLETE = { is_complete = true } -- what gates need to know of one that is

---@param generation integer
local function new(generation)
  return setmetatable({
    generation = generation,
    plugins = {},      -- name -> moongate.Plugin
    names = {},        -- in the order of the list; after finish(): needed ones first
    is_complete = false, -- all is loaded and migrated: it takes over
    gates = {},        -- of the plugins that are loaded, until then
    sources = nil,     -- what source.set makes: its texts and modules
    on = {},           -- request type -> { fn, plugin, doing }
    kinds = {},        -- name of a room kind -> { spec, plugin, steps }
    commands = {},     -- name of a slash command -> { fn, plugin, about }
    before = {},       -- request type or "*" -> list of { fn, plugin }
    after = {},        -- event -> list of { fn, plugin }
    tells = {},        -- event that a plugin tells -> { plugin }
    routes = {},       -- list of what route.lua makes
    served = {},       -- "/ws" or "GET /api" -> the same
    route_of = {},     -- pattern -> those of WebSockets
  }, registry_mt)
end

---@param entry moongate.Entry
---@return moongate.Plugin
function Registry:add_plugin(entry)
  local plugin = {
    name = entry.name, file = entry.file, entry = entry, generation = self.generation,
    label = entry.name .. "#" .. self.generation, budget = entry.budget,
    index = accounts.index(entry.name),
    needs = {}, uses = {}, options = {}, on = {}, commands = {}, kinds = {}, before = {},
    after = {}, tells = {}, routes = {}, timers = {}, begins = {}, migrations = {}, metrics = {},
  }
  self.plugins[plugin.name] = plugin
  return plugin
end

local function name_of(route)
  return route.kind == "ws" and route.pattern or route.kind .. " " .. route.pattern
end

local function claim(taken, name, what)
  local owner = taken[name] and taken[name].plugin
  if owner then error(('"%s" is already %s by %s'):format(name, what, owner.name), 4) end
end

--- Takes over a plugin of the generation before.
---@param plugin moongate.Plugin
function Registry:adopt(plugin)
  self.plugins[plugin.name] = plugin
  for type_name, handler in pairs(plugin.on) do self.on[type_name] = handler end
  for name, entry in pairs(plugin.commands) do self.commands[name] = entry end
  for name, entry in pairs(plugin.kinds) do self.kinds[name] = entry end
  for event, entry in pairs(plugin.tells) do self.tells[event] = entry end
  for _, route in ipairs(plugin.routes) do self.served[name_of(route)] = route end
end

function Registry:handle(plugin, type_name, fn)
  claim(self.on, type_name, "handled")
  claim(self.tells, type_name, "told")
  self.on[type_name] = { fn = fn, plugin = plugin, doing = "on " .. type_name }
  plugin.on[type_name] = self.on[type_name]
end

--- gate:after has one space of names for requests and for what plugins tell.
function Registry:add_event(plugin, event)
  claim(self.on, event, "handled")
  claim(self.tells, event, "told")
  self.tells[event] = { plugin = plugin }
  plugin.tells[event] = self.tells[event]
end

function Registry:add_command(plugin, name, fn, about)
  claim(self.commands, name, "handled")
  self.commands[name] = { fn = fn, plugin = plugin, about = about, doing = "command " .. name }
  plugin.commands[name] = self.commands[name]
end

function Registry:add_kind(plugin, name, spec)
  claim(self.kinds, name, "declared")
  self.kinds[name] = { spec = spec, plugin = plugin, steps = migration.steps(spec.migrations),
    doings = {} }
  plugin.kinds[name] = self.kinds[name]
end

---@param plugin moongate.Plugin
---@param kind string "ws", or the method for HTTP
---@param pattern string
---@param handlers table|function
function Registry:add_route(plugin, kind, pattern, handlers)
  local route = routes.new(kind, pattern, handlers, plugin)
  claim(self.served, name_of(route), "served")
  self.served[name_of(route)] = route
  table.insert(plugin.routes, route)
end

--- Depth first: a plugin comes after all it needs.
local function visit(self, name, sorted, marks, trail)
  if marks[name] == "done" then return end
  if marks[name] then
    error(("%s: %s needs %s: a cycle"):format(self.plugins[name].entry.where,
      table.concat(trail, " needs "), name), 0)
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
      list[#list + 1] = { fn = entry.fn, plugin = self.plugins[name],
        doing = kind .. " " .. entry.name }
    end
  end
end

--- All plugins are there: sorts them, and checks what can only be checked now. Raises.
---@param names string[] in the order of the list
function Registry:finish(names)
  local sorted, marks = {}, {}
  self.names = sorted
  for _, name in ipairs(names) do visit(self, name, sorted, marks, {}) end
  gather(self, "before")
  gather(self, "after")
  for _, name in ipairs(names) do -- the first that matches serves: that is for the list to say
    for _, route in ipairs(self.plugins[name].routes) do
      self.routes[#self.routes + 1] = route
      if route.kind == "ws" then self.route_of[route.pattern] = route end
    end
  end
end

--- It takes over. From now on gates do not hold it: each of them may stay for longer than the
--- others, whose code would stay, too.
function Registry:complete()
  for _, fields in ipairs(self.gates) do fields.registry = COMPLETE end
  self.is_complete, self.gates = true, nil
end

--- The texts that it is made of.
---@return table<string, string> path -> text
function Registry:files() return self.sources:files(self.plugins) end

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
