--- What belongs to the gateway and not to the code: gate.state of each plugin.
--
-- The table of a plugin is the same always: a reload changes what is in it, in place, so
-- that old references stay good, and can put everything back.
local json = require "moongate.json"
local memory = require "moongate.memory"
local migration = require "moongate.migration"

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

--- Remembers the states of these plugins as they are now, for state.restore().
---@param names string[]
---@return table<string, table>? snapshot by name
---@return string? name of the first that there is not enough memory for
function state.snapshot(names)
  local snapshot = {}
  for _, name in ipairs(names) do
    local found, kept = of_plugin[name], { version = versions[name] }
    if found then
      local ok, copies = memory.lend(migration.copy, found)
      if not ok then return nil, name end
      kept.copies = copies
    end
    snapshot[name] = kept
  end
  return snapshot
end

--- Those that are not in force have gone for good.
---@param plugins table<string, any> by name: all that are
function state.forget_others(plugins)
  for _, all in ipairs { of_plugin, versions } do
    for name in pairs(all) do
      if not plugins[name] then all[name] = nil end
    end
  end
end

--- Puts back every table of the snapshot in place; as often as it is called.
---@param snapshot table<string, table>
function state.restore(snapshot)
  for name, kept in pairs(snapshot) do
    versions[name] = kept.version
    if kept.copies then
      migration.put_back(kept.copies)
    elseif of_plugin[name] then -- whoever holds the new table shall not see what failed
      migration.put_back(migration.nothing(of_plugin[name]))
      of_plugin[name] = nil
    end
  end
end

-- ---- versions ----

---@param plugin string
---@return integer? version nil: the plugin has never been loaded
function state.version(plugin) return versions[plugin] end

--- Runs the steps that the state has not seen yet. Raises; the caller restores.
---@param plugin moongate.Plugin
---@param is_new boolean there is nothing to migrate: it is of the newest version
function state.migrate(plugin, is_new)
  local steps = plugin.migrations
  local newest = migration.newest(steps)
  local version = is_new and newest or versions[plugin.name] or 0
  if version > newest then
    error(('%s: its state is of version %d, and this code knows %d: "moongate ctl rollback" '
      .. "brings back state and code, or declare gate:migrate(%d, ...)"):format(
      plugin.file, version, newest, version + 1), 0)
  end
  local problem = migration.run(plugin, steps, version, state.of(plugin.name))
  if problem then error(("%s: %s"):format(plugin.file, problem), 0) end
  versions[plugin.name] = newest
end

-- ---- data only ----

local DATA = { string = true, number = true, boolean = true, table = true }
local LOOK = 1024 -- tables between two looks at the memory
local MAX_SHOWN = 16 -- keys of the way to what is no data
local KEY = { string = true, number = true, boolean = true }

local function shown(key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return "." .. key end
  return ("[%s]"):format(type(key) == "string" and ("%q"):format(key) or tostring(key))
end

local function no_data(value)
  local kind = type(value)
  if kind == "table" and getmetatable(value) ~= nil then
    return "is an object; a state holds data only: keep its name or id"
  elseif not (DATA[kind] or value == json.null or value == json.empty_list) then
    return ("is a %s; a state holds data only, or it could not outlive the code"):format(kind)
  end
end

local function no_key(key)
  if KEY[type(key)] then return end
  return ("has a %s as a key; the keys of a state are strings, numbers or booleans"):format(
    type(key))
end

---@param root any
---@param name string
---@return string? problem
function state.not_table(root, name)
  if type(root) ~= "table" then return ("%s is a %s, no table"):format(name, type(root)) end
end

--- The way to what is no data takes more memory than all the rest: it is only looked for when there
--- is such a thing. Raises for want of memory.
local function is_data(root)
  local left, seen, count, looked = { root }, { [root] = true }, 1, 0
  while count > 0 do
    local found = left[count]
    left[count], count = nil, count - 1
    for k, v in next, found do
      if no_key(k) or no_data(v) then return false end
      if type(v) == "table" and not seen[v] then
        count, looked = count + 1, looked + 1
        left[count], seen[v] = v, true
        if looked % LOOK == 0 then memory.check() end
      end
    end
  end
  return true
end

--- nil, or what in the state is no data, with the way to it.
---@param root table
---@param name string what it is called: "gate.state"
---@return string? problem
function state.not_data(root, name)
  if getmetatable(root) ~= nil then return name .. " has a metatable; a state holds data only" end
  if is_data(root) then return end
  local found, seen, count = { root }, { [root] = true }, 1
  local outer, key_of = {}, {} -- place in `found` -> the place of what it is in, and its key there
  local function path_of(place)
    local path = {} -- from its end
    while outer[place] do
      path[#path + 1] = shown(key_of[place])
      place = outer[place]
    end
    local words = { name, #path > MAX_SHOWN and " ... " or "" }
    for i = math.min(#path, MAX_SHOWN), 1, -1 do words[#words + 1] = path[i] end
    return table.concat(words)
  end
  local place = 1
  while place <= count do
    for k, v in next, found[place] do
      local problem = no_key(k)
      if problem then return ("%s %s"):format(path_of(place), problem) end
      problem = no_data(v)
      if problem then return ("%s%s %s"):format(path_of(place), shown(k), problem) end
      if type(v) == "table" and not seen[v] then
        count = count + 1
        found[count], seen[v], outer[count], key_of[count] = v, true, place, k
      end
    end
    place = place + 1
  end
end

return state
