--- Whoever connects to the same path hears every message said there, the speaker included.
--
--   build/moongate run examples/relay.lua     ws://127.0.0.1:8080/relay/tea

local BINARY = { binary = true }

---@param gate moongate.Gate
return function(gate)
  local function room_of(conn) return gate:room("relay/" .. conn.params.room) end

  gate:raw("/relay/{room}", {
    opened = function(conn) room_of(conn):add(conn) end,
    received = function(conn, bytes, binary)
      room_of(conn):publish(bytes, binary and BINARY)
    end,
  })
end
