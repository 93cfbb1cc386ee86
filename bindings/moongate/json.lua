--- JSON by lua-cjson, with limits; failures are values.
local cjson = require("cjson").new()
local core = require "moongate.ffi"

local C = core.C
local MAX_DEPTH, MAX_ITEMS, MAX_VALUES = C.MOON_MAX_DEPTH, C.MOON_MAX_ITEMS, C.MOON_MAX_VALUES
local MAX_STRING_BYTES = C.MOON_MAX_FRAME_BYTES

-- An element takes two bytes: what is no longer than this has not too many.
local SHORT_BYTES = 2 * MAX_ITEMS

cjson.decode_max_depth(MAX_DEPTH)
cjson.encode_max_depth(MAX_DEPTH)
cjson.decode_invalid_numbers(false)
cjson.encode_invalid_numbers(false)
cjson.encode_sparse_array(true, 2, 16)

local json = { null = cjson.null }

local function is_finite(value)
  if type(value) == "number" then return value - value == 0 end
  if type(value) ~= "table" then return true end
  for _, inner in pairs(value) do
    if not is_finite(inner) then return false end
  end
  return true
end

--- The number of values in a value, itself included; nil, and what there is too much of.
local function count(value)
  if type(value) == "string" and #value > MAX_STRING_BYTES then
    return nil, ("a string has more than %d bytes"):format(MAX_STRING_BYTES)
  elseif type(value) ~= "table" then
    return 1
  end
  local items, values = 0, 1
  for _, inner in pairs(value) do
    local more, problem = count(inner)
    if problem then return nil, problem end
    items, values = items + 1, values + more
  end
  if items > MAX_ITEMS then
    return nil, ("a table has more than %d items"):format(MAX_ITEMS)
  elseif values > MAX_VALUES then
    return nil, ("more than %d values in all"):format(MAX_VALUES)
  end
  return values
end

--- nil, or what there is too much of in a value with this text.
local function excess(value, text)
  if #text <= SHORT_BYTES then return end
  return select(2, count(value))
end

--- An empty array and an empty object are the same table.
---@param text string
---@return any value nil when it is not JSON; JSON's null is json.null
---@return string? reason
function json.decode(text)
  local ok, value = pcall(cjson.decode, text)
  if not ok then return nil, value end
  -- lua-cjson makes infinity of a number that is too large, which nothing could encode.
  local may_overflow = #text > 300 or string.find(text, "[eE]%+?%d%d%d")
  if may_overflow and not is_finite(value) then return nil, "a number is too large" end
  local problem = excess(value, text)
  if problem then return nil, problem end
  return value
end

local MAX_EXACT = 9007199254740992 -- 2^53

local function is_long(value)
  return type(value) == "number" and value % 1 == 0
    and math.abs(value) >= 1e14 and math.abs(value) <= MAX_EXACT
end

--- A copy in which long whole numbers are strings with the mark in front, or just strings where
--- they are keys.
local function with_marks(value, mark)
  if is_long(value) then return mark .. ("%.0f"):format(value) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, inner in pairs(value) do
    copy[is_long(key) and ("%.0f"):format(key) or key] = with_marks(inner, mark)
  end
  return copy
end

--- lua-cjson writes 14 digits: longer whole numbers travel as marked strings, and lose the
--- quotes and the mark in the text.
local function encode_exactly(value, text)
  local mark
  repeat -- one that stands nowhere in the text, whatever a client has put there
    mark = ("number %08x "):format(math.random(0, 2147483647))
  until not text:find(mark, 1, true)
  return (string.gsub(cjson.encode(with_marks(value, mark)), '"' .. mark .. '(%-?%d+)"', "%1"))
end

--- The same, however much it is: for operators.
---@param value any
---@return string? text
---@return string? reason
function json.encode_whole(value)
  local ok, text = pcall(cjson.encode, value)
  if not ok then return nil, text end
  if text:find("e+", 1, true) then return encode_exactly(value, text) end
  return text
end

---@param value any no functions, no NaN or infinity, at most 32 deep; an empty table is {};
--- whole numbers of up to 53 bits are exact, others have 14 digits
---@return string? text
---@return string? reason
---@return "too_big"? code when it is no mistake: a table has over 10,000 elements or keys, a
--- string is longer than a message, or there are over 100,000 values in all
function json.encode(value)
  local text, reason = json.encode_whole(value)
  if not text then return nil, reason end
  local problem = excess(value, text)
  if problem then return nil, problem, "too_big" end
  return text
end

return json
