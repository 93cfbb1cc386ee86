--- Whoever says /roll throws a die that the whole room sees.

---@param gate moongate.Gate
return function(gate)
  gate:needs "rooms"
  local sides = gate:option("sides", { type = "integer", default = 6, min = 2, max = 100 })

  gate:command("roll", function(conn, _, message)
    gate:room(message.room):publish { type = "said", room = message.room, from = conn.user,
      data = { text = ("rolls a %d"):format(math.random(sides)) }, at = gate:now_ms() }
  end, "throws a die")
end
