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
local office = require "rooms.office"

---@param gate moongate.Gate
return function(gate)
  gate:needs "auth"
  gate:tells "room_deleted" -- name
  local house = house_of.open(gate)
  local attendance = house.attendance
  local records = house.book.all

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

  --- What is listed of a room that somebody is in and nobody has made.
  local function passing_record(name, room)
    if records[name] or attendance:count(room) == 0 then return nil end
    return room.kind and { name = name, kind = room.kind } or house:find(name)
  end

  --- Name -> record of the rooms that fit, and that `is_shown` lets pass.
  local function find_rooms(filter, is_shown)
    local found = {}
    for name, record in pairs(records) do
      if listing.fits(record, filter) and is_shown(record) then found[name] = record end
    end
    for name, room in gate:rooms() do
      local record = passing_record(name, room)
      if record and listing.fits(record, filter) then found[name] = record end
    end
    return found
  end

  local function count_of(name) return attendance:count(gate:room(name)) end

  gate:on("rooms", function(conn, message)
    local function is_shown(record) return listing.is_shown(house:role(conn, record), record) end
    if type(message.data) ~= "table" then
      local counts = {}
      local function is_for_all(record) return listing.is_shown("guest", record) end
      for name in pairs(find_rooms({}, is_for_all)) do counts[name] = count_of(name) end
      return { rooms = listing.biggest(counts) }
    end
    local data = house:data(message)
    local problem = listing.problem_of_filter(data)
    if problem then return nil, "bad_request", problem end
    local answer, wrong = listing.rooms(find_rooms(data, is_shown), count_of, data)
    if not answer then return nil, "bad_request", wrong end
    answer.list = gate.json.list(answer.list)
    return answer
  end)

  local function find_all(filter) return find_rooms(filter, function() return true end) end

  local api = house:api(function(filter)
    local list = {}
    for _, record in pairs(find_all(filter or {})) do list[#list + 1] = record end
    table.sort(list, function(a, b) return a.name < b.name end)
    return list
  end)
  function api.page(data) return office.page(find_all, count_of, data or {}) end
  gate:provide("1.0", api)

  -- ---- who goes ----

  gate:after("closed", function(conn)
    for room in pairs(conn.rooms) do
      if conn.user then attendance:leave(conn, room, true) end
    end
  end)

  if attendance.with_presence then
    gate:needs "presence" -- its hooks come first
    gate:after("offline", function(user) attendance:went_offline(user) end)
  end
end
