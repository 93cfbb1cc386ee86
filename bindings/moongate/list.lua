--- The app's list of plugins: what init.lua returns.
--
--   return {
--     "auth",
--     { "rooms", options = { max_per_connection = 50 } },
--   }
local fields = require "moongate.fields"
local BUDGET = require("moongate.run").BUDGET
local sources = require "moongate.source"
local trust = require "moongate.trust"

---@class moongate.Entry
---@field name string
---@field file string path
---@field options table<string, any> what gate:option gives
---@field as_written table<string, any> the same, which no plugin can change
---@field budget moongate.Budget
---@field trust "trusted"|"guarded"
---@field capabilities table<string, true>
---@field where string the list, for messages

local list = {}

local ENTRY = { options = true, budget = true, trust = true, capabilities = true }
local SETTINGS = { rollback = true, budget = true, trust = true, capabilities = true }

local ROLLBACK = { factor = true, min_errors = true, within_ms = true }
local NAME = "^[%w_][%w_-]*$"

local MAX_BUDGET = 86400000

--- What is there and is no file is refused by who reads it.
local function is_there(path)
  local text, problem = sources.read(path)
  return text ~= nil or problem ~= nil
end

--- "lobby.party" is lobby/party.lua.
---@param name any
---@return boolean
function list.is_name(name)
  if type(name) ~= "string" or name == "init" or name:find "%.$" then return false end
  for part in name:gmatch "[^.]+" do
    if not part:find(NAME) then return false end
  end
  return name ~= "" and not name:find("..", 1, true) and name:sub(1, 1) ~= "."
end

local function fail(where, format, ...) error(where .. ": " .. format:format(...), 0) end

local function read_name(where, place, value)
  if type(value) ~= "table" then
    fail(where, 'entry %d: expected "name" or { "name", options = { ... } }, got a %s', place,
      type(value))
  end
  local name = value[1]
  if list.is_name(name) then return name end
  fail(where, 'entry %d: expected the name of a plugin, "rooms" for rooms.lua, got %s', place,
    type(name) == "string" and ('"%s"'):format(name) or type(name))
end

local function check_fields(where, name, value)
  local named = {}
  for key, inner in pairs(value) do
    if key ~= 1 then named[key] = inner end
  end
  local unknown = fields.unknown(named, ENTRY)
  if unknown then fail(where, 'plugin "%s": %s', name, unknown) end
  if type(value.options or {}) ~= "table" then
    fail(where, 'plugin "%s": options: expected a table, got a %s', name, type(value.options))
  end
end

--- Raises at a table that holds itself.
local function copy(value, outer)
  if type(value) ~= "table" then return value end
  if outer[value] then error("options: a table holds itself", 0) end
  outer[value] = true
  local made = {}
  for key, inner in pairs(value) do made[key] = copy(inner, outer) end
  outer[value] = nil
  return made
end

local function is_budget(value)
  return type(value) == "number" and value % 1 == 0 and value >= 1 and value <= MAX_BUDGET
end

--- The budget of a plugin, or of all: what is not named is as before.
local function read_budget(where, given, before)
  if given == nil then return before end
  if type(given) ~= "table" then
    fail(where, "budget: expected a table as { soft_ms = 50 }, got a %s", type(given))
  end
  local unknown = fields.unknown(given, before)
  if unknown then fail(where, "budget: %s", unknown) end
  local read = {}
  for name, default in pairs(before) do
    read[name] = given[name] == nil and default or given[name]
    if not is_budget(read[name]) then
      fail(where, "budget: %s: expected a whole number from 1 to %d, got %s", name, MAX_BUDGET,
        tostring(read[name]))
    end
  end
  if read.soft_ms > read.hard_ms then fail(where, "budget: soft_ms is more than hard_ms") end
  return read
end

local function read_trust(where, given, before)
  local read, problem = trust.read(given, before)
  if not read then fail(where, "%s", problem) end
  return read
end

local function read_entry(folder, where, place, value, all)
  if type(value) == "string" then value = { value } end
  local name = read_name(where, place, value)
  check_fields(where, name, value)
  local file = ("%s/%s.lua"):format(folder, name:gsub("%.", "/"))
  if not all.is_there(file) then fail(where, 'plugin "%s": there is no file %s', name, file) end
  local options = value.options or {}
  local ok, as_written = pcall(copy, options, {})
  if not ok then fail(where, 'plugin "%s": %s', name, as_written) end
  local whose = ('%s: plugin "%s"'):format(where, name)
  local its = read_trust(whose, value, all.trust)
  return { name = name, file = file, options = options, as_written = as_written, where = where,
    budget = read_budget(whose, value.budget, all.budget), trust = its.trust,
    capabilities = its.capabilities }
end

--- When a generation goes back by itself: false, or numbers in place of the defaults.
local function check_rollback(where, given)
  if given == nil or type(given) == "boolean" then return end
  if type(given) ~= "table" then
    fail(where, "rollback: expected false or { factor =, min_errors =, within_ms = }, got a %s",
      type(given))
  end
  local unknown = fields.unknown(given, ROLLBACK)
  if unknown then fail(where, "rollback: %s", unknown) end
  for name, value in pairs(given) do
    if type(value) ~= "number" or value <= 0 then
      fail(where, "rollback: %s: expected a number above 0, got %s", name, tostring(value))
    end
  end
end

--- How many entries there are; raises at a gap and at what is no entry.
local function measure(where, value)
  local count = 0
  for _ in ipairs(value) do count = count + 1 end
  for key in pairs(value) do
    local is_place = type(key) == "number" and key >= 1 and key <= count
    if not is_place and not SETTINGS[key] then
      fail(where, "unknown: %s; a list of plugins, rollback, budget, trust and capabilities",
        tostring(key))
    end
  end
  return count
end

--- The entries in order. Raises all that is wrong with them, a line each.
local function read_entries(folder, where, value, all)
  local entries, places, problems = {}, {}, {}
  for place = 1, measure(where, value) do
    local ok, entry = pcall(read_entry, folder, where, place, value[place], all)
    if ok and places[entry.name] then
      ok, entry = pcall(fail, where, 'plugin "%s" is listed twice: entries %d and %d', entry.name,
        places[entry.name], place)
    end
    if ok then
      places[entry.name], entries[place] = place, entry
    else
      problems[#problems + 1] = entry
    end
  end
  if problems[1] then error(table.concat(problems, "\n"), 0) end
  return entries
end

--- The plugins of what init.lua has returned, in order. Raises.
---@param folder string
---@param value any
---@param looks_there? fun(path: string): any whether a file can be loaded; by default, is on
--- the disk
---@return moongate.Entry[]
function list.read(folder, value, looks_there)
  local where = folder .. "/init.lua"
  if type(value) ~= "table" then
    fail(where, 'expected a list of plugins, return { "auth", { "rooms", options = { ... } } }, '
      .. "got a %s", type(value))
  end
  check_rollback(where, value.rollback)
  local all = { is_there = looks_there or is_there,
    budget = read_budget(where, value.budget, BUDGET),
    trust = read_trust(where, value, trust.GUARDED) }
  return read_entries(folder, where, value, all)
end

--- An app of one file: that plugin, with its defaults. Whoever names it on the command line trusts
--- it.
---@param path string
---@return moongate.Entry[]
function list.of_file(path)
  return { { name = path:match "([^/]+)%.lua$" or path, file = path, options = {},
    as_written = {}, budget = BUDGET, trust = trust.TRUSTED.trust, capabilities = {},
    where = path } }
end

--- Whether the app is a folder with a list in it.
---@param path string
function list.is_folder(path) return is_there(path .. "/init.lua") end

return list
