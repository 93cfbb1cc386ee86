--- Rooms: who is in, who comes and goes, and what one member says to all.
--
-- Who is in is looked up in the rooms' members: they survive a reload, and not a restart.

local MAX_NAME = 64  -- bytes
local MAX_LISTED = 100         -- rooms in the answer to `rooms`
local MAX_MEMBERS_LISTED = 500 -- names in the answer to `join` and `members`

local function is_name(name)
  return name ~= "" and #name <= MAX_NAME
    and not name:find "%c" and not name:find "\194[\128-\159]" -- control characters
end

---@param gate moongate.Gate
return function(gate)
  gate:needs "auth"
  local max_rooms = gate:option("max_per_connection", { default = 50, min = 1, max = 1000 })

  local function count(set)
    local n = 0
    for _ in pairs(set) do n = n + 1 end
    return n
  end

  --- The names of those who are in, each once, in no order.
  local function users_of(room)
    local names, seen = {}, {}
    for _, member in pairs(room.members) do
      local name = member.user
      if name and not seen[name] then names[#names + 1], seen[name] = name, true end
    end
    return names
  end

  --- Whether the user is in with another connection.
  local function has_other(room, conn)
    for _, other in pairs(gate:user(conn.user).conns) do
      if other ~= conn and room:has(other) then return true end
    end
    return false
  end

  --- The first names and the number of all, as a reply's data.
  local function members_of(room)
    local names = users_of(room)
    table.sort(names)
    local total = #names
    for n = total, MAX_MEMBERS_LISTED + 1, -1 do names[n] = nil end
    return { room = room.name, members = names, count = total }
  end

  --- The room that a message names, if the sender is in it; else nil and the error.
  local function room_of(conn, message)
    if type(message.room) ~= "string" then
      return nil, "bad_request", "room: expected a string"
    end
    local room = gate:room(message.room)
    if not room:has(conn) then return nil, "not_a_member", "join the room first" end
    return room
  end

  local function leave(conn, room)
    room:remove(conn)
    if has_other(room, conn) then return end
    room:publish { type = "left", room = room.name, user = conn.user, at = gate:now_ms() }
  end

  --- True when the connection is in, else nil and the error. Of a kind this may wait, and its
  --- plugin may have put the connection in meanwhile.
  local function enter(conn, room)
    local added, reason, text, temporary = room:add(conn)
    if reason == "already" then return true end
    if not added and room.kind and reason ~= "full" then return nil, reason, text, temporary end
    if not added then return nil, "internal", reason, true end
    if not has_other(room, conn) then
      room:publish({ type = "joined", room = room.name, user = conn.user,
        at = gate:now_ms() }, { except = conn })
    end
    return true
  end

  gate:on("join", function(conn, message)
    if type(message.room) ~= "string" then
      return nil, "bad_request", "room: expected a string"
    end
    if not gate:is_utf8(message.room) or not is_name(message.room) then
      return nil, "bad_room", "1 to 64 bytes of UTF-8, no control characters"
    end
    local room = gate:room(message.room)
    if not room:has(conn) then
      if count(conn.rooms) >= max_rooms then
        return nil, "too_many_rooms", ("at most %d rooms"):format(max_rooms)
      end
      local entered, code, text, temporary = enter(conn, room)
      if not entered then return nil, code, text, temporary end
    end
    return members_of(room)
  end)

  gate:on("leave", function(conn, message)
    local room, code, text = room_of(conn, message)
    if not room then return nil, code, text end
    leave(conn, room)
    return { room = room.name }
  end)

  --- A filter, so that no slash command gets past it.
  gate:before("say", function(conn, message)
    local room, code, text = room_of(conn, message)
    if not room then return nil, code, text end
  end)

  gate:on("say", function(conn, message)
    local room = room_of(conn, message)
    if room.kind then return room:say(conn, message.data) end -- its plugin decides
    if message.data == nil then return nil, "bad_request", "data: expected a value" end
    local at = gate:now_ms()
    local sent, reason = room:publish { type = "said", room = room.name, from = conn.user,
      data = message.data, at = at }
    if reason == "too_big" then return nil, "too_big", "data: too long once it is encoded" end
    if reason == "bad_utf8" then
      return nil, "bad_request", "data: has bytes that members who speak JSON cannot be told"
    end
    if not sent then return nil, "internal", reason, true end
    return { at = at }
  end)

  gate:on("members", function(conn, message)
    local room, code, text = room_of(conn, message)
    if not room then return nil, code, text end
    return members_of(room)
  end)

  gate:on("rooms", function()
    local found = {}
    for name, room in gate:rooms() do
      local users = #users_of(room)
      if users > 0 then found[#found + 1] = { name, users } end
    end
    table.sort(found, function(a, b) return a[2] > b[2] or (a[2] == b[2] and a[1] < b[1]) end)
    local rooms = {}
    for i = 1, math.min(#found, MAX_LISTED) do rooms[found[i][1]] = found[i][2] end
    return { rooms = rooms }
  end)

  gate:after("closed", function(conn)
    for room in pairs(conn.rooms) do
      if conn.user then leave(conn, room) end
    end
  end)
end
