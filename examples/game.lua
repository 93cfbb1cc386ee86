--- Dots that move: everybody steers one, and hears where all are, 20 times a second.
--
--   build/moongate run examples/game.lua      ws://127.0.0.1:8080/game
--
-- Send {"dx":1,"dy":0} to steer. Where a dot is goes as "latest": a client that reads slowly gets
-- the newest position of each. {"boom":true} is "volatile": too late it is worth nothing.

local SIZE, STEP = 1000, 5 -- of the world, each way; of a dot at full speed
local VOLATILE = { class = "volatile" }

---@param gate moongate.Gate
return function(gate)
  local world = gate:room "game"

  local function pull(n) return type(n) == "number" and math.max(-1, math.min(1, n)) or 0 end

  gate:raw("/game", {
    opened = function(conn)
      conn.state.dot = { x = SIZE / 2, y = SIZE / 2, dx = 0, dy = 0 }
      conn:send { type = "you", id = conn.id }
      world:add(conn)
    end,
    received = function(conn, bytes)
      local said, dot = gate.json.decode(bytes), conn.state.dot
      if type(said) ~= "table" then return conn:close(4500, "expected one JSON object") end
      if said.boom then return world:publish({ type = "boom", id = conn.id }, VOLATILE) end
      dot.dx, dot.dy = pull(said.dx), pull(said.dy)
    end,
    closed = function(conn) world:publish { type = "left", id = conn.id } end,
  })

  gate:every(50, function()
    for id, conn in pairs(world.members) do
      local dot = conn.state.dot
      dot.x = (dot.x + dot.dx * STEP) % SIZE -- over the edge is in on the other side
      dot.y = (dot.y + dot.dy * STEP) % SIZE
      world:publish({ type = "at", id = id, x = dot.x, y = dot.y }, { class = "latest", key = id })
    end
  end)
end
