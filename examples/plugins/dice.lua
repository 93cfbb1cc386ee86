--- Whoever says /roll throws a die that the whole room sees.

---@param gate moongate.Gate
return function(gate)
  local messages = gate:use("messages", "1.0")
  local sides = gate:option("sides", { type = "integer", default = 6, min = 2, max = 100 })

  gate:command("roll", function(conn, _, message)
    local text = ("rolls a %d"):format(math.random(sides))
    messages.publish(message.room, conn.user, { text = text })
  end, "throws a die")
end
