--- A room that ticks: {"type":"race"} opens one, its members step with {"type":"say","room":…,
--- "data":"step"}, and ten times a second all see where everybody is. First at 100 wins.

local GOAL, MAX_STEPS_PER_TICK = 100, 3

---@param gate moongate.Gate
return function(gate)
  gate:needs "messages"

  gate:room_kind("race", {
    tick_hz = 10,
    max_members = 8,
    opened = function(room) room.state.runners = {} end,
    joined = function(room, conn)
      local runners = room.state.runners -- who was there before, or is in another tab, goes on
      runners[conn.user] = runners[conn.user] or { at = 0, steps = 0 }
    end,
    said = function(room, conn, data)
      if data ~= "step" then return nil, "bad_request", 'data: expected "step"' end
      local runner = room.state.runners[conn.user]
      runner.steps = math.min(runner.steps + 1, MAX_STEPS_PER_TICK)
    end,
    tick = function(room)
      local places, winner = {}, nil
      for name, runner in pairs(room.state.runners) do
        runner.at, runner.steps = runner.at + runner.steps, 0
        places[name] = runner.at
        if runner.at >= GOAL then winner = name end
      end
      room:publish({ type = "places", room = room.name, places = places, winner = winner },
        { class = winner and "reliable" or "latest", key = not winner and "places" or nil })
      if winner then room:close "won" end
    end,
  })

  gate:on("race", function(conn)
    local room, reason = gate:open_room("race", "race of " .. conn.user)
    return room and { room = room.name }, reason
  end)
end
