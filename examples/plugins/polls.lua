--- Polls in a room: "/poll tea or coffee?" opens one, "/vote tea" votes, "/poll" counts.

---@param gate moongate.Gate
return function(gate)
  gate:needs "rooms"
  local max_choices = gate:option("max_choices", { type = "integer", default = 20, min = 2 })

  local function tell(room, poll)
    room:publish { type = "poll", room = room.name, data = poll, at = gate:now_ms() }
  end

  gate:command("poll", function(_, words, message)
    local room = gate:room(message.room)
    if not words[1] then return room.state.poll or nil, "no_poll", "nobody has asked" end
    room.state.poll = { question = words.text, votes = {}, by = {} }
    tell(room, room.state.poll)
  end, "asks the room, or counts the votes")

  gate:command("vote", function(conn, words, message)
    local room = gate:room(message.room)
    local poll, choice = room.state.poll, words.text:lower()
    if not poll then return nil, "no_poll", "nobody has asked" end
    local count = 0
    for _ in pairs(poll.votes) do count = count + 1 end
    if choice == "" or (not poll.votes[choice] and count >= max_choices) then
      return nil, "bad_choice", "/vote and a word"
    end
    local before = poll.by[conn.user]
    if before then poll.votes[before] = poll.votes[before] - 1 end
    poll.by[conn.user], poll.votes[choice] = choice, (poll.votes[choice] or 0) + 1
    tell(room, poll)
  end, "votes")
end
