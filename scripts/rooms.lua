--- Rooms: which there are, who is in, who comes and goes, and who may do what. What is said in them
--- is another plugin's, "messages". docs/protocol.md has the requests.
--
-- Any plugin may ask for `gate:use("rooms", "1.0")`: see House:api in rooms/house.lua. Who is in is
-- looked up in the rooms' members and states, which survive a reload, and not a restart; rooms that
-- were made survive that, too.

local changes = require "rooms.changes"
local house_of = require "rooms.house"
local joining = require "rooms.joining"
local listing = require "rooms.listing"

---@param gate moongate.Gate
return function(gate)
  gate:needs "auth"
  gate:tells("room_deleted", -- name; also of one that a join has made, when the last has gone
    "room_renamed") -- old name, name
  local house = house_of.open(gate)
  local attendance = house.attendance

  gate:before("join", function(conn, message) return joining.prepare(house, conn, message) end)
  gate:on("join", function(conn, message) return joining.join(house, conn, message) end)

  gate:on("leave", function(conn, message)
    local room, code, text = house:in_room(conn, message)
    if not room then return nil, code, text end
    attendance:leave(conn, room)
    return { room = room.name }
  end)

  for name, change in pairs(changes) do
    gate:on(name, function(conn, message)
      return change(house, conn, message, house:data(message))
    end)
  end

  -- ---- lists ----

  gate:on("members", function(conn, message)
    local room, record, text = house:in_room(conn, message)
    if not room then return nil, record, text end
    if record then
      local granted, code, why = house:may(conn, record, "read_members")
      if not granted then return nil, code, why end
    end
    local users, count = attendance:users(room)
    local answer, problem = listing.members(room.name, users, count, house:data(message))
    if not answer then return nil, "bad_request", problem end
    answer.members = gate.json.list(answer.members)
    return answer
  end)

  gate:on("rooms", function(conn, message)
    local data = message.data
    house.catalogue:refresh(gate)
    if type(data) ~= "table" then
      return { rooms = house.catalogue:biggest(house.count_of, gate:now_ms()) }
    end
    data = house:data(message)
    local answer, problem = listing.rooms(function(limit)
      return house.catalogue:page(data, limit, conn.user, conn.state.admin)
    end, house.count_of, data)
    if not answer then return nil, "bad_request", problem end
    answer.list = gate.json.list(answer.list)
    return answer
  end)

  gate:provide("1.0", house:api())

  -- ---- who goes ----

  gate:after("closed", function(conn, _, code)
    local may_return = attendance:may_return(conn, code)
    for room in pairs(conn.rooms) do
      if conn.user then attendance:leave(conn, room, may_return) end
    end
  end)

  if attendance.presence then
    gate:needs "presence" -- its hooks come first
    gate:after("offline", function(user) attendance:went_offline(user) end)
  end
end
