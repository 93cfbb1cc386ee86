--- The functions of strings that guarded code may have: none makes bytecode, and none takes, in one
--- call that nobody can interrupt, more time or memory than is good for the others.
--
-- There is one metatable of strings for all of the process. So what is called as a method,
-- ("x"):rep(n), is one of these for everybody; string.rep(x, n) is Lua's own in trusted code, and
-- in the runtime, which calls it so where a text or a pattern may be long.
local pattern_cost = require "moongate.pattern"
local shortened = require "moongate.shortened"

local is_cheap, is_cheap_to_find = pattern_cost.is_cheap, pattern_cost.is_cheap_to_find

local MAX_BYTES = 1048576 -- of what rep and concat make, and gsub asks a table for; and values
local MAX_TEXT_BYTES = 4194304 -- of what is gone through from end to end: some 30 ms
local MAX_LOOKED_UP_BYTES = 10000 -- what gsub asks a table for whose metatable may ask others
local FEW = 64            -- values of a table that are looked at before
local MAX_FORMAT_BYTES = 4096 -- of os.date
local MAX_SHOWN_BYTES = 200   -- of a pattern
local QUICK_STEPS = 1e7   -- of gsub in its replacement, of 10 ns
local ESCAPE_STEPS = 16   -- of a %1: it may be a number

local byte, find, gmatch, gsub, match = string.byte, string.find, string.gmatch, string.gsub,
  string.match
local format, lower, rep, reverse, upper = string.format, string.lower, string.rep,
  string.reverse, string.upper
local concat, ceil, date, floor = table.concat, math.ceil, os.date, math.floor
local metatable_of = debug.getmetatable

local strings = {
  MAX_TEXT_BYTES = MAX_TEXT_BYTES,
  -- Set by sandbox.lua: whether much of the stack of C is used up, and for functions that read
  -- tables in the name of who has called them.
  is_deep = function() return false end,
  acts_for_caller = function(_) end,
}

local guarded = {}
for _, name in ipairs { "byte", "char", "len", "sub" } do guarded[name] = string[name] end

--- Lua takes a number for its digits.
local function text_of(value)
  if type(value) == "number" then return tostring(value) end
  return value
end

local function bytes_of(value)
  value = text_of(value)
  return type(value) == "string" and #value or 0
end

