--- Sends every message back.
--
--   build/moongate run examples/echo.lua      ws://127.0.0.1:8080/echo

---@param gate moongate.Gate
return function(gate)
  gate:raw("/echo", {
    received = function(conn, bytes, binary) conn:send(bytes, binary) end,
  })
end
