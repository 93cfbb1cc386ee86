--- A request type of its own: {"type":"typing","room":"tea"} shows the others who is writing. As
--- "latest" with the name as key a slow client gets only the newest of each, and none is missed.

---@param gate moongate.Gate
return function(gate)
  gate:needs "rooms"

  gate:on("typing", function(conn, message)
    local room = type(message.room) == "string" and gate:room(message.room)
    if not room or not room:has(conn) then return nil, "not_a_member" end
    room:publish({ type = "typing", room = room.name, user = conn.user },
      { class = "latest", key = "typing:" .. conn.user, except = conn })
  end)
end
