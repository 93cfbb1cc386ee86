--- Metatables that guarded code sets: their functions run for the code of the same plugin only.
--
-- What has one may come to lie where others find it: in a message, or in the state of a room. They
-- shall not run code of a stranger by reading it, under their own name and time budget. So a table
-- gets a copy of the metatable, whose functions look at who has called them: by its environment.
local maps = require "moongate.membrane_maps"

local metatable = {}

local METHODS = {}
for name in ([[__index __newindex __call __tostring __eq __lt __le __concat __len __unm __add __sub
  __mul __div __mod __pow __mode __metatable]]):gmatch "%S+" do
  METHODS[#METHODS + 1] = name
end

local own = maps.own
local getinfo, environment_of, metatable_of = debug.getinfo, debug.getfenv, debug.getmetatable

local owner_of = setmetatable({}, { __mode = "k" }) -- environment -> name of the plugin
local copies = setmetatable({}, { __mode = "kv" })  -- metatable -> copy, as long as a table has it
local ORIGINAL = {} -- key in a copy

local CALLER = 3 -- of the metamethod, seen from is_for()

local acts_for_caller = setmetatable({}, { __mode = "k" }) -- function of the runtime -> true

--- Whether the code that has come upon the table is of this plugin. Functions in C act for theirs.
local function is_for(owner)
  local level = CALLER
  local info = getinfo(level, "Sf")
  while info and (info.what == "C" or acts_for_caller[info.func]) do
    level = level + 1
    info = getinfo(level, "Sf")
  end
  return info ~= nil and owner_of[environment_of(info.func)] == owner
end

-- What others get, who see a table without a metatable as far as that is possible.
local FOR_OTHERS = {
  __index = function() return nil end, __newindex = rawset, __eq = rawequal,
  __tostring = function() return "table" end,
}

local function complain()
  error("this table is that of a guarded plugin: its metatable is not for others", 3)
end

local function only_for(owner, name, fn)
  local for_others = FOR_OTHERS[name] or complain
  return function(...)
    if is_for(owner) then return fn(...) end
    return for_others(...)
  end
end

local function refresh(copy, mt, owner)
  local given = copy[ORIGINAL]
  for i = 1, #METHODS do
    local name = METHODS[i]
    local value = rawget(mt, name)
    if given[name] ~= value then
      given[name] = value
      copy[name] = type(value) == "function" and only_for(owner, name, value) or value
    end
  end
end

local function copy_of(mt, owner)
  local copy = copies[mt]
  if not copy then
    copy = { [ORIGINAL] = { mt = mt } }
    copies[mt], own[copy] = copy, true
  end
  refresh(copy, mt, owner)
  return copy
end

--- What is called in this environment is code of the plugin.
---@param env table
---@param owner string name of the plugin
function metatable.belongs(env, owner)
  if not owner_of[env] then owner_of[env] = owner end
end

--- This function, as those in C, comes upon tables for who has called it.
---@param fn function
function metatable.acts_for_caller(fn) acts_for_caller[fn] = true end

--- Whether it is a function that guarded code has made: the watchdog can stop it.
---@param fn any
---@return boolean
function metatable.is_made(fn)
  return type(fn) == "function" and owner_of[environment_of(fn)] ~= nil
    and getinfo(fn, "S").what ~= "C"
end

--- Whether guarded code may change it: it has no metatable but one that such code has set.
---@param value any
---@return boolean
function metatable.is_own(value)
  local mt = metatable_of(value)
  return mt == nil or own[mt] ~= nil
end

-- Lua itself follows these, a hundred of them at most.
local MAY_BE_TABLE = { __index = true, __newindex = true }
local IS_NO_METHOD = { __mode = true, __metatable = true }

--- What is no function of such code (of the runtime, in C, or a table that is called) could be
--- called again and again, by sort, without a line that the watchdog can stop.
local function check_methods(mt)
  for i = 1, #METHODS do
    local name = METHODS[i]
    local value = rawget(mt, name)
    local is_fine = value == nil or IS_NO_METHOD[name] or metatable.is_made(value)
      or MAY_BE_TABLE[name] and type(value) == "table"
    if not is_fine then
      error(("setmetatable: %s is no function of yours%s"):format(name,
        MAY_BE_TABLE[name] and ", nor a table" or ""), 3)
    end
  end
end

--- setmetatable of this plugin.
---@param owner string
---@return fun(value: table, mt?: table): table
function metatable.setter(owner)
  return function(value, mt)
    if type(value) == "table" and not metatable.is_own(value) then
      error("setmetatable: this is no table of yours", 2)
    end
    if type(mt) == "table" then
      if not metatable.is_own(mt) then
        error("setmetatable: the metatable is no table of yours", 2)
      end
      check_methods(mt)
      mt = copy_of(mt, owner)
    end
    return setmetatable(value, mt) -- raises what else is wrong
  end
end

--- getmetatable of guarded code: what was set, not the copy.
---@param value any
---@return any
function metatable.shown(value)
  if type(value) ~= "table" or not metatable.is_own(value) then return nil end
  local mt = getmetatable(value)
  local given = type(mt) == "table" and own[mt] and rawget(mt, ORIGINAL)
  return given and given.mt or mt
end

return metatable
