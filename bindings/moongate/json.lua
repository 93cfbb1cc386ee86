--- JSON by lua-cjson, with limits; failures are values.
local cjson = require("cjson").new()
local core = require "moongate.ffi"
local count = require "moongate.json_count"

local C = core.C
local MAX_DEPTH, MAX_ITEMS, MAX_VALUES = C.MOON_MAX_DEPTH, C.MOON_MAX_ITEMS, C.MOON_MAX_VALUES
local MAX_STRING_BYTES, MAX_ANSWER_BYTES = C.MOON_MAX_FRAME_BYTES, C.MOON_MAX_ANSWER_BYTES

-- Of a text that is read: as much as a fetch brings.
local MAX_TEXT_BYTES = C.MOON_MAX_FETCH_BYTES
local TOO_LONG = ("more than %d bytes"):format(MAX_TEXT_BYTES)

-- An element takes two bytes: what is no longer than this has not too many.
local SHORT_BYTES = 2 * MAX_ITEMS

-- Of items in a table, of a string, of values and of strings in all. The text that was read bounds
-- its strings; what is written has them as often as it leads to them.
local READ = { items = MAX_ITEMS, string_bytes = MAX_STRING_BYTES, values = MAX_VALUES,
  bytes = math.huge }
local WRITTEN = { items = MAX_ITEMS, string_bytes = MAX_STRING_BYTES, values = MAX_VALUES,
  bytes = MAX_ANSWER_BYTES }
local WHOLE = { items = math.huge, string_bytes = MAX_ANSWER_BYTES,
  values = MAX_ANSWER_BYTES / 2, bytes = MAX_ANSWER_BYTES }

cjson.decode_max_depth(MAX_DEPTH)
cjson.encode_max_depth(MAX_DEPTH)
cjson.decode_invalid_numbers(false)
cjson.encode_invalid_numbers(false)
cjson.encode_sparse_array(true, 2, 16)

local json = { null = cjson.null, empty_list = count.empty_list }
local EMPTY_LIST = json.empty_list

local function is_finite(value)
  if type(value) == "number" then return value - value == 0 end
  if type(value) ~= "table" then return true end
  for _, inner in pairs(value) do
    if not is_finite(inner) then return false end
  end
  return true
end

--- nil, nil, whether there is an empty list; or what there is too much of, and "too_big" when it is
--- no mistake.
local function excess(value, limits)
  return count.excess(value, MAX_DEPTH, limits.items, limits.string_bytes, limits.values,
    limits.bytes)
end

--- An empty array and an empty object are the same table.
---@param text string of at most 4 MiB
---@return any value nil when it is not JSON; JSON's null is json.null
---@return string? reason
function json.decode(text)
  if type(text) ~= "string" then
    error("gate.json.decode: expected a string, got " .. type(text), 2)
  end
  if #text > MAX_TEXT_BYTES then return nil, TOO_LONG end
  -- To lua-cjson it is the end, whatever stands behind it.
  if string.find(text, "\0", 1, true) then return nil, "a NUL byte" end
  local ok, value = pcall(cjson.decode, text)
  if not ok then return nil, value end
  local problem = #text > SHORT_BYTES and excess(value, READ)
  if problem then return nil, problem end
  -- lua-cjson makes infinity of a number that is too large, which nothing could encode.
  if count.may_overflow(text) and not is_finite(value) then return nil, "a number is too large" end
  return value
end

local MAX_EXACT = 9007199254740992 -- 2^53

local function is_long(value)
  return type(value) == "number" and value % 1 == 0
    and math.abs(value) >= 1e14 and math.abs(value) <= MAX_EXACT
end

--- What JSON says of a value where lua-cjson does not.
local function exact_text(value)
  if value == EMPTY_LIST then return "[]" end
  if is_long(value) then return ("%.0f"):format(value) end
end

--- A copy in which such values are strings with the mark in front, or just strings where they are
--- keys.
local function with_marks(value, marks)
  local exact = exact_text(value)
  if exact then
    marks.count = marks.count + 1
    return marks.text .. exact
  end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, inner in pairs(value) do
    copy[is_long(key) and exact_text(key) or key] = with_marks(inner, marks)
  end
  return copy
end

local function times_in(text, word)
  local times, at = 0, text:find(word, 1, true)
  while at do
    times, at = times + 1, text:find(word, at + #word, true)
  end
  return times
end

--- lua-cjson writes 14 digits, and has no empty array: longer whole numbers and empty lists travel
--- as marked strings, and lose the quotes and the mark in the text.
local function encode_exactly(value)
  local marks = {}
  while true do -- until the mark stands nowhere else, whatever a client has put there
    marks.text, marks.count = ("mark %08x "):format(math.random(0, 2147483647)), 0
    local text = cjson.encode(with_marks(value, marks))
    if times_in(text, marks.text) == marks.count then
      -- Not as a method, which has a limit: it is linear, since each mark has its quote.
      return (string.gsub(text, '"' .. marks.text .. '([^"]*)"', "%1"))
    end
  end
end

--- Counts before it encodes: lua-cjson ends the process when it finds no memory.
local function encode(value, its_limits)
  local problem, code, has_empty_list = excess(value, its_limits)
  if problem then return nil, problem, code end
  local ok, text = pcall(has_empty_list and encode_exactly or cjson.encode, value)
  if not ok then return nil, text end
  if not has_empty_list and text:find("e+", 1, true) then return encode_exactly(value) end
  return text
end

--- What says that it is a list when there is nothing in it: an empty table is written as {}.
---@param list table
---@return table|userdata list or json.empty_list
function json.list(list)
  if type(list) ~= "table" then
    error("gate.json.list: expected a table, got " .. type(list), 2)
  end
  return next(list) == nil and EMPTY_LIST or list
end

--- The same for operators: as much as an answer to them can have, 4 MiB, in one string or many.
---@param value any
---@return string? text
---@return string? reason
---@return "too_big"? code
function json.encode_whole(value) return encode(value, WHOLE) end

---@param value any no functions, no NaN or infinity, at most 32 deep; an empty table is {},
--- json.empty_list is []; whole numbers of up to 53 bits are exact, others have 14 digits
---@return string? text
---@return string? reason
---@return "too_big"? code when it is no mistake: a table has over 10,000 elements or keys, a
--- string is longer than a message, or there are over 100,000 values or 4 MiB of strings in all;
--- what is in several places counts in each
function json.encode(value) return encode(value, WRITTEN) end

return json
