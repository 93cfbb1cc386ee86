--- Read-only views, for the console: what can be reached from one can be looked at and not changed,
--- and of its functions only those can be called that are known to change nothing.
local codecs = require "moongate.codec"
local json = require "moongate.json"
local membrane_maps = require "moongate.membrane_maps"
local strings = require "moongate.strings"
local tables = require "moongate.tables"

local view = {}

local function set_of(names)
  local set = {}
  for name in names:gmatch "%S+" do set[name] = true end
  return set
end

-- Methods that may be called: of classes of the runtime, where the class itself has them.
local READING = {
  gate = set_of "room user rooms users conns rooms_of now_ms is_utf8 sleep",
  ["gate.store"] = set_of "get scan",
  ["gate.crypto"] = set_of "same sha256 hmac_sha256",
  room = set_of "size has",
  user = set_of "size",
  conn = set_of "figures",
}

-- What the functions of a connection's metatable would make or take apart, and its methods.
local OF_CONN = set_of [[path query protocol address token host figures send admit limit close]]

local reading = setmetatable({}, { __mode = "k" }) -- set of functions
for _, codec in ipairs { codecs.json, codecs.msgpack } do
  reading[codec.encode], reading[codec.decode] = true, true
end
reading[json.list] = true

local iterators = setmetatable({}, { __mode = "k" }) -- set of those that such functions returned
local behind = setmetatable({}, { __mode = "k" }) -- function of the membrane -> what it wraps
local target_of, class_of = membrane_maps.target_of, membrane_maps.name_of

local OPAQUE = { table = true, ["function"] = true, thread = true, cdata = true, userdata = true }

local targets = setmetatable({}, { __mode = "k" })  -- view -> what it is of
local views = setmetatable({}, { __mode = "kv" })   -- and back

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
  if not OPAQUE[type(value)] or value == json.null or value == json.empty_list
    or targets[value] ~= nil then
    return value
  end
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

-- ---- looking ----

local function index_of(target)
  local its = debug.getmetatable(target)
  return its and rawget(its, "__index")
end

local function note_method(class, key, fn)
  local is_known = READING[class] and READING[class][key] and type(fn) == "function"
  if is_known and getfenv(fn) == _G then reading[fn] = true end
end

--- Of a proxy of the membrane: what a guarded plugin would find. Raises what that would be told.
local function look_through(proxy, key)
  local inner = view.lookup(target_of[proxy], key)
  if inner == nil then return end
  local value = index_of(proxy)(proxy, key)
  if type(value) == "function" and type(inner) == "function" then behind[value] = inner end
  return value
end

--- What is there under a key, without calling code of the app.
---@param target table
---@param key any
---@return any
function view.lookup(target, key)
  for _ = 1, 10 do
    if type(target) ~= "table" then return end
    if target_of[target] then return look_through(target, key) end
    local value = rawget(target, key)
    if value ~= nil then return value end
    local index, class = index_of(target), class_of(target)
    if type(index) == "function" then
      value = class and index(target, key) -- of the runtime, which no app has the metatable of
      note_method(class, key, value)
      return value or nil
    end
    if class and type(index) == "table" then note_method(class, key, rawget(index, key)) end
    target = index
  end
end

local function names_of(target)
  local names = {}
  for name in pairs(class_of(target) == "conn" and OF_CONN or {}) do names[name] = true end
  for _ = 1, 10 do
    if type(target) ~= "table" then break end
    for name in next, target do names[name] = true end
    target = index_of(target)
  end
  return names
end

--- What can be gone through: of a proxy of the membrane, what that lets a guarded plugin see.
---@param target table
---@return table target, or a copy
function view.shown(target)
  local inner = target_of[target]
  if not inner then return target end
  local copy, step = {}, membrane_maps.step_of(target)
  if step then
    for key in step, target do copy[key] = look_through(target, key) end
    return copy
  end
  for name in pairs(names_of(inner)) do
    local ok, value = pcall(look_through, target, name)
    if ok then copy[name] = value end -- else a capability is missing
  end
  return copy
end

---@param fn function
---@return function what it stands for
function view.inside(fn) return behind[fn] or fn end

mt.__index = function(self, key) return view.of(view.lookup(targets[self], view.target(key))) end

mt.__newindex = function(_, key)
  refuse(('"%s" cannot be set'):format(tostring(key)))
end

-- ---- calling ----

--- Functions that a call returns, as gate:rooms does, are iterators.
local function result(value)
  if type(value) == "function" then iterators[value] = true end
  return view.of(value)
end

--- A table with a metatable of the app would have the app's code run when it is looked into.
local function argument(value)
  value = view.target(value)
  if type(value) ~= "table" or debug.getmetatable(value) == nil then return value end
  if target_of[value] or class_of(value) or class_of(index_of(value)) then return value end
  return refuse "a table with a metatable cannot be handed over"
end

mt.__call = function(self, ...)
  local fn = targets[self]
  if not (reading[behind[fn] or fn] or iterators[fn]) then
    refuse "this function might change something"
  end
  return all(result, fn(all(argument, ...)))
end

mt.__len = function(self)
  local target = targets[self]
  return type(target) == "table" and #view.shown(target) or #target
end
mt.__tostring = function(self) return type(targets[self]) .. " (read-only)" end
mt.__metatable = "read-only"

-- ---- an environment ----

local function copy(from, names)
  local made = {}
  for name in names:gmatch "%S+" do made[name] = from[name] end
  return made
end

--- A table of the console's own has its keys and values as they are.
local function next_of(list, key)
  local target = targets[list]
  if target == nil then return next(list, key) end
  if type(target) == "table" then target = view.shown(target) end
  local inner_key, value = next(target, view.target(key))
  return view.of(inner_key), view.of(value)
end

--- Of a proxy of the membrane once, and not for each step.
local function pairs_of(list)
  local target = targets[list]
  if type(target) == "table" then list = view.of(view.shown(target)) end
  return next_of, list, nil
end

local function walk(list, i)
  local value = list[i + 1]
  if value ~= nil then return i + 1, value end
end

local function caught(ok, ...)
  if ok then return ok, ... end
  return ok, view.of((...))
end

local function concat(list, ...) return strings.concat(view.shown(view.target(list)), ...) end

--- Functions that cannot change what others use, each time in tables of their own.
---@return table<string, any>
function view.builtins()
  local made = copy(_G, "assert error select tonumber")
  made.pairs = pairs_of
  made.ipairs = function(list) return walk, list, 0 end
  made.next = next_of
  made.type = function(value) return type(view.target(value)) end
  made.tostring = tostring
  made.pcall = function(...) return caught(pcall(...)) end
  made.unpack = function(list, ...)
    return all(view.of, unpack(view.shown(view.target(list)), ...))
  end
  made.math = copy(math, "abs ceil cos exp floor fmod huge log max min pi pow random sin sqrt tan")
  made.string = strings.library()
  made.table = tables.of_console()
  made.table.concat = concat
  made.os = copy(os, "clock time")
  made.os.date = strings.date
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
