--- Read-only views, for the console: what can be reached from one can be looked at and not changed,
--- and of its functions only those can be called that are known to change nothing.
local json = require "moongate.json"
local strings = require "moongate.strings"

local view = {}

-- Methods and functions of the runtime that may be called, by their names.
local READING = {}
for name in ([[room user rooms users conns rooms_of now_ms is_utf8 sleep get scan figures size has
  encode decode]]):gmatch "%S+" do
  READING[name] = true
end

local OPAQUE = { table = true, ["function"] = true, thread = true, cdata = true, userdata = true }

local targets = setmetatable({}, { __mode = "k" })  -- view -> what it is of
local views = setmetatable({}, { __mode = "kv" })   -- and back
local callable = setmetatable({}, { __mode = "k" }) -- set of functions

local prototype = newproxy(true)
local mt = getmetatable(prototype)

local function refuse(what)
  error(("read-only: %s; moongate ctl console --write lets it"):format(what), 3)
end

---@param value any
---@return any what it is a view of, or itself
function view.target(value)
  local target = targets[value]
  if target == nil then return value end
  return target
end

---@param value any
---@return any a view of it, or itself when it cannot be changed
function view.of(value)
  if not OPAQUE[type(value)] or value == json.null or targets[value] ~= nil then return value end
  local made = views[value]
  if not made then
    made = newproxy(prototype)
    targets[made], views[value] = value, made
  end
  return made
end

local function all(how, ...)
  local list, count = { ... }, select("#", ...)
  for i = 1, count do list[i] = how(list[i]) end
  return unpack(list, 1, count)
end

local function is_of_runtime(fn) return getfenv(fn) == _G end

--- What is there under a key, without calling code of the app.
---@param target table
---@param key any
---@return any
function view.lookup(target, key)
  for _ = 1, 10 do
    if type(target) ~= "table" then return end
    local value = rawget(target, key)
    if value ~= nil then return value end
    local its = debug.getmetatable(target)
    local index = its and rawget(its, "__index")
    if type(index) == "function" then
      return is_of_runtime(index) and index(target, key) or nil
    end
    target = index
  end
end

mt.__index = function(self, key)
  local value = view.lookup(targets[self], view.target(key))
  if type(value) == "function" and READING[key] and is_of_runtime(value) then
    callable[value] = true
  end
  return view.of(value)
end

mt.__newindex = function(_, key)
  refuse(('"%s" cannot be set'):format(tostring(key)))
end

--- Functions that a call returns, as gate:rooms does, are iterators.
local function result(value)
  if type(value) == "function" then callable[value] = true end
  return view.of(value)
end

mt.__call = function(self, ...)
  local fn = targets[self]
  if not callable[fn] then refuse "this function might change something" end
  return all(result, fn(all(view.target, ...)))
end

mt.__len = function(self) return #targets[self] end
mt.__tostring = function(self) return type(targets[self]) .. " (read-only)" end
mt.__metatable = "read-only"

-- ---- an environment ----

local function copy(from, names)
  local made = {}
  for name in names:gmatch "%S+" do made[name] = from[name] end
  return made
end

local function next_of(list, key)
  local target = view.target(list)
  local inner_key, value = next(target, view.target(key))
  if target == list then return inner_key, value end
  return view.of(inner_key), view.of(value)
end

local function walk(list, i)
  local value = list[i + 1]
  if value ~= nil then return i + 1, value end
end

local function caught(ok, ...)
  if ok then return ok, ... end
  return ok, view.of((...))
end

local function concat(list, ...) return strings.concat(view.target(list), ...) end

--- Functions that cannot change what others use, each time in tables of their own.
---@return table<string, any>
function view.builtins()
  local made = copy(_G, "assert error select tonumber")
  made.pairs = function(list) return next_of, list, nil end
  made.ipairs = function(list) return walk, list, 0 end
  made.next = next_of
  made.type = function(value) return type(view.target(value)) end
  made.tostring = tostring
  made.pcall = function(...) return caught(pcall(...)) end
  made.unpack = function(list, ...) return all(view.of, unpack(view.target(list), ...)) end
  made.math = copy(math, "abs ceil cos exp floor fmod huge log max min pi pow random sin sqrt tan")
  made.string = strings.library()
  made.table = copy(table, "insert remove sort maxn")
  made.table.concat = concat
  made.os = copy(os, "clock date time")
  return made
end

--- An environment over another one, whose globals can be looked at.
---@param env table
---@param own table<string, any> what there is beside it
---@return table
function view.environment(env, own)
  local builtins = view.builtins()
  for name, value in pairs(own) do builtins[name] = value end
  return setmetatable({}, {
    __index = function(_, name)
      if builtins[name] ~= nil then return builtins[name] end
      return view.of(view.lookup(env, name))
    end,
    __newindex = function(_, name)
      refuse(('the global "%s" cannot be set'):format(tostring(name)))
    end,
    __metatable = "read-only",
  })
end

return view
