--- The functions of tables that guarded code may have. As those of strings, none takes, in one
--- call that nobody can interrupt, more time than is good for the others: what calls a function
--- again and again takes only one that such code has made, which the watchdog can stop.
local is_made = require("moongate.metatable").is_made
local strings = require "moongate.strings"

local MAX_STEPS = 1e8
local QUICK_STEPS = 1e7  -- may be those of a sort that is not counted
local CALL_STEPS = 10    -- of a comparison that is
local STEP_BYTES = 16    -- of a text that are compared in a step

local insert, sort = table.insert, table.sort

local tables = {}

local guarded = { concat = strings.concat, getn = table.getn, maxn = table.maxn,
  remove = table.remove }

local function check_made(fn, what)
  if is_made(fn) then return end
  error(("table.%s: expected a function of yours, got %s"):format(what,
    type(fn) == "function" and "another one" or type(fn)), 3)
end

function guarded.foreach(list, fn)
  check_made(fn, "foreach")
  for key, value in next, list do
    local result = fn(key, value)
    if result ~= nil then return result end
  end
end

function guarded.foreachi(list, fn)
  check_made(fn, "foreachi")
  for place = 1, #list do
    local result = fn(place, list[place])
    if result ~= nil then return result end
  end
end

--- Lua would go down to any place.
function guarded.insert(list, ...)
  if select("#", ...) ~= 2 then return insert(list, ...) end
  local place, value = ...
  place = strings.whole(place)
  local n = tonumber(place)
  if n and (n < 1 or n ~= n) then
    error(("table.insert: expected a place from 1 on, got %s"):format(tostring(place)), 2)
  end
  return insert(list, place, value)
end

-- ---- sort ----

--- How many values there are, the bytes of the longest text, and whether all are tables.
local function survey(list)
  local longest, others = 0, 0
  for place = 1, #list do
    local kind = type(rawget(list, place))
    if kind == "string" then longest = math.max(longest, #rawget(list, place)) end
    if kind ~= "table" then others = others + 1 end
  end
  return #list, longest, others == 0
end

--- There are lists for which sort compares each value with every other.
local function counting()
  local steps = 0
  return function(a, b)
    steps = steps + CALL_STEPS
    if type(a) == "string" and type(b) == "string" then
      steps = steps + math.min(#a, #b) / STEP_BYTES
    end
    if steps > MAX_STEPS then error("table.sort: this list takes too long to sort", 0) end
    return a < b
  end
end

function guarded.sort(list, less)
  if less ~= nil then
    check_made(less, "sort")
    return sort(list, less)
  end
  if type(list) ~= "table" then return sort(list) end -- Lua says what is wrong
  local values, longest, are_tables = survey(list)
  -- What compares tables is code of the plugin.
  local is_quick = are_tables or values ^ 2 * (1 + longest / STEP_BYTES) <= QUICK_STEPS
  if is_quick then return sort(list) end
  return sort(list, counting())
end

--- What "table" is in guarded code: a table of its own, which it may change.
---@return table
function tables.library()
  local copy = {}
  for name, fn in pairs(guarded) do copy[name] = fn end
  return copy
end

return tables
