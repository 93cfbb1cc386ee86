--- Sends every message back.
--
--   build/moongate run examples/echo.lua      ws://127.0.0.1:8080/echo

local BINARY = { binary = true }

---@param gate moongate.Gate
return function(gate)
  gate:raw("/echo", {
    received = function(conn, bytes, binary) conn:send(bytes, binary and BINARY) end,
  })
end
