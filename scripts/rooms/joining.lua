--- How a connection comes into a room.

local joining = {}

local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

local function is_full(house, conn, room, record)
  local users, size = house.attendance:users(room)
  return not users[conn.user] and size >= record.options.max_members
end

--- nil when one more may come in, else the code and the text.
local function problem_of_one_more(house, conn, room, record)
  if count(conn.rooms) >= house.max_per_connection then
    return "too_many_rooms", ("at most %d rooms"):format(house.max_per_connection)
  elseif record and is_full(house, conn, room, record) then
    return "too_many_members", "the room is full"
  end
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
---@return integer? retry_after_ms
function joining.enter(house, conn, room, record)
  if room:has(conn) then return true end
  local code, problem = problem_of_one_more(house, conn, room, record)
  if code then
    house.refused:add(1, code)
    return nil, code, problem
  end
  local added, reason, text, temporary, retry_after_ms = room:add(conn)
  if reason == "already" then return true end
  if reason == "full" then return nil, "unavailable", "the server is too busy", true end
  if not added then return nil, reason, text, temporary, retry_after_ms end
  house.attendance:entered(room, conn)
  return true
end

local NO_ROOM = "there is no room of this name"

--- A room that is not there is made, if that is how it is; not by who brings what a private room
--- wants, and has its name wrong.
local function new_record(house, name, data)
  local is_meant = data.invite == nil and data.password == nil
  if name:byte() == 64 or not house.create_on_join or not is_meant then
    return nil, "no_such_room", NO_ROOM
  end
  return house:ephemeral(name)
end

--- Whether a guest wants to be a member.
local function is_admission(house, conn, record, data)
  return (data.invite ~= nil or data.password ~= nil) and house:role(conn, record) == "guest"
    and not record.archived
end

--- The record of the room that is asked for, which the connection may join; and whether that makes
--- a member of a guest.
local function record_to_join(house, conn, message, data)
  local record = house:find(message.room)
  if not record then return new_record(house, message.room, data) end
  local granted, code, text = house:may(conn, record, "join")
  local is_admitted = is_admission(house, conn, record, data)
  if granted and not is_admitted then return record, false end
  if record.kind == "direct" then return nil, "no_such_room", NO_ROOM end
  if record.archived then return nil, code, text end
  code, text = house.entry:problem_of(conn.user, record, message, data)
  if code then return nil, code, text end
  return record, true
end

--- What is in the way of a join before it is known which room is meant.
local function problem_of(house, message)
  local ready, code, text, temporary = house.book:wait()
  if not ready then return code, text, temporary end
  return house:problem_of_name(message)
end

--- The record of a room that the connection is in now; nil: of a kind. One that the join has made
--- stands in the room's state, and goes with that.
local function record_in(house, room, record)
  if room.kind then return nil end
  if record and record.kind == "ephemeral" then room.state.record = room.state.record or record end
  return house:find(room.name)
end

--- Does what makes a join wait, so that all else is looked at when it is done. A filter: those of
--- plugins that are listed behind this one, such as moderation, come after it.
---@param house rooms.House
---@param conn moongate.Conn
---@param message table
---@return true? ready
---@return string? code
---@return string? text
---@return boolean? temporary
---@return integer? retry_after_ms
function joining.prepare(house, conn, message)
  local code, text, temporary = problem_of(house, message)
  if code then return nil, code, text, temporary end
  local room = house.gate:room(message.room)
  local record = not room.kind and not room:has(conn) and house:find(message.room)
  local data = house:data(message)
  if not record or data.password == nil or data.invite ~= nil or record.kind == "direct"
    or not is_admission(house, conn, record, data) then
    return true
  end
  return house.entry:prove(conn, record, message, data.password)
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
  -- Once more: a filter may have named another room, or the password is another one by now.
  local ready, code, text, temporary, retry_after_ms = joining.prepare(house, conn, message)
  if not ready then return nil, code, text, temporary, retry_after_ms end
  local room, data = house.gate:room(message.room), house:data(message)
  local record, is_admitted
  if not room.kind and not room:has(conn) then
    local problem
    record, is_admitted, problem = record_to_join(house, conn, message, data)
    if not record then return nil, is_admitted, problem end
  end
  local entered, refusal, reason, may_again, wait_ms = joining.enter(house, conn, room, record)
  if not entered then return nil, refusal, reason, may_again, wait_ms end
  if is_admitted then house.entry:admit(conn.user, record, data) end
  return house:full_view(conn, room, record_in(house, room, record))
end

return joining
