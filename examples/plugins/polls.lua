--- Polls in a room: "/poll tea or coffee?" opens one, "/vote tea" votes, "/poll" counts.

---@param gate moongate.Gate
return function(gate)
  gate:needs "messages"
  local max_choices = gate:option("max_choices", { type = "integer", default = 20, min = 2 })

  local function tell(room, poll)
    room:publish { type = "poll", room = room.name, data = poll, at = gate:now_ms() }
  end

  local function cast(votes, before, choice)
    local count = votes[before] == 1 and -1 or 0 -- that choice goes with its only vote
    for _ in pairs(votes) do count = count + 1 end
    if not votes[choice] and count >= max_choices then return nil, "too_many_choices" end
    if before then votes[before] = votes[before] > 1 and votes[before] - 1 or nil end
    votes[choice] = (votes[choice] or 0) + 1
    return true
  end

  gate:command("poll", function(_, words, message)
    local room = gate:room(message.room)
    if not words[1] then return room.state.poll or nil, "no_poll", "nobody has asked" end
    if not gate:is_utf8(words.text) then return nil, "bad_question", "expected UTF-8" end
    room.state.poll = { question = words.text, votes = {}, by = {} }
    tell(room, room.state.poll)
  end, "asks the room, or counts the votes")

  gate:command("vote", function(conn, words, message)
    local poll, choice = gate:room(message.room).state.poll, words.text:lower()
    if not poll then return nil, "no_poll", "nobody has asked" end
    local is_word = choice ~= "" and #choice <= 64 and gate:is_utf8(choice)
    if not is_word then return nil, "bad_choice", "/vote and 1 to 64 bytes of UTF-8" end
    local done, code = cast(poll.votes, poll.by[conn.user], choice)
    if not done then return nil, code end
    poll.by[conn.user] = choice
    tell(gate:room(message.room), poll)
  end, "votes")
end
