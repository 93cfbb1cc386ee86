--- Timers: a function to be called later, by the number the core gives back.
local core = require "moongate.ffi"

local waiting = {} -- token -> { fn, due_ms, plugin }

local timer = {}

---@param delay_ms integer
---@param fn fun()
---@param plugin? moongate.Plugin whose it is
---@return integer token for cancel()
function timer.start(delay_ms, fn, plugin)
  delay_ms = math.max(0, math.min(delay_ms, 4294967295))
  local token = tonumber(core.C.moon_timer_start(delay_ms))
  waiting[token] = { fn = fn, due_ms = core.C.moon_clock_ms() + delay_ms, plugin = plugin }
  return token
end

--- Fine when it has fired.
---@param token integer
function timer.cancel(token)
  if not waiting[token] then return end
  waiting[token] = nil
  core.C.moon_timer_stop(token)
end

---@param token integer
---@return number? ms until it fires; nil when it has
function timer.left_ms(token)
  local entry = waiting[token]
  return entry and math.max(0, entry.due_ms - core.C.moon_clock_ms())
end

--- The timers that have not fired, in no order: token, { due_ms, plugin }.
function timer.waiting() return pairs(waiting) end

--- For loop.lua.
---@param token integer
---@return fun()? fn
function timer.take(token)
  local entry = waiting[token]
  waiting[token] = nil
  return entry and entry.fn
end

return timer
