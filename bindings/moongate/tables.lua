--- The functions of tables that guarded code may have. As those of strings, none takes, in one
--- call that nobody can interrupt, more time than is good for the others: what calls a function
--- again and again takes only one that such code has made, which the watchdog can stop.
local is_made = require("moongate.metatable").is_made
local strings = require "moongate.strings"

-- That insert and remove move, and sort takes: a fifth of a second at worst, in a list with gaps,
-- which may be as long as the largest of its keys.
local MAX_VALUES = 1048576
local MAX_STEPS = 2.5e7  -- of a sort: a third of a second at worst
local QUICK_STEPS = 1e7  -- may be those of a sort that is not counted
local CALL_STEPS = 10    -- of a comparison that is
local STEP_BYTES = 16    -- of a text that are compared in a step

local insert, remove, sort = table.insert, table.remove, table.sort

local tables = {}

local guarded = { concat = strings.concat, getn = table.getn, maxn = table.maxn }

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

--- Raises in the name of who called the caller.
local function check_moves(list, place, what)
  if type(list) ~= "table" or type(place) ~= "number" or place < 1 then return end
  local moved = #list - place
  if moved <= MAX_VALUES then return end
  error(("table.%s: the list has %.0f values, of which %.0f would move, at most %d"):format(what,
    #list, moved, MAX_VALUES), 3)
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
  check_moves(list, n, "insert")
  return insert(list, place, value)
end

function guarded.remove(list, place)
  if place == nil then return remove(list) end
  place = strings.whole(place)
  check_moves(list, tonumber(place), "remove")
  return remove(list, place)
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
local function counting(values)
  local steps = 0
  return function(a, b)
    steps = steps + CALL_STEPS
    if type(a) == "string" and type(b) == "string" then
      steps = steps + math.min(#a, #b) / STEP_BYTES
    end
    if steps > MAX_STEPS then
      error(("table.sort: this list of %d values takes too long to sort without a function of "
        .. "yours"):format(values), 0)
    end
    return a < b
  end
end

local function check_length(list)
  if type(list) ~= "table" or #list <= MAX_VALUES then return end
  error(("table.sort: the list has %.0f values, at most %d"):format(#list, MAX_VALUES), 3)
end

local function sort_values(list)
  if type(list) ~= "table" then return sort(list) end -- Lua says what is wrong
  local values, longest, are_tables = survey(list)
  -- What compares tables is code of the plugin.
  local is_quick = are_tables or values ^ 2 * (1 + longest / STEP_BYTES) <= QUICK_STEPS
  if is_quick then return sort(list) end
  return sort(list, counting(values))
end

function guarded.sort(list, less)
  check_length(list)
  if less == nil then return sort_values(list) end
  check_made(less, "sort")
  return sort(list, less)
end

--- The same by any function, for the console: an operator's is no code of a plugin.
local function sort_by_any(list, less)
  check_length(list)
  if less == nil then return sort_values(list) end
  return sort(list, less)
end

--- What the console has in place of Lua's own.
---@return table
function tables.of_console()
  return { concat = guarded.concat, insert = guarded.insert, maxn = guarded.maxn,
    remove = guarded.remove, sort = sort_by_any }
end

--- What "table" is in guarded code: a table of its own, which it may change.
---@return table
function tables.library()
  local copy = {}
  for name, fn in pairs(guarded) do copy[name] = fn end
  return copy
end

return tables
