--- Values as the store keeps them: JSON in which equal values have equal bytes, and which gives
--- back what was put. Names are sorted, and numbers have all their digits.
local core = require "moongate.ffi"
local json = require "moongate.json"

local C = core.C

local storable = {}

-- What json.decode takes: more would never come back.
local MAX_DEPTH, MAX_ITEMS, MAX_VALUES = C.MOON_MAX_DEPTH, C.MOON_MAX_ITEMS, C.MOON_MAX_VALUES

local WHAT = "; stored are strings, numbers, booleans, json.null, "
  .. "json.empty_list and tables of them"

local function number(value)
  if value - value ~= 0 then return nil, " is not a finite number" end
  if value == 0 then return "0" end -- and not -0
  if value % 1 == 0 and math.abs(value) < 2 ^ 53 then return ("%.0f"):format(value) end
  local short = ("%.14g"):format(value)
  return tonumber(short) == value and short or ("%.17g"):format(value)
end

--- Its names, sorted, and how many other keys there are; nil when there are too many, however many.
local function names_of(value)
  local names, others = {}, 0
  for key in next, value do
    if type(key) == "string" then names[#names + 1] = key else others = others + 1 end
    if #names + others > MAX_ITEMS then return nil end
  end
  table.sort(names)
  return names, others
end

local write
local written = 0 -- so many values, of the one that is encoded now

local function write_list(value, count, depth)
  local parts = {}
  for i = 1, count do
    if value[i] == nil then return nil, " has keys that are neither names nor 1, 2, 3 ..." end
    local text, problem = write(value[i], depth)
    if not text then return nil, ("[%d]%s"):format(i, problem) end
    parts[i] = text
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function write_table(value, depth)
  if depth > MAX_DEPTH then return nil, (" is more than %d tables deep"):format(MAX_DEPTH) end
  if getmetatable(value) ~= nil then return nil, " is an object" .. WHAT end
  local names, others = names_of(value)
  if not names then return nil, (" has more than %d items"):format(MAX_ITEMS) end
  if others > 0 and names[1] then return nil, " has both names and other keys" end
  if others > 0 then return write_list(value, others, depth + 1) end
  for i, name in ipairs(names) do
    local text, problem = write(value[name], depth + 1)
    if not text then return nil, ("[%q]%s"):format(name, problem) end
    names[i] = json.encode(name) .. ":" .. text
  end
  return "{" .. table.concat(names, ",") .. "}"
end

local WRITERS = {
  string = function(value) return json.encode(value) end,
  number = number,
  boolean = tostring,
  table = write_table,
}

function write(value, depth)
  written = written + 1
  if written > MAX_VALUES then return nil, (" is one value more than %d"):format(MAX_VALUES) end
  if value == json.null then return "null" end
  if value == json.empty_list then return "{}" end -- what comes back has to have these bytes
  local writer = WRITERS[type(value)]
  if not writer then return nil, (" is a %s%s"):format(type(value), WHAT) end
  return writer(value, depth)
end

---@param value any data; an empty table is an object and a list alike, and so comes json.empty_list
--- back
---@return string? text nil when it cannot be stored
---@return string? problem where, and what is wrong: 'value["a"][2] is a function; ...'
function storable.encode(value)
  written = 0
  local text, problem = write(value, 1)
  if not text then return nil, "value" .. problem end
  return text
end

---@param text string that encode() has made
---@return any value nil when it is not
---@return string? problem
function storable.decode(text) return json.decode(text) end

return storable
