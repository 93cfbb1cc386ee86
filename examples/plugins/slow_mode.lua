--- Lets everybody speak once in so many seconds, on whichever of their devices, and also when they
--- have come back meanwhile.

---@param gate moongate.Gate
return function(gate)
  gate:needs "messages"
  local wait_ms = gate:option("seconds", { default = 5, min = 1, max = 3600 }) * 1000

  gate.state.may_speak_ms = gate.state.may_speak_ms or {} -- name -> when
  local may_speak_ms = gate.state.may_speak_ms

  gate:before("say", function(conn)
    local now_ms = gate:now_ms()
    local left_ms = (may_speak_ms[conn.user] or 0) - now_ms
    if left_ms > 0 then
      return nil, "slow_mode", ("wait %.0f s"):format(math.ceil(left_ms / 1000)), true
    end
    may_speak_ms[conn.user] = now_ms + wait_ms
  end)

  gate:every(60000, function()
    for name, at_ms in pairs(may_speak_ms) do
      if at_ms < gate:now_ms() then may_speak_ms[name] = nil end
    end
  end)
end
