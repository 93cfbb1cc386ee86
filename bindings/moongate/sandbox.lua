--- The environment of a guarded plugin's files: what they find where other code has Lua's globals.
--
-- Each file has tables of its own, so that nobody can change the library of another. What could get
-- around the membrane, or around the watchdog, is not there; what is asked for in vain says so.
local core = require "moongate.ffi"
local log = require "moongate.log"
local maps = require "moongate.membrane_maps"
local metatable = require "moongate.metatable"
local run = require "moongate.run"
local strings = require "moongate.strings"
local tables = require "moongate.tables"

local sandbox = {}

-- Of a file, and of code that load() is given: for gotos, and for "x and x and ...", Lua's parser
-- takes the square of the length, and nobody can stop it. This is a third of a second at worst.
sandbox.MAX_CODE_BYTES = 65536
local TOO_LONG = "load: over " .. sandbox.MAX_CODE_BYTES .. " bytes"
local ESCAPE = 27 -- begins bytecode

-- What is as it is.
local PLAIN = {}
for name in ([[assert error pcall rawequal rawget select tonumber tostring type unpack xpcall
  _VERSION]]):gmatch "%S+" do PLAIN[#PLAIN + 1] = name end

local LIBRARIES = {
  bit = "arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex",
  math = [[abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max
    min modf pi pow rad random sin sinh sqrt tan tanh]],
  os = "clock date difftime time",
}

local ABSENT = {}
for name in ([[collectgarbage dofile ffi gcinfo getfenv io jit loadfile module newproxy package
  setfenv]]):gmatch "%S+" do ABSENT[name] = true end

local function copy_of(name)
  local library, copy = require(name), {}
  for key in string.gmatch(LIBRARIES[name], "%S+") do copy[key] = library[key] end
  return copy
end

-- ---- metatables ----

local is_own = metatable.is_own

local function guarded_rawset(value, key, inner)
  if type(value) == "table" and not is_own(value) then
    error("rawset: this is no table of yours", 2)
  end
  return rawset(value, key, inner)
end

local function guarded_next(value, key)
  local step = maps.step_of(value)
  if step then return step(value, key) end
  return next(value, key)
end

--- Real pairs for what is no view, so that loops are compiled as ever.
local function guarded_pairs(value)
  local step = type(value) == "table" and maps.step_of(value)
  if step then return step, value, nil end
  return pairs(value)
end

local function next_in_list(value, place)
  local inner = value[place + 1]
  if inner ~= nil then return place + 1, inner end
end

local function guarded_ipairs(value)
  if type(value) == "table" and maps.step_of(value) then return next_in_list, value, 0 end
  return ipairs(value)
end

-- ---- code ----

local function joined(reader)
  local parts, bytes = {}, 0
  while true do
    local part = reader()
    if part == nil or part == "" then return table.concat(parts) end
    if type(part) ~= "string" then return nil, "reader function must return a string" end
    parts[#parts + 1], bytes = part, bytes + #part
    if bytes > sandbox.MAX_CODE_BYTES then return nil, TOO_LONG end
  end
end

--- load and loadstring: text only, in the environment of the file. It has the file's name: by its
--- name the watchdog knows whose code runs.
local function loader_for(name, env, owner)
  return function(text, _, _, its_env)
    local problem
    if metatable.is_made(text) then text, problem = joined(text) end
    if type(text) ~= "string" then
      return nil, problem or "load: expected a string, or a function of yours, got a "
        .. type(text)
    end
    if #text > sandbox.MAX_CODE_BYTES then return nil, TOO_LONG end
    if text:byte() == ESCAPE then return nil, "load: bytecode is not for a guarded plugin" end
    local chunk, why = load(text, name .. "(load)", "t")
    if not chunk then return nil, why end
    if type(its_env) ~= "table" then return setfenv(chunk, env) end
    metatable.belongs(its_env, owner)
    return setfenv(chunk, its_env)
  end
end

-- ---- coroutines ----

local made_here = setmetatable({}, { __mode = "k" }) -- set of coroutines of guarded code

local function guarded_create(fn)
  local made = coroutine.create(fn)
  made_here[made] = true
  return made
end

--- That of a task is the runtime's, which will use it for others.
local function guarded_running()
  local running = coroutine.running()
  return made_here[running or false] and running or nil
end

local function is_deep() return core.C.moon_stack_is_deep() ~= 0 end

strings.is_deep, strings.acts_for_caller = is_deep, metatable.acts_for_caller

--- Each coroutine has a stack of its own for Lua, but they share that of C.
local function guarded_resume(co, ...)
  if is_deep() then return false, "coroutine.resume: C stack overflow" end
  return coroutine.resume(co, ...)
end

local function guarded_wrap(fn)
  local wrapped = coroutine.wrap(fn)
  return function(...)
    if is_deep() then error("coroutine.wrap: C stack overflow", 2) end
    return wrapped(...)
  end
end

local function coroutines()
  return { create = guarded_create, resume = guarded_resume, running = guarded_running,
    status = coroutine.status, wrap = guarded_wrap, yield = coroutine.yield }
end

-- ---- print ----

local MAX_PRINTED_BYTES = 4096 -- a longer line would be cut by the log

--- Where print of guarded code goes: whoever reads the output of the server could hold it up. Also
--- for fake.lua.
sandbox.print = log.info

--- Between its values are tabs. Those after what has room are not looked at.
local function printed(...)
  local parts, bytes = {}, 0
  for i = 1, select("#", ...) do
    local text = tostring((select(i, ...)))
    if type(text) ~= "string" then error("print: __tostring has to return a string", 3) end
    parts[i] = text:sub(1, MAX_PRINTED_BYTES)
    bytes = bytes + #parts[i] + 1
    if bytes > MAX_PRINTED_BYTES then break end
  end
  return table.concat(parts, "\t"):sub(1, MAX_PRINTED_BYTES)
end
metatable.acts_for_caller(printed)

local function printer(owner)
  local function guarded_print(...)
    local now = run.plugin
    local text = printed(...)
    sandbox.print(now and now.name == owner and now.label or owner, text)
  end
  metatable.acts_for_caller(guarded_print)
  return guarded_print
end

-- ---- the environment ----

local function guarded_collectgarbage(what)
  if what == "count" then return collectgarbage "count" end
  error('collectgarbage: only "count" is for a guarded plugin', 2)
end

local function complain(_, name)
  if not ABSENT[name] then return nil end
  error(("%s is not for a guarded plugin: see Trust in docs/lua-api.md"):format(name), 2)
end

local env_mt = { __index = complain, __metatable = false }

--- What a file of a guarded plugin has as its globals.
---@param name string of the file's chunk
---@param require_of_app fun(name: string): any
---@param owner string name of the plugin
---@return table
function sandbox.environment(name, require_of_app, owner)
  local env = {
    require = require_of_app, setmetatable = metatable.setter(owner), rawset = guarded_rawset,
    getmetatable = metatable.shown, next = guarded_next, pairs = guarded_pairs,
    ipairs = guarded_ipairs, print = printer(owner),
    collectgarbage = guarded_collectgarbage, string = strings.library(), coroutine = coroutines(),
    table = tables.library(),
    debug = { traceback = debug.traceback },
  }
  for _, global in ipairs(PLAIN) do env[global] = _G[global] end
  for library in pairs(LIBRARIES) do env[library] = copy_of(library) end
  env.os.date = strings.date
  env._G, env.load = env, loader_for(name, env, owner)
  env.loadstring = env.load
  metatable.belongs(env, owner)
  return setmetatable(env, env_mt)
end

-- What is no file of the app and changes nothing.
local MODULES = { bit = true }

--- For require.
---@param name string
---@param path? string where a file of this name would be
---@return any module
---@return string? problem
function sandbox.module(name, path)
  if MODULES[name] then return copy_of(name) end
  return nil, ('require "%s": there is no %s, and a guarded plugin has no other modules but bit')
    :format(name, path or "folder of modules for an app of one file")
end

return sandbox
