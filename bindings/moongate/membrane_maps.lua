--- How the membrane maps values: which proxy stands for which object, and the other way.
local copies = require "moongate.membrane_copy"
local task = require "moongate.task"

local CAUGHT = "^%S+:%d+: " -- a message that has its place already, or names a file
local FILE = "^%S*%.lua"

local NOT_DATA = { thread = "a coroutine", cdata = "a value of the FFI (1LL is one)" }

local maps = {}

---@class moongate.Realm
---@field plugin moongate.Plugin
---@field owner_of fun(kind: string): string? name of the plugin that has declared the kind
---@field proxies table<table, table> object -> proxy
---@field wrapped table<function, function> of the plugin -> what the runtime has
---@field offered table<function, function> of the plugin -> what other plugins have
---@field hooks table<function, function> of the plugin -> what the runtime has of a hook
---@field filters table<function, function> the same of a filter, or a handler
---@field answers table<function, function> the same of what takes the answer to a request
---@field messages table<table, table> message -> the plugin's copy
---@field others table<function, function> of the runtime, as the plugin has it -> what that is
---@field held table<table, table> proxy -> object, view -> its walk: as long as these are there
---@field shown table<function, function> of the runtime -> what the plugin has
---@field views table<string, table<table, table>> flavour -> table -> its view
---@field metatables table<string, table> by the name of the class

---@class moongate.Shape
---@field name string "conn"
---@field methods table<string, function>
---@field fields table<string, true|function> true: as it is, or what maps it
---@field takes? table<string, function[]|"raw"|"any"|"copied"> method -> what maps each of its
--- arguments, of at most four; "raw": as many as there are, as they are; "any": mapped as all else;
--- "copied": for other plugins
---@field gives? table<string, function> method -> what maps its results; else they are data
---@field check? fun(realm: moongate.Realm, target: table, name: string): string? problem
---@field refuse? fun(self: table, name: string) what is set

local shapes = setmetatable({}, { __mode = "k" }) -- metatable of a class -> its shape
local WEAK = { __mode = "kv" }
local own_of = setmetatable({}, WEAK) -- function that the runtime has -> that of the plugin
-- These two hold nothing: what leads to its own key, as a gate does, would be there for ever.
local target_of = setmetatable({}, WEAK) -- proxy or view -> what it stands for
local walks = setmetatable({}, WEAK)     -- view -> { realm, flavour }

maps.target_of, maps.own_of = target_of, own_of
maps.showing = setmetatable({}, { __mode = "k" }) -- function in views -> what shows it

-- Metatables that guarded code has set. What has one of these is its own business.
maps.own = setmetatable({}, { __mode = "k" })
local own = maps.own

local metatable_of, find = debug.getmetatable, string.find

--- Objects with this metatable are proxies in guarded code.
---@param mt table
---@param shape moongate.Shape
function maps.seal(mt, shape) shapes[mt] = shape end

---@param plugin moongate.Plugin
---@param owner_of fun(kind: string): string?
---@return moongate.Realm
function maps.realm(plugin, owner_of)
  local function weak() return setmetatable({}, WEAK) end
  return { plugin = plugin, owner_of = owner_of, proxies = weak(), wrapped = weak(),
    offered = weak(), hooks = weak(), filters = weak(), answers = weak(), others = weak(),
    shown = weak(), held = setmetatable({}, { __mode = "k" }),
    messages = setmetatable({}, { __mode = "k" }),
    views = { data = weak(), api = weak() }, metatables = {} }
end

---@return string? class of an object of the runtime
function maps.name_of(target)
  local shape = shapes[metatable_of(target)]
  return shape and shape.name
end

--- All values, each mapped.
local function all(map, realm, ...)
  local count = select("#", ...)
  if count == 0 then return end
  local a, b, c = ...
  if count == 1 then return map(realm, a) end
  if count == 2 then return map(realm, a), map(realm, b) end
  if count == 3 then return map(realm, a), map(realm, b), map(realm, c) end
  local values = { ... }
  for i = 1, count do values[i] = map(realm, values[i]) end
  return unpack(values, 1, count)
end

local function each(map, realm, ...)
  copies.begin(copies.MAX_COPIED)
  return all(map, realm, ...)
end

maps.all, maps.each = all, each

local refuse = copies.refuse

-- ---- from the plugin to the runtime ----

local into, out

--- A table of the plugin with a metatable, which no other code may come upon.
function maps.is_own_object(value)
  return type(value) == "table" and getmetatable(value) ~= nil and not target_of[value]
end

--- What the plugin gets back later: a view stays one, or the table behind it would come.
local function keep(realm, value)
  if walks[value] then return value end
  return into(realm, value)
end

