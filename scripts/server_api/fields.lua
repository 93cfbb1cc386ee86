--- The fields of a call: those that there are, of their types. Ranges are for whoever carries it
--- out. Knows no gate: it is given what says whether bytes are text, and what null is.

local names = require "auth.names"

local fields = {}

--- Whether this can be the name of a user.
---@param name string
---@param is_utf8 fun(text: string): boolean
---@return boolean
function fields.is_user(name, is_utf8)
  return is_utf8(name) and names.is_user(name)
end

local function is_strings(value)
  if type(value) ~= "table" then return false end
  local count = 0
  for _, element in pairs(value) do
    if type(element) ~= "string" then return false end
    count = count + 1
  end
  return count == #value
end

local IS = {
  string = function(value) return type(value) == "string" end,
  integer = function(value) return type(value) == "number" and value % 1 == 0 end,
  boolean = function(value) return type(value) == "boolean" end,
  object = function(value) return type(value) == "table" and value[1] == nil end,
  strings = is_strings,
  any = function() return true end,
}
local EXPECTED = {
  string = "a string", integer = "a whole number", boolean = "true or false",
  object = "an object", strings = "a list of strings",
}

--- Values of a query, which are texts.
local READ = {
  string = function(text) return text end,
  integer = function(text) return tonumber(text:match "^%-?%d+$") end,
  boolean = function(text)
    if text == "true" then return true elseif text == "false" then return false end
  end,
}

local function shown(name)
  return (tostring(name):sub(1, 64):gsub("[^\32-\126]", "?"))
end

local function missing(wanted, args)
  local absent = {}
  for name, type_name in pairs(wanted) do
    if type_name:sub(-1) == "!" and args[name] == nil then absent[#absent + 1] = name end
  end
  table.sort(absent)
  return absent[1]
end

--- What the fields are, or nil and what is wrong. Those that are null are absent.
local function read(wanted, given, value_of)
  local args = {}
  for name, value in pairs(given) do
    local type_name = wanted[name] and wanted[name]:match "^%l+"
    if not type_name then return nil, shown(name) .. ": there is no such field" end
    local found, is_absent = value_of(value, type_name)
    if not is_absent then
      if found == nil or not IS[type_name](found) then
        return nil, ("%s: expected %s"):format(name, EXPECTED[type_name])
      end
      args[name] = found
    end
  end
  local name = missing(wanted, args)
  if name then return nil, name .. ": is missing" end
  return args
end

--- Those of a body.
---@param wanted table<string, string> of the operation
---@param body any
---@param null any
---@return table? args
---@return string? problem
function fields.of_body(wanted, body, null)
  if type(body) ~= "table" or body[1] ~= nil then return nil, "the body: expected one object" end
  return read(wanted, body, function(value) return value, value == null end)
end

--- Those of a query.
---@param wanted table<string, string>
---@param query table<string, string>
---@param is_utf8 fun(text: string): boolean
---@return table? args
---@return string? problem
function fields.of_query(wanted, query, is_utf8)
  for name, text in pairs(query) do
    if not is_utf8(text) then return nil, shown(name) .. ": is not UTF-8" end
  end
  return read(wanted, query, function(text, type_name) return READ[type_name](text), false end)
end

return fields
