--- Timers: a function to be called later, by the number the core gives back.
local core = require "moongate.ffi"

local waiting = {} -- token -> function
local last_token = 0

local timer = {}

---@param delay_ms integer
---@param fn fun()
---@return integer token for cancel()
function timer.start(delay_ms, fn)
  last_token = last_token + 1
  waiting[last_token] = fn
  core.C.moon_timer_start(last_token, math.max(0, math.min(delay_ms, 4294967295)))
  return last_token
end

--- Fine when it has fired. The core still fires; nobody listens.
---@param token integer
function timer.cancel(token) waiting[token] = nil end

--- For loop.lua.
---@param token integer
---@return fun()? fn
function timer.take(token)
  local fn = waiting[token]
  waiting[token] = nil
  return fn
end

return timer