--- For what a hook returns, and the like.
function maps.refuse_object(realm, value)
  if not maps.is_own_object(value) then return end
  error(realm.plugin.file .. ": returns a table with a metatable: a guarded plugin hands over "
    .. "data", 0)
end

local function hand_back(realm, value)
  maps.refuse_object(realm, value)
  return keep(realm, value)
end

--- A function of the plugin, for the runtime.
local function wrap(realm, fn)
  local found = realm.wrapped[fn]
  if found then return found end
  local function made(...) return each(hand_back, realm, fn(each(out, realm, ...))) end
  realm.wrapped[fn], realm.shown[made] = made, fn
  own_of[made] = fn
  return made
end

--- The function of the plugin itself, for those who look where it is.
---@param fn function
---@return function
function maps.inside(fn) return own_of[fn] or fn end

local out_copy, into_copy

--- Calls fn(...) in a run of its plugin. Set by request.lua.
---@type fun(plugin: moongate.Plugin, fn: function, ...: any): boolean, ...: any
maps.lend = function(_, fn, ...) return pcall(fn, ...) end

--- What was raised in the name of the caller is: in its line.
local function pass_on(realm, ok, ...)
  if ok then return each(into_copy, realm, ...) end
  local problem = ...
  if type(problem) ~= "string" then
    error(task.why_cancelled(problem) and problem or each(into_copy, realm, problem), 0)
  end
  local has_place = find(problem, CAUGHT) or find(problem, FILE)
  error(problem, has_place and 0 or task.level_of_app())
end

--- The same for another plugin.
local function offer(realm, fn)
  local found = realm.others[fn] or realm.offered[fn]
  if found then return found end
  local function made(...)
    return pass_on(realm, maps.lend(realm.plugin, fn, each(out_copy, realm, ...)))
  end
  realm.offered[fn], realm.shown[made] = made, fn
  return made
end

local function as_it_is(_, value) return value end

--- What is behind a view is another plugin's, or the runtime's.
local function offered(realm, value)
  if type(value) == "function" then return offer(realm, value) end
  if walks[value] then return copies.of(as_it_is, realm, target_of[value]) end
  return into(realm, value)
end

--- Between two plugins tables are copied: what is in them is mapped, and neither has the other's.
function out_copy(realm, value) return copies.of(out, realm, value) end

function into_copy(realm, value) return copies.of(offered, realm, value) end

--- What a plugin provides: a copy, whose functions map what they are given.
function maps.offer(realm, value) return (each(into_copy, realm, value)) end

function into(realm, value)
  local kind = type(value)
  if kind == "table" then
    local target = target_of[value]
    if target then return target end
    if getmetatable(value) == nil then return value end
    error("a table with a metatable cannot be handed over by a guarded plugin: pass its data",
      task.level_of_app())
  elseif kind == "function" then
    return wrap(realm, value)
  end
  if NOT_DATA[kind] then refuse(NOT_DATA[kind]) end
  return value
end

-- ---- from the runtime to the plugin ----

--- An error that was raised in the name of the caller is: of that in the plugin.
local function blame(realm, problem)
  if type(problem) == "string" and not find(problem, CAUGHT) and not find(problem, FILE) then
    error(problem, 2)
  end
  error(task.why_cancelled(problem) and problem or each(out_copy, realm, problem), 0)
end

local function conclude(realm, map, ok, ...)
  if not ok then return blame(realm, (...)) end
  return each(map, realm, ...)
end

--- A function of the runtime, or of another plugin, for this one.
local function show(realm, fn)
  local found = realm.shown[fn]
  if found then return found end
  local function made(...)
    return conclude(realm, out_copy, pcall(fn, each(into_copy, realm, ...)))
  end
  realm.shown[fn], realm.wrapped[made], realm.others[made] = made, fn, fn
  return made
end

local function complain(name, what)
  error(("%s.%s: called with a dot, it is %s:%s(...)"):format(name, what, name, what), 4)
end

local function target_for(realm, shape, self, name)
  local target = target_of[self]
  if not target or shapes[metatable_of(target)] ~= shape then complain(shape.name, name) end
  local problem = shape.check and shape.check(realm, target, name)
  if problem then error(problem, 3) end
  return target
end

local FOR_ALL = { raw = as_it_is, any = keep, copied = into_copy }

--- What calls a method, with as many arguments as there are.
local function variadic(realm, shape, name, method)
  local map = FOR_ALL[shape.takes[name]]
  local gives = shape.gives and shape.gives[name]
  if gives then
    return function(self, ...)
      local target = target_for(realm, shape, self, name)
      return conclude(realm, gives, pcall(method, target, each(map, realm, ...)))
    end
  end
  return function(self, ...)
    local target = target_for(realm, shape, self, name)
    return method(target, each(map, realm, ...))
  end
end

