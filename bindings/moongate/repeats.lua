--- What would be said again and again: the first few times in ten seconds it is, and then how often
--- it was not.
local core = require "moongate.ffi"

local WINDOW_MS = 10000
local FEW = 5      -- of the same in a window
local MAX = 1024   -- different ones kept in mind

local repeats = {}

local seen, count = {}, 0 -- what -> { begun_ms, said, missed }

--- Whether to say it now.
---@param what string
---@return boolean is_due
---@return integer missed times that it was not said since the last window
function repeats.is_due(what)
  local now_ms, its = core.C.moon_clock_ms(), seen[what]
  if not its then
    if count >= MAX then seen, count = {}, 0 end
    its = { begun_ms = now_ms, said = 0, missed = 0 }
    seen[what], count = its, count + 1
  end
  local missed = 0
  if now_ms - its.begun_ms >= WINDOW_MS then
    missed, its.begun_ms, its.said, its.missed = its.missed, now_ms, 0, 0
  end
  if its.said >= FEW then
    its.missed = its.missed + 1
    return false, 0
  end
  its.said = its.said + 1
  return true, missed
end

--- For a line of the log.
---@param missed integer
---@return string
function repeats.words(missed)
  return missed > 0 and (" (and %d times more, not logged)"):format(missed) or ""
end

return repeats
