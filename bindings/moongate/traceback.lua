--- What the log says of an error, for xpcall: where it was raised, and the way there.
local shortened = require "moongate.shortened"
local task = require "moongate.task"

--- File and line of the Lua code that has raised it, of the app's if there is any.
local function where()
  local app = task.level_of_app()
  for level = app > 0 and app or 4, 40 do -- 1 is this, 2 who asks, 3 the handler
    local info = debug.getinfo(level, "Sl")
    if not info then return "?" end
    if info.what ~= "C" then return ("%s:%d"):format(info.short_src, info.currentline) end
  end
end

-- What a guarded plugin has called in place of itself ("return conn:send()") would be blamed on who
-- has called that.
local MEMBRANE = "^%S*moongate/membrane_%a+%.lua:%d+: "

-- A little less than a line of the log: what follows goes through all of it.
local MAX_TEXT_BYTES = 4000

local function text_of(problem)
  if type(problem) == "string" then
    return (string.gsub(shortened(problem, MAX_TEXT_BYTES), MEMBRANE, ""))
  end
  local mt = debug.getmetatable(problem)
  if type(mt) == "table" and mt.__tostring then
    return shortened(tostring(problem), MAX_TEXT_BYTES)
  end
  return ("%s: raised %s, not a message"):format(where(),
    problem == nil and "nil" or "a " .. type(problem))
end

--- An error of a task that was cancelled stays as it is: see task.why_cancelled.
---@param problem any
---@return any
return function(problem)
  if task.why_cancelled(problem) then return problem end
  local text = debug.traceback(text_of(problem), 2) -- no tail call: the level counts this function
  return text
end
