--- What belongs to the gateway and not to the code: gate.state of each plugin.
--
-- The table of a plugin is the same always: a reload changes what is in it, in place, so
-- that old references stay good, and can put everything back.
local json = require "moongate.json"
local task = require "moongate.task"

local state = {}

local of_plugin = {}  -- plugin name -> table
local versions = {}   -- plugin name -> version of what is in it, see gate:migrate

---@param plugin string
---@return table state the same table for every generation of the plugin
function state.of(plugin)
  local found = of_plugin[plugin] or {}
  of_plugin[plugin] = found
  return found
end

-- A plugin may set a metatable on its state, also a protected one.
local metatable_of, set_metatable = debug.getmetatable, debug.setmetatable

--- All tables that can be reached, each with a copy of itself. A list instead of recursion:
--- a state may be a long chain. Objects are not looked into: they belong to others.
local function copy_all(root)
  local copies, found = { [root] = {} }, { root }
  local function note(value)
    if type(value) == "table" and not copies[value] and not metatable_of(value) then
      copies[value] = {}
      found[#found + 1] = value
    end
  end
  local i = 1
  while found[i] do
    local copy = copies[found[i]]
    for k, v in next, found[i] do
      copy[k] = v
      note(k)
      note(v)
    end
    i = i + 1
  end
  return copies
end

local function put_back(copies)
  for original, copy in pairs(copies) do
    set_metatable(original, nil) -- it had none, or it was no data already
    for k in next, original do original[k] = nil end
    for k, v in next, copy do original[k] = v end
  end
end

--- Remembers the states of these plugins as they are now, for state.restore().
---@param names string[]
---@return table<string, table> snapshot by name
function state.snapshot(names)
  local snapshot = {}
  for _, name in ipairs(names) do
    local found = of_plugin[name]
    snapshot[name] = { version = versions[name], copies = found and copy_all(found) }
  end
  return snapshot
end

--- Puts back every table of the snapshot in place; as often as it is called.
---@param snapshot table<string, table>
function state.restore(snapshot)
  for name, kept in pairs(snapshot) do
    versions[name] = kept.version
    if kept.copies then
      put_back(kept.copies)
    elseif of_plugin[name] then -- whoever holds the new table shall not see what failed
      put_back { [of_plugin[name]] = {} }
      of_plugin[name] = nil
    end
  end
end

-- ---- versions ----

---@param plugin string
---@return integer? version nil: the plugin has never been loaded
function state.version(plugin) return versions[plugin] end

local function brief(value)
  local kind = type(value)
  if kind == "string" then return ("%q"):format(value:sub(1, 60)) end
  return (kind == "number" or kind == "boolean") and tostring(value)
end

--- Simple locals of the app's function that has failed: which key was being worked on.
local function locals_of_culprit()
  local level, words = task.level_of_app(), {}
  if level == 0 then return "" end
  for i = 1, 32 do
    local name, value = debug.getlocal(level, i)
    if not name then break end
    local text = name:sub(1, 1) ~= "(" and brief(value) -- those in parentheses are LuaJIT's own
    if text then words[#words + 1] = ("%s = %s"):format(name, text) end
  end
  return words[1] and " (with " .. table.concat(words, ", ") .. ")" or ""
end

local function describe(problem) return tostring(problem) .. locals_of_culprit() end

--- Runs the steps that the state has not seen yet. Raises; the caller restores.
---@param plugin moongate.Plugin
---@param is_new boolean there is nothing to migrate: it is of the newest version
function state.migrate(plugin, is_new)
  local steps = plugin.migrations
  local newest = steps[#steps] and steps[#steps].version or 0
  local version = is_new and newest or versions[plugin.name] or 0
  if version > newest then
    error(('%s: its state is of version %d, and this code knows %d: "moongate ctl rollback" '
      .. "brings back state and code, or declare gate:migrate(%d, ...)"):format(
      plugin.file, version, newest, version + 1), 0)
  end
  for _, step in ipairs(steps) do
    if step.version > version then
      local ok, problem = xpcall(step.fn, describe, state.of(plugin.name))
      if not ok then
        error(("%s: the migration to version %d failed: %s"):format(plugin.file, step.version,
          problem), 0)
      end
      version = step.version
    end
  end
  versions[plugin.name] = version
end

-- ---- data only ----

local DATA = { string = true, number = true, boolean = true, table = true }
local MAX_SHOWN = 16 -- keys of the way to what is no data
local KEY = { string = true, number = true, boolean = true }

local function shown(key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return "." .. key end
  return ("[%s]"):format(type(key) == "string" and ("%q"):format(key) or tostring(key))
end

local function no_data(value)
  local kind = type(value)
  if kind == "table" and metatable_of(value) then
    return "is an object; a state holds data only: keep its name or id"
  elseif not DATA[kind] and value ~= json.null then
    return ("is a %s; a state holds data only, or it could not outlive the code"):format(kind)
  end
end

local function no_key(key)
  if KEY[type(key)] then return end
  return ("has a %s as a key; the keys of a state are strings, numbers or booleans"):format(
    type(key))
end

--- nil, or what in the state is no data, with the way to it.
---@param root table
---@param name string what it is called: "gate.state"
---@return string? problem
function state.not_data(root, name)
  local found, outer, key_of = { root }, { [root] = root }, {}
  local function path_of(value)
    local path = {} -- from its end
    while value ~= root do
      path[#path + 1] = shown(key_of[value])
      value = outer[value]
    end
    local words = { name, #path > MAX_SHOWN and " ... " or "" }
    for i = math.min(#path, MAX_SHOWN), 1, -1 do words[#words + 1] = path[i] end
    return table.concat(words)
  end
  if metatable_of(root) then return name .. " has a metatable; a state holds data only" end
  local i = 1
  while found[i] do
    local inside = found[i]
    for k, v in next, inside do
      local problem = no_key(k)
      if problem then return ("%s %s"):format(path_of(inside), problem) end
      problem = no_data(v)
      if problem then return ("%s%s %s"):format(path_of(inside), shown(k), problem) end
      if type(v) == "table" and not outer[v] then
        outer[v], key_of[v] = inside, k
        found[#found + 1] = v
      end
    end
    i = i + 1
  end
end

return state
