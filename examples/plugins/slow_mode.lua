--- Lets everybody speak once in so many seconds, on whichever of their devices.

---@param gate moongate.Gate
return function(gate)
  gate:needs "rooms"
  local wait_ms = gate:option("seconds", { default = 5, min = 1, max = 3600 }) * 1000

  gate:before("say", function(conn)
    local state, now_ms = gate:user(conn.user).state, gate:now_ms()
    local left_ms = (state.may_speak_ms or 0) - now_ms
    if left_ms > 0 then
      return nil, "slow_mode", ("wait %.0f s"):format(math.ceil(left_ms / 1000)), true
    end
    state.may_speak_ms = now_ms + wait_ms
  end)
end