local NONE = {}

local function fixed(realm, shape, name, method)
  local takes = shape.takes and shape.takes[name] or NONE
  local a_of, b_of, c_of, d_of, e_of = takes[1] or into, takes[2] or into, takes[3] or into,
    takes[4] or into, takes[5] or into
  local gives = shape.gives and shape.gives[name]
  if gives then
    return function(self, a, b, c, d, e)
      local target = target_for(realm, shape, self, name)
      return conclude(realm, gives, pcall(method, target, a_of(realm, a), b_of(realm, b),
        c_of(realm, c), d_of(realm, d), e_of(realm, e)))
    end
  end
  return function(self, a, b, c, d, e)
    local target = target_for(realm, shape, self, name)
    return method(target, a_of(realm, a), b_of(realm, b), c_of(realm, c), d_of(realm, d),
      e_of(realm, e))
  end
end

local function methods_of(realm, shape)
  local methods = {}
  for name, method in pairs(shape.methods) do
    local build = shape.takes and type(shape.takes[name]) == "string" and variadic or fixed
    methods[name] = build(realm, shape, name, method)
  end
  return methods
end

local function refuse_to_set(shape)
  return shape.refuse or function(_, name)
    error(("%s.%s cannot be set"):format(shape.name, tostring(name)), 2)
  end
end

--- What the proxies of a class have in common.
local function metatable_for(realm, shape)
  local made = realm.metatables[shape.name]
  if made then return made end
  local methods, fields, check = methods_of(realm, shape), shape.fields, shape.check
  made = { __metatable = false, __newindex = refuse_to_set(shape) }
  function made.__index(proxy, key)
    local method = methods[key]
    if method then return method end
    local map = fields[key]
    if not map then return nil end
    local target = target_of[proxy]
    local problem = check and check(realm, target, key)
    if problem then error(problem, 2) end
    local value = target[key]
    if map == true or value == nil then return value end
    return map(realm, value)
  end
  realm.metatables[shape.name] = made
  return made
end

local function proxy_of(realm, shape, object)
  local proxy = realm.proxies[object]
  if proxy then return proxy end
  proxy = setmetatable({}, metatable_for(realm, shape))
  realm.proxies[object], target_of[proxy], realm.held[proxy] = proxy, object, object
  return proxy
end

function out(realm, value)
  local kind = type(value)
  if kind == "table" then
    local mt = getmetatable(value) ~= nil and metatable_of(value)
    if not mt then return value end
    local shape = shapes[mt]
    if shape then return proxy_of(realm, shape, value) end
    if target_of[value] or own[mt] then return value end
    return maps.view(realm, value, "api") -- an object of another plugin
  elseif kind == "function" then
    return show(realm, value)
  end
  if NOT_DATA[kind] then refuse(NOT_DATA[kind]) end
  return value
end

-- ---- views ----

local function read_only(_, name)
  error(("%s cannot be set: this is read only"):format(tostring(name)), 2)
end

--- A function of a view, that returns data.
local function show_plain(realm, fn)
  local found = realm.shown[fn]
  if found then return found end
  local function made(...) return fn(each(into, realm, ...)) end
  realm.shown[fn], realm.wrapped[made], realm.others[made] = made, fn, fn
  return made
end

local function look(realm, value, flavour)
  local kind = type(value)
  if kind == "function" then
    return (maps.showing[value] or flavour == "data" and show_plain or show)(realm, value)
  elseif kind ~= "table" or target_of[value] or shapes[metatable_of(value)] then
    return out(realm, value)
  end
  return maps.view(realm, value, flavour)
end

--- A table as it is now and later, to look at only.
---@param realm moongate.Realm
---@param value table
---@param flavour "data"|"api"
---@return table
function maps.view(realm, value, flavour)
  if type(value) ~= "table" then return out(realm, value) end
  local views = realm.views[flavour]
  if views[value] then return views[value] end
  local function index(_, key) return look(realm, value[into(realm, key)], flavour) end
  local view = setmetatable({}, { __metatable = false, __index = index, __newindex = read_only })
  local walk = { realm = realm, flavour = flavour }
  views[value], target_of[view], walks[view], realm.held[view] = view, value, walk, walk
  return view
end

--- For the guarded next: the entry of a view after this key; nil: it is no view.
---@param view table
---@return function? step
function maps.step_of(view)
  local walk = walks[view]
  if not walk then return end
  local realm, flavour = walk.realm, walk.flavour
  return function(_, key)
    local following, value = next(target_of[view], into(realm, key))
    if following == nil then return nil end
    return look(realm, following, flavour), look(realm, value, flavour)
  end
end

maps.into, maps.out, maps.keep = into, out, keep
maps.offered, maps.out_copy = offered, out_copy

return maps
