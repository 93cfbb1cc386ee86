--- Timers: a function to be called later, by the number the core gives back.
local core = require "moongate.ffi"

local MAX_MS = 4294967295 -- that the core can wait: what takes longer goes in legs

local waiting = {} -- token -> { fn, due_ms, plugin, is_long, leg }
local first = {}   -- token of a leg, as the core knows it -> that of the first

local timer = {}

local function start_leg(left_ms)
  return tonumber(core.C.moon_timer_start(math.min(left_ms, MAX_MS)))
end

---@param delay_ms integer
---@param fn fun()
---@param plugin? moongate.Plugin whose it is
---@return integer token for cancel()
function timer.start(delay_ms, fn, plugin)
  delay_ms = math.max(0, delay_ms)
  local token = start_leg(delay_ms)
  waiting[token] = { fn = fn, due_ms = core.C.moon_clock_ms() + delay_ms, plugin = plugin,
    is_long = delay_ms > MAX_MS }
  return token
end

--- Fine when it has fired.
---@param token integer
function timer.cancel(token)
  local entry = waiting[token]
  if not entry then return end
  waiting[token] = nil
  core.C.moon_timer_stop(entry.leg or token)
  if entry.leg then first[entry.leg] = nil end
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
---@return fun()? fn nil: cancelled, or not due yet
function timer.take(token)
  local from = first[token] or token
  local entry = waiting[from]
  first[token] = nil
  local left_ms = entry and entry.is_long and entry.due_ms - core.C.moon_clock_ms() or 0
  if left_ms > 0 then
    entry.leg = start_leg(left_ms)
    first[entry.leg] = from
    return
  end
  waiting[from] = nil
  return entry and entry.fn
end

return timer
