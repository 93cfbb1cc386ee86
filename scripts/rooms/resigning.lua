--- How a user gives up what they are in a room, and how a room gets another owner.

local audience = require "router.audience"
local permissions = require "rooms.permissions"

local resigning = {}

--- Whether the user has to do with the room. Others are not told that they are members, or were:
--- anybody may make a room, and would tell strangers what its name says.
local function is_concerned(house, record, user, change)
  return house.attendance:users(house.gate:room(record.name))[user] ~= nil or change.by == user
    or permissions.is_above(change.before, "member") or permissions.is_above(change.role, "member")
end

--- Tells those who are in, and the user, whose connections may not be.
---@param house rooms.House
---@param record table
---@param user string
---@param change { role: string, before: string, by: string }
function resigning.tell(house, record, user, change)
  local role, room = change.role, house.gate:room(record.name)
  local push = { type = "role_changed", room = record.name, user = user, role = role,
    by = change.by }
  house:tell(record, push)
  local found = is_concerned(house, record, user, change) and house.gate:user(user)
  for _, conn in pairs(found and found.conns or {}) do
    if audience.hears(conn) and not room:has(conn) then conn:send(push) end
  end
  if not permissions.may(role, record, "join") then
    house.attendance:evict(room, user, "role")
  end
end

--- The handler of `resign`: the room is not among the user's own any more.
---@param house rooms.House
---@param conn moongate.Conn
---@param message table
---@return table? answer
---@return string? code
---@return string? text
---@return boolean? temporary
function resigning.resign(house, conn, message)
  local record, code, text, temporary = house:record_for(conn, message, "see")
  if not record then return nil, code, text, temporary end
  local user = conn.user
  if record.owner == user then
    return nil, "not_allowed", "hand the room over first, or delete it"
  elseif not record.roles[user] then
    return nil, "not_a_member", "you have no role in this room"
  end
  local before = house:role(user, record)
  house.entry:set_role(record, user, "guest")
  resigning.tell(house, record, user, { role = "guest", before = before, by = user })
  return { room = record.name, at = house.gate:now_ms() }
end

--- A connection of the user that is in the room.
local function conn_in(house, room, user)
  local found = house.gate:user(user)
  for _, conn in pairs(found and found.conns or {}) do
    if room:has(conn) then return conn end
  end
end

--- The owner before is a moderator, and the next one nothing else; nil, the code and the text when
--- there is no place for one more.
local function swap_owner(house, record, user)
  local before, held = record.owner, record.roles[user]
  record.roles[user] = nil
  local code, text
  if before then code, text = house.entry:problem_of_role(record, before, "moderator") end
  if code then
    record.roles[user] = held
    return nil, code, text
  end
  record.owner = user
  if before then record.roles[before] = "moderator" end
  return true
end

--- nil when the user may be the owner, else the code and the text. Nobody is above an owner, and so
--- nobody in the room could lift a ban or a mute that the plugin moderation has put there.
local function problem_of_heir(house, record, user)
  local code, text = house:problem_of_ban(record, user)
  if code then return code, text end
  local mute = record.moderation and record.moderation.mutes[user]
  if mute and (not mute.expires_at or mute.expires_at > house.gate:now_ms()) then
    return "muted", "this user is muted here: unmute first"
  end
  return house.book:problem_of_owner(user)
end

--- The room is the user's from now on, and the owner before is a moderator. The user must be in, so
--- that nobody is made to have rooms.
---@param house rooms.House
---@param conn moongate.Conn
---@param record table
---@param user string
---@return table? answer
---@return string? code
---@return string? text
function resigning.hand_over(house, conn, record, user)
  local before = record.owner
  if not permissions.is_at_least(house:role(conn, record), "owner") or before == user then
    return nil, "not_allowed", "only the owner hands a room over, to somebody else"
  end
  local heir = conn_in(house, house.gate:room(record.name), user)
  if not heir then return nil, "not_a_member", "the next owner must be in the room" end
  local code, text = problem_of_heir(house, record, user)
  if code then
    if code == "too_many_rooms" then house.refused:add(1, code) end
    return nil, code, text
  end
  local held = house:role(user, record)
  local done, why, problem = swap_owner(house, record, user)
  if not done then return nil, why, problem end
  local auth = heir.state.auth
  record.by_guest = type(auth) == "table" and auth.guest or nil
  house.book:save(record)
  local by = conn.user
  resigning.tell(house, record, user, { role = "owner", before = held, by = by })
  if before then
    resigning.tell(house, record, before, { role = "moderator", before = "owner", by = by })
  end
  return { room = record.name, user = user, role = "owner", at = house.gate:now_ms() }
end

return resigning
