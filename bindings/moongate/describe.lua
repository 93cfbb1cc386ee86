--- Values as an operator reads them: like Lua, tables to a depth, and not more than fits a screen
--- or two. Calls no code of the app.
local json = require "moongate.json"
local view = require "moongate.view"

local MAX_DEPTH = 4
local MAX_ENTRIES = 50   -- of a table
local MAX_LOOKED_AT = 1000 -- of its keys, to be put in order
local MAX_BYTES = 16384  -- in all; what has begun ends
local SHORT_BYTES = 72   -- of a table in one line
local MAX_STRING_BYTES = 1024

local function quote(text)
  local cut = #text > MAX_STRING_BYTES and (" .. %d bytes"):format(#text) or ""
  text = string.gsub(text:sub(1, MAX_STRING_BYTES), '[%c"\\]', function(char)
    if char == "\n" then return "\\n" end
    return char:find "%c" and ("\\%03d"):format(char:byte()) or "\\" .. char
  end)
  return '"' .. text .. '"' .. cut
end

local function function_text(fn)
  local info = debug.getinfo(view.inside(fn), "S")
  if info.what == "C" then return "<function in C>" end
  return ("<function %s:%d>"):format(info.short_src, info.linedefined)
end

--- As short as it can be and be the same number again.
local function number_text(value)
  local text = ("%.14g"):format(value)
  if tonumber(text) == value or value ~= value then return text end
  return ("%.17g"):format(value)
end

local function scalar(value)
  local kind = type(value)
  if kind == "string" then return quote(value) end
  if kind == "number" then return number_text(value) end
  if kind == "function" then return function_text(value) end
  if kind == "nil" or kind == "boolean" then return tostring(value) end
  if value == json.empty_list then return "<empty list>" end
  return ("<%s>"):format(kind == "userdata" and "null" or kind)
end

local RANK = { number = 1, string = 2 }

local function before(a, b)
  local kind_a, kind_b = RANK[type(a)] or 3, RANK[type(b)] or 3
  if kind_a ~= kind_b then return kind_a < kind_b end
  if kind_a == 3 then return type(a) < type(b) end
  return a < b
end

local function keys_of(target)
  local keys, count = {}, 0
  for key in next, target do
    count = count + 1
    if count <= MAX_LOOKED_AT then keys[count] = key end
  end
  table.sort(keys, before)
  return keys, count
end

local function key_text(key, place)
  if key == place then return "" end
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return key .. " = " end
  return ("[%s] = "):format(scalar(key))
end

local describe

--- Of what is shown of a table, its entries.
local function entries_of(target, depth, seen, budget)
  local keys, count = keys_of(target)
  local parts = {}
  for i, key in ipairs(keys) do
    if i > MAX_ENTRIES or budget.bytes < 0 then break end
    parts[i] = key_text(key, i) .. describe(rawget(target, key), depth + 1, seen, budget)
  end
  if count > #parts then parts[#parts + 1] = ("... %d more"):format(count - #parts) end
  return parts
end

local function join(parts, depth)
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #line <= SHORT_BYTES and not line:find "\n" then return line end
  local indent = ("  "):rep(depth + 1)
  return ("{\n%s%s\n%s}"):format(indent, table.concat(parts, ",\n" .. indent), ("  "):rep(depth))
end

function describe(value, depth, seen, budget)
  value = view.target(value)
  if type(value) ~= "table" then
    local text = scalar(value)
    budget.bytes = budget.bytes - #text
    return text
  end
  if seen[value] then return "<table above>" end
  if depth >= MAX_DEPTH then return next(value) == nil and "{}" or "{ ... }" end
  local shown = view.shown(value)
  if next(shown) == nil then return "{}" end
  seen[value] = true
  local text = join(entries_of(shown, depth, seen, budget), depth)
  seen[value] = nil
  return text
end

--- Texts of values, one under the other.
---@param values table with n
---@return string
return function(values)
  local lines, budget = {}, { bytes = MAX_BYTES }
  for i = 1, values.n do lines[i] = describe(values[i], 0, {}, budget) end
  return table.concat(lines, "\n")
end
