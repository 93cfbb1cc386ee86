--- Greets whoever comes into a room, so that only they see it.
--
--   { "welcome", options = { text = "Be kind to each other." } }

---@param gate moongate.Gate
return function(gate)
  gate:needs "rooms"
  local text = gate:option("text", { default = "Welcome.", min = 1, max = 500 })

  gate:after("join", function(conn, message)
    conn:send { type = "notice", room = message.room,
      data = { text = ("Hello %s. %s"):format(conn.user, text) } }
  end)
end
