--- The functions of strings that guarded code may have: none makes bytecode, and none takes, in one
--- call that nobody can interrupt, more time or memory than is good for the others.
--
-- There is one metatable of strings for all of the process. So what is called as a method,
-- ("x"):rep(n), is one of these for everybody; string.rep(x, n) is Lua's own in trusted code, and
-- in the runtime, which calls it so where a text or a pattern may be long.
local is_cheap = require("moongate.pattern").is_cheap

local MAX_BYTES = 1048576 -- of what rep and concat make

local byte, find, gmatch, rep = string.byte, string.find, string.gmatch, string.rep
local concat = table.concat

local strings = {}

local guarded = {}
for _, name in ipairs { "byte", "char", "format", "len", "lower", "reverse", "sub", "upper" } do
  guarded[name] = string[name]
end

--- Raises in the name of who called the caller.
local function check_pattern(text, pattern, what)
  if type(text) ~= "string" or type(pattern) ~= "string" then return end -- Lua says what is wrong
  if is_cheap(pattern, #text) then return end
  error(("%s: pattern too expensive for a text of %d bytes: %q"):format(what, #text, pattern), 3)
end

function guarded.find(text, pattern, init, plain)
  if not plain then check_pattern(text, pattern, "string.find") end
  return find(text, pattern, init, plain)
end

function guarded.gmatch(text, pattern)
  local meant = type(pattern) == "string" and byte(pattern, 1) == 94 and "%" .. pattern or pattern
  check_pattern(text, meant, "string.gmatch") -- to which ^ is a character as others
  return gmatch(text, pattern)
end

for _, name in ipairs { "match", "gsub" } do
  local own, what = string[name], "string." .. name
  guarded[name] = function(text, pattern, ...)
    check_pattern(text, pattern, what)
    return own(text, pattern, ...)
  end
end

local function bytes_of(value) return type(value) == "string" and #value or 0 end

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

--- table.concat with the same limit.
function strings.concat(list, separator, first, last)
  local bytes, place = 0, tonumber(first) or 1
  local part = type(list) == "table" and rawget(list, place) or nil
  while part ~= nil and place <= (tonumber(last) or place) do -- at a gap Lua says what is wrong
    bytes = bytes + bytes_of(part) + bytes_of(separator)
    if bytes > MAX_BYTES then
      error(("table.concat: the result would have over %d bytes"):format(MAX_BYTES), 2)
    end
    place = place + 1
    part = rawget(list, place)
  end
  return concat(list, separator, first, last)
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
