--- How a connection comes into a room.

local joining = {}

local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

local function refuse(house, code, text)
  house.refused:add(1, code)
  return nil, code, text
end

local function is_full(house, conn, room, record)
  local users, size = house.attendance:users(room)
  return not users[conn.user] and size >= record.options.max_members
end

--- The connection becomes a member of the room. Of a kind this may wait, and its plugin may have
--- put the connection in meanwhile.
---@param house rooms.House
---@param conn moongate.Conn
---@param room moongate.Room
---@param record? table nil: of a kind
---@return true? entered or is in already
---@return string? code
---@return string? text
---@return boolean? temporary
function joining.enter(house, conn, room, record)
  if room:has(conn) then return true end
  if count(conn.rooms) >= house.max_per_connection then
    return refuse(house, "too_many_rooms", ("at most %d rooms"):format(house.max_per_connection))
  elseif record and is_full(house, conn, room, record) then
    return refuse(house, "too_many_members", "the room is full")
  end
  local added, reason, text, temporary = room:add(conn)
  if reason == "already" then return true end
  if not added and room.kind and reason ~= "full" then return nil, reason, text, temporary end
  if not added then return nil, "internal", reason, true end
  house.attendance:entered(room, conn)
  return true
end

--- A room that is not there is made, if that is how it is.
local function new_record(house, name)
  if name:byte() == 64 or not house.create_on_join then
    return nil, "no_such_room", "there is no room of this name"
  end
  return house:ephemeral(name)
end

--- The record of the room that is asked for, which the connection may join: a guest of a private
--- one brings something.
local function record_to_join(house, conn, message)
  local record = house:find(message.room)
  if not record then return new_record(house, message.room) end
  local data = house:data(message)
  local granted, code, text = house:may(conn, record, "join")
  local brings = data.invite ~= nil or data.password ~= nil
  local is_admission = brings and house:role(conn, record) == "guest" and not record.archived
  if granted and not is_admission then return record end
  if record.archived or record.kind == "direct" then return nil, code, text end
  local admitted, why, problem, temporary, retry_after_ms = house.entry:admit(conn, record, data)
  if not admitted then return nil, why, problem, temporary, retry_after_ms end
  return record
end

--- What is in the way of a join before it is known which room is meant.
local function problem_of(house, message)
  local code, text = house:problem_of_name(message)
  if code then return code, text end
  return select(2, house.book:wait())
end

--- The record of a room that the connection is in now; nil: of a kind. One that the join has made
--- stands in the room's state, and goes with that.
local function record_in(house, room, record)
  if room.kind then return nil end
  if record and record.kind == "ephemeral" then room.state.record = room.state.record or record end
  return house:find(room.name)
end

--- The handler of `join`.
---@param house rooms.House
---@param conn moongate.Conn
---@param message table
---@return table? view
---@return string? code
---@return string? text
---@return boolean? temporary
---@return integer? retry_after_ms
function joining.join(house, conn, message)
  local code, text, temporary = problem_of(house, message)
  if code then return nil, code, text, temporary end
  local room, record = house.gate:room(message.room), nil
  if not room.kind and not room:has(conn) then
    local why, problem, later, retry_after_ms
    record, why, problem, later, retry_after_ms = record_to_join(house, conn, message)
    if not record then return nil, why, problem, later, retry_after_ms end
  end
  local entered, refusal, reason, may_come_again = joining.enter(house, conn, room, record)
  if not entered then return nil, refusal, reason, may_come_again end
  return house:full_view(conn, room, record_in(house, room, record))
end

--- The slow mode: when the user may speak again, if not now.
---@param house rooms.House
---@param conn moongate.Conn
---@param room moongate.Room
---@param record table
---@return integer? wait_ms
function joining.slow_mode(house, conn, room, record)
  local slow_mode_ms = record.options.slow_mode_ms
  local said_at = slow_mode_ms > 0 and room.state.said_at
  local at = said_at and said_at[conn.user]
  local wait_ms = at and at + slow_mode_ms - house.gate:now_ms() or 0
  if wait_ms <= 0 or house:may(conn, record, "kick") then return nil end
  return wait_ms
end

--- Remembers that the user has spoken, where that is limited.
---@param house rooms.House
---@param conn moongate.Conn
---@param room moongate.Room
---@param record table
function joining.spoke(house, conn, room, record)
  if record.options.slow_mode_ms == 0 then return end
  local state = room.state
  state.said_at = state.said_at or {}
  state.said_at[conn.user] = house.gate:now_ms()
end

--- Forgets who has spoken long enough ago.
---@param house rooms.House
function joining.sweep(house)
  local now_ms = house.gate:now_ms()
  for name, record in pairs(house.book.all) do
    local slow_mode_ms = record.options.slow_mode_ms
    local said_at = slow_mode_ms > 0 and house.gate:room(name).state.said_at
    for user, at in pairs(said_at or {}) do
      if at + slow_mode_ms <= now_ms then said_at[user] = nil end
    end
  end
end

return joining
