--- Seconds that nobody sets back or forth: a deadline by the clock on the wall is past, or a day
-- ahead, when that is set.
local time = require "posix.time"

---@return number
return function()
  local now = time.clock_gettime(time.CLOCK_MONOTONIC)
  return now.tv_sec + now.tv_nsec / 1e9
end
