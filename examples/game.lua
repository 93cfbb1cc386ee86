--- Dots that move: everybody steers one, and hears where all are, 20 times a second.
--
--   build/moongate run examples/game.lua      ws://127.0.0.1:8080/game
--
-- Send {"dx":1,"dy":0} to steer, {"boom":true} to make a noise. Where a dot is goes as "latest":
-- a client that reads slowly gets the newest position of each and no older ones. A noise goes as
-- "volatile": too late it is worth nothing. That somebody has left must not be missed.

local TICK_MS = 50
local SIZE = 1000 -- of the world, each way
local STEP = 5    -- at full speed, a tick: 10 s across

---@param gate moongate.Gate
return function(gate)
  local world = gate:room "game"

  --- One number of a message, within -1 and 1.
  local function pull(value)
    return type(value) == "number" and math.max(-1, math.min(1, value)) or 0
  end

  gate:raw("/game", {
    opened = function(conn)
      conn.state.dot = { x = SIZE / 2, y = SIZE / 2, dx = 0, dy = 0 }
      conn:send { type = "you", id = conn.id }
      world:add(conn)
    end,

    received = function(conn, bytes)
      local said, dot = gate.json.decode(bytes), conn.state.dot
      if type(said) ~= "table" then return conn:close(4500, "expected one JSON object") end
      if said.boom then
        world:publish({ type = "boom", id = conn.id, x = dot.x, y = dot.y }, { class = "volatile" })
      else
        dot.dx, dot.dy = pull(said.dx), pull(said.dy)
      end
    end,

    closed = function(conn)
      world:remove(conn)
      world:publish { type = "left", id = conn.id }
    end,
  })

  gate:every(TICK_MS, function()
    for id, conn in pairs(world.members) do
      local dot = conn.state.dot
      dot.x = (dot.x + dot.dx * STEP) % SIZE -- over the edge is in on the other side
      dot.y = (dot.y + dot.dy * STEP) % SIZE
      world:publish({ type = "at", id = id, x = dot.x, y = dot.y }, { class = "latest", key = id })
    end
  end)
end
