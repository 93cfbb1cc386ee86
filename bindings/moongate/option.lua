--- Options of plugins: what a plugin declares, and what its entry in init.lua sets.
local fields = require "moongate.fields"
local json = require "moongate.json"
local secret = require "moongate.secret"

---@class moongate.OptionSpec
---@field default? any without one, init.lua has to set it
---@field type? "string"|"number"|"integer"|"boolean"|"table" that of the default
---@field min? number of a number; the length of a string or a list
---@field max? number
---@field enum? any[] one of these
---@field pattern? string a Lua pattern that the whole string matches
---@field about? string one line for people

local SPEC = { default = true, type = true, min = true, max = true, enum = true, pattern = true,
  about = true }
local FIELDS = { type = "string", min = "number", max = "number", enum = "table",
  pattern = "string", about = "string" }
local NUMBERS = { number = true, integer = true }
local TYPES = { string = true, number = true, integer = true, boolean = true, table = true }

local option = {}

local function shown(value)
  if type(value) == "string" then return ('"%s"'):format(value) end
  return type(value) == "table" and "a table" or tostring(value)
end

local function is_of(value, wanted)
  if wanted == "integer" then return type(value) == "number" and value % 1 == 0 end
  return type(value) == wanted and value == value
end

local function is_in(value, list)
  for _, known in ipairs(list) do
    if value == known then return true end
  end
  return false
end

local function range_of(spec)
  if spec.min and spec.max then return (" from %s to %s"):format(spec.min, spec.max) end
  if spec.min then return (" of at least %s"):format(spec.min) end
  return spec.max and (" of at most %s"):format(spec.max) or ""
end

--- What a value has to be, in words.
local function wanted_of(spec)
  if spec.enum then
    local words = {}
    for i, value in ipairs(spec.enum) do words[i] = shown(value) end
    return "one of " .. table.concat(words, ", ")
  end
  local what = (spec.type == "integer" and "an " or "a ") .. spec.type
  if not NUMBERS[spec.type] and range_of(spec) ~= "" then what = what .. " of a length" end
  what = what .. range_of(spec)
  return spec.pattern and ('%s that matches "%s"'):format(what, spec.pattern) or what
end

local function length(value) return #value end

-- what min and max are about
local SIZE = { number = function(value) return value end, string = length, table = length,
  boolean = function() return 0 end }

--- Whether the value is as declared; and why it cannot be told, if a pattern takes too long for it.
local function fits(value, spec)
  if spec.enum then return is_in(value, spec.enum) end
  if not is_of(value, spec.type) then return false end
  local size = SIZE[type(value)](value)
  if size < (spec.min or -math.huge) or size > (spec.max or math.huge) then return false end
  if not spec.pattern then return true end
  local ok, found = pcall(value.find, value, "^" .. spec.pattern .. "$")
  if not ok then return false, found end
  return found ~= nil
end

local function problem_of_fields(spec)
  for name, wanted in pairs(FIELDS) do
    local value = spec[name]
    if value ~= nil and type(value) ~= wanted then
      return ("%s: expected a %s, got %s"):format(name, wanted, shown(value))
    end
  end
  if spec.enum and #spec.enum == 0 then
    return "enum: expected a list of values, got an empty one"
  end
end

local function problem_of_pattern(spec)
  if not spec.pattern then return end
  if spec.type ~= "string" then return "pattern: only of a string" end
  local ok, problem = pcall(string.find, "", spec.pattern)
  return not ok and "pattern: " .. problem or nil
end

local function problem_of(spec)
  if not TYPES[spec.type] then
    return ("type: expected string, number, integer, boolean or table, got %s"):format(spec.type)
  end
  local problem = problem_of_pattern(spec)
  if problem then return problem end
  if spec.default == nil then return end
  local is_fine, reason = fits(spec.default, spec)
  if is_fine then return end
  return "default: " .. (reason or ("expected %s, got %s"):format(wanted_of(spec),
    shown(spec.default)))
end

--- A declaration, checked and completed. Raises what is wrong with it.
---@param name string
---@param given any the default, or a moongate.OptionSpec
---@return moongate.OptionSpec
function option.declare(name, given)
  local spec = {}
  for key, value in pairs(type(given) == "table" and given or { default = given }) do
    spec[key] = value
  end
  local problem = fields.unknown(spec, SPEC) or problem_of_fields(spec)
  if not problem then
    spec.type = spec.type or type(spec.enum and spec.enum[1] or spec.default)
    problem = problem_of(spec)
  end
  if problem then error(('gate:option "%s": %s'):format(name, problem), 0) end
  return spec
end

--- The value in force. Raises when init.lua has set a bad one, or none that is needed.
---@param entry moongate.Entry
---@param name string
---@param spec moongate.OptionSpec
---@return any
function option.value(entry, name, spec)
  local value = entry.options[name]
  if value == nil then value = spec.default end
  local is_fine, reason = false, nil
  if value ~= nil then is_fine, reason = fits(value, spec) end
  if is_fine then return value end
  reason = reason or ("expected %s, got %s"):format(wanted_of(spec),
    value == nil and "nothing" or shown(value))
  error(('%s: plugin "%s": option "%s": %s'):format(entry.where, entry.name, name, reason), 0)
end

--- nil, or what is set and no plugin has declared.
---@param entry moongate.Entry
---@param declared table<string, moongate.OptionSpec>
---@return string? problem
function option.unknown(entry, declared)
  local names = {}
  for name in pairs(declared) do names[#names + 1] = name end
  table.sort(names)
  for name in pairs(entry.options) do
    if not declared[name] then
      return ('%s: plugin "%s" has no option "%s"; %s'):format(entry.where, entry.name,
        tostring(name), names[1] and "it has " .. table.concat(names, ", ") or "it has none")
    end
  end
end

--- A line that a string takes; what is none stays as it is.
local function in_line(value)
  if type(value) ~= "string" then return value end
  return (string.gsub(secret.masked(value), "%c", " "))
end

local function masked(name, value)
  if secret.is_one(name) then return secret.MASK end
  if type(value) == "table" then return json.encode(secret.masked(value)) or "a table" end
  return shown(in_line(value))
end

--- What there is to set, and what is set, for people. Secrets are masked.
---@param entry moongate.Entry
---@param declared table<string, moongate.OptionSpec>
---@return { name: string, value: string, default: string?, about: string? }[] by name
function option.survey(entry, declared)
  local all = {}
  for name, spec in pairs(declared) do
    local value = entry.options[name]
    if value == nil then value = spec.default end
    all[#all + 1] = { name = name, value = masked(name, value), about = in_line(spec.about),
      default = spec.default ~= nil and masked(name, spec.default) or nil }
  end
  table.sort(all, function(a, b) return a.name < b.name end)
  return all
end

return option
