--- Whether a service that has failed again and again may be called now: not for a while, and then
--- once, to see.

local MAX_FAILED = 3  -- calls in a row, then it counts as down
local MAX_DOUBLED = 5 -- so often the wait doubles

---@param now_ms fun(): integer
---@param retry_ms integer the first wait
return function(now_ms, retry_ms)
  local failed, doubled, until_ms, is_probed = 0, 0, 0, false
  local breaker = {}

  --- nil when it may be called, which the caller then does; else after how long to come again.
  ---@return integer? wait_ms
  function breaker.wait_ms()
    if failed < MAX_FAILED then return end
    local left_ms = until_ms - now_ms()
    if left_ms > 0 then return left_ms end
    if is_probed then return retry_ms end
    is_probed = true
  end

  --- How a call has ended.
  ---@param is_up boolean
  ---@return "up"|"down"? news
  function breaker.note(is_up)
    local was_down = failed >= MAX_FAILED
    is_probed = false
    if is_up then
      failed, doubled = 0, 0
      return was_down and "up" or nil
    end
    failed = failed + 1
    if failed < MAX_FAILED then return end
    until_ms = now_ms() + retry_ms * 2 ^ doubled
    doubled = math.min(doubled + 1, MAX_DOUBLED)
    return not was_down and "down" or nil
  end

  return breaker
end
