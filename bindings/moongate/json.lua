--- JSON by lua-cjson, with limits; failures are values.
local cjson = require("cjson").new()

cjson.decode_max_depth(32)
cjson.encode_max_depth(32)
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

--- An empty array and an empty object are the same table.
---@param text string
---@return any value nil when it is not JSON; JSON's null is json.null
---@return string? reason
function json.decode(text)
  local ok, value = pcall(cjson.decode, text)
  if not ok then return nil, value end
  -- lua-cjson makes infinity of a number that is too large, which nothing could encode.
  local may_overflow = #text > 300 or text:find "[eE]%+?%d%d%d"
  if may_overflow and not is_finite(value) then return nil, "a number is too large" end
  return value
end

local MAX_EXACT = 9007199254740992 -- 2^53

local function is_long(value)
  return type(value) == "number" and value % 1 == 0
    and math.abs(value) >= 1e14 and math.abs(value) <= MAX_EXACT
end

--- A copy in which long whole numbers are strings with the mark in front.
local function with_marks(value, mark)
  if is_long(value) then return mark .. ("%.0f"):format(value) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, inner in pairs(value) do copy[key] = with_marks(inner, mark) end
  return copy
end

--- lua-cjson writes 14 digits: longer whole numbers travel as marked strings, and lose the
--- quotes and the mark in the text.
local function encode_exactly(value, text)
  local mark
  repeat -- one that stands nowhere in the text, whatever a client has put there
    mark = ("number %08x "):format(math.random(0, 2147483647))
  until not text:find(mark, 1, true)
  return (cjson.encode(with_marks(value, mark)):gsub('"' .. mark .. '(%-?%d+)"', "%1"))
end

---@param value any no functions, no NaN or infinity, at most 32 deep; an empty table is {};
--- whole numbers of up to 53 bits are exact, others have 14 digits
---@return string? text
---@return string? reason
function json.encode(value)
  local ok, text = pcall(cjson.encode, value)
  if not ok then return nil, text end
  if text:find("e+", 1, true) then return encode_exactly(value, text) end
  return text
end

return json