--- What there is to say of a text that is longer.
---@param what string
---@param text string
---@return string
function strings.too_long(what, text)
  return ("%s: the text has %d bytes, at most %d"):format(what, #text, MAX_TEXT_BYTES)
end

--- Raises in the name of who called the caller.
local function check_length(text, what)
  if type(text) == "string" and #text > MAX_TEXT_BYTES then
    error(strings.too_long(what, text), 3)
  end
end

function guarded.lower(text)
  check_length(text, "string.lower")
  return lower(text)
end

function guarded.reverse(text)
  check_length(text, "string.reverse")
  return reverse(text)
end

function guarded.upper(text)
  check_length(text, "string.upper")
  return upper(text)
end

--- "%%q" is none.
local function has_quoted(text)
  local QUOTED = "%%[^%a%%]*q"
  return find(text, QUOTED) and find(gsub(text, "%%%%", ""), QUOTED)
end

--- What %s is given is copied; of what %q is given each byte is looked at.
function guarded.format(text, ...)
  if type(text) == "string" and has_quoted(text) then
    local bytes = 0
    for i = 1, select("#", ...) do bytes = bytes + bytes_of((select(i, ...))) end
    if bytes > MAX_TEXT_BYTES then
      error(format("string.format, %%q: the texts have %d bytes, at most %d", bytes,
        MAX_TEXT_BYTES), 2)
    end
  end
  return format(text, ...)
end

--- Raises in the name of who called the caller.
local function check_pattern(text, pattern, what, is_plain)
  if type(text) ~= "string" or type(pattern) ~= "string" then return end -- Lua says what is wrong
  local cheap = is_plain and is_cheap_to_find or is_cheap
  if cheap(pattern, #text) then return end
  error(format("%s: pattern too expensive for a text of %d bytes: %q", what, #text,
    shortened(pattern, MAX_SHOWN_BYTES)), 3)
end

function guarded.find(text, pattern, init, plain)
  text, pattern = text_of(text), text_of(pattern)
  check_pattern(text, pattern, "string.find", plain)
  return find(text, pattern, init, plain)
end

function guarded.match(text, pattern, init)
  text, pattern = text_of(text), text_of(pattern)
  check_pattern(text, pattern, "string.match")
  return match(text, pattern, init)
end

function guarded.gmatch(text, pattern)
  text, pattern = text_of(text), text_of(pattern)
  local meant = type(pattern) == "string" and byte(pattern, 1) == 94 and "%" .. pattern or pattern
  check_pattern(text, meant, "string.gmatch") -- to which ^ is a character as others
  return gmatch(text, pattern)
end

-- ---- gsub ----

-- What takes no longer than what it is given is long.
local QUICK = { [tostring] = true, [tonumber] = true }
for _, name in ipairs { "byte", "char", "len", "lower", "reverse", "upper" } do
  QUICK[string[name]], QUICK[guarded[name]] = true, true
end

local FOLDER = debug.getinfo(1, "S").source:match "^(.-)[%w_]+%.lua$"

--- The watchdog can stop code of an app. It could not stop a loop in which gsub calls what is in C,
--- or of the runtime.
local function is_of_app(fn)
  local info = debug.getinfo(fn, "S")
  return info.what ~= "C" and info.source:sub(1, #FOLDER) ~= FOLDER
end

--- How often what it has found may come into it, and its bytes.
local function steps_of(by)
  local _, escapes = gsub(by, "%%", "%%")
  return #by + ESCAPE_STEPS * escapes
end

--- A replacement in which only %% has a meaning, as it is meant; nil: it has others.
local function literal_of(by)
  if not find(by, "%", 1, true) then return by end
  if find(gsub(by, "%%%%", ""), "%", 1, true) then return end
  return (gsub(by, "%%%%", "%%"))
end

local function why_not_text(text, by)
  local is_long = #by > MAX_TEXT_BYTES
  if is_long or not literal_of(by) and steps_of(by) * (#text + 1) > QUICK_STEPS then
    return ("a replacement of %d bytes is too long for a text of %d"):format(#by, #text)
  end
end

local function why_not_by(text, by)
  local kind = type(by)
  if kind == "string" then return why_not_text(text, by) end
  if kind == "function" and is_of_app(by) then return end
  if kind == "function" and not QUICK[by] then
    return "expected a function of the app's own, or text"
  elseif #text > MAX_BYTES then
    return ("the text has %d bytes, at most %d"):format(#text, MAX_BYTES)
  elseif #text > MAX_LOOKED_UP_BYTES and kind == "table" and metatable_of(by) then
    return ("the text has %d bytes, at most %d for a table with a metatable"):format(#text,
      MAX_LOOKED_UP_BYTES)
  end
end

--- Counts what comes into the text: Lua would make one as long as there is memory, byte by byte.
---@param value_of fun(found: string): any what comes in place of it
local function counting(value_of)
  local bytes = 0
  local function replacement(found)
    local value = value_of(found)
    bytes = bytes + bytes_of(value)
    if bytes > MAX_TEXT_BYTES then
      error(("string.gsub: the replacements have over %d bytes"):format(MAX_TEXT_BYTES), 3)
    end
    return value
  end
  strings.acts_for_caller(value_of)
  strings.acts_for_caller(replacement)
  return replacement
end

--- Whether what comes of this table cannot become long: it has few values, and none is long.
local function is_short(text, by)
  if metatable_of(by) then return false end
  local most, count = MAX_TEXT_BYTES / (#text + 1), 0
  for _, value in next, by do
    count = count + 1
    if count > FEW or bytes_of(value) > most then return false end
  end
  return true
end

--- What takes the place of a replacement that may become long.
local function bounded(text, by)
  if type(by) == "table" then
    return is_short(text, by) and by or counting(function(found) return by[found] end)
  end
  if type(by) ~= "string" or #by * (#text + 1) <= QUICK_STEPS then return by end
  local literal = literal_of(by)
  return literal and counting(function() return literal end) or by
end

function guarded.gsub(text, pattern, by, most)
  if type(by) ~= "string" and strings.is_deep() then
    error("string.gsub: C stack overflow", 2)
  end
  text, pattern, by = text_of(text), text_of(pattern), text_of(by)
  check_pattern(text, pattern, "string.gsub")
  if type(text) ~= "string" then return gsub(text, pattern, by, most) end -- Lua says what is wrong
  local problem = why_not_by(text, by)
  if problem then error("string.gsub: " .. problem, 2) end
  return gsub(text, pattern, bounded(text, by), most)
end

-- ---- what makes long texts ----

function guarded.rep(text, count, separator)
  local times = tonumber(count)
  if times and times > 0 then
    local bytes = (bytes_of(text) + bytes_of(separator)) * times
    if bytes > MAX_BYTES then
      error(("string.rep: the result would have %.0f bytes, at most %d"):format(bytes, MAX_BYTES),
        2)
    end
  end
  return rep(text, count, separator)
end

local MOST = 2 ^ 31 - 1

--- A place as Lua takes it; what is none is left, for Lua to say so.
---@param value any
---@return any
function strings.whole(value)
  local n = tonumber(value)
  if not n or n ~= n then return value end
  n = n < 0 and ceil(n) or floor(n)
  return math.max(-MOST, math.min(n, MOST))
end

--- table.concat with the same limit.
function strings.concat(list, separator, first, last)
  first, last = strings.whole(first), strings.whole(last)
  local bytes, values, place = 0, 0, tonumber(first) or 1
  local part = type(list) == "table" and rawget(list, place) or nil
  while part ~= nil and place <= (tonumber(last) or place) do -- at a gap Lua says what is wrong
    bytes, values = bytes + bytes_of(part) + bytes_of(separator), values + 1
    if bytes > MAX_BYTES then
      error(("table.concat: the result would have over %d bytes"):format(MAX_BYTES), 2)
    elseif values > MAX_BYTES then
      error(("table.concat: the list has over %d values"):format(MAX_BYTES), 2)
    end
    place = place + 1
    part = rawget(list, place)
  end
  return concat(list, separator, first, last)
end

--- os.date whose format is short: what stands for one %c takes longer than many letters.
---@param form? any
---@param time? any
---@return any
function strings.date(form, time)
  if type(form) == "string" and #form > MAX_FORMAT_BYTES then
    error(("os.date: the format has %d bytes, at most %d"):format(#form, MAX_FORMAT_BYTES), 2)
  end
  if form == nil then form = "%c" end
  if time == nil then return date(form) end
  return date(form, time)
end

--- What "string" is in guarded code: a table of its own, which it may change.
---@return table
function strings.library()
  local copy = {}
  for name, fn in pairs(guarded) do copy[name] = fn end
  return copy
end

--- From now on these are the methods of all strings, and nobody has the table they are in.
---@return fun() restore for specs: brings back what was there before
function strings.install()
  local mt = debug.getmetatable ""
  local index, protected = mt.__index, mt.__metatable
  mt.__index, mt.__metatable = guarded, false
  return function() mt.__index, mt.__metatable = index, protected end
end

return strings
