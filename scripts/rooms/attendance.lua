--- Who is in which room: users, each once however many connections they have, and who is told of
--- their coming and going.
--
-- room.state.users counts the connections of each user, so that nobody has to look at all members.
-- Rooms of a kind have their state for themselves: in these the connections are looked at. With the
-- plugin presence, one whose last connection to the room was lost stays, with 0, until its grace is
-- over or it says "offline": it knows nothing of rooms, and one may be connected elsewhere.

local MAX_GATHERED = 500 -- names in one message; of more only the number is told
local MAX_DUE = 1000     -- users who are given up in a tick
local TICK_MS = 1000

---@class rooms.Attendance
---@field private away table<string, table<string, integer>> user -> room in which they have no
--- connection any more -> when they are given up
---@field presence? table the API of that plugin
---@field private changing table<string, true> rooms with changes that were not told yet
local Attendance = {}
local attendance_mt = { __index = Attendance }

--- Whether the user is in with another connection; in rooms of a kind.
local function has_other(self, room, conn)
  local user = self.gate:user(conn.user)
  for _, other in pairs(user and user.conns or {}) do
    if other ~= conn and room:has(other) then return true end
  end
  return false
end

--- User -> anything but nil, and how many they are. To be read, at once.
---@param room moongate.Room
---@return table<string, any> users
---@return integer count
function Attendance:users(room)
  if not room.kind then return room.state.users or {}, room.state.user_count or 0 end
  local users, count = {}, 0
  for _, member in pairs(room.members) do
    local name = member.user
    if name and not users[name] then users[name], count = true, count + 1 end
  end
  return users, count
end

---@param room moongate.Room
---@return integer
function Attendance:count(room)
  if not room.kind then return room.state.user_count or 0 end
  return (select(2, self:users(room)))
end

---@param room moongate.Room
---@return boolean
function Attendance:is_large(room) return self:count(room) > self.large_room end

-- ---- who is told ----

--- One who comes and goes again before it is told, or the other way round, has not moved.
function Attendance:gather(room, user, has_joined)
  local changes = room.state.changes or {}
  room.state.changes = changes
  if changes[user] == nil then changes[user] = has_joined else changes[user] = nil end
  self.changing[room.name] = true
end

function Attendance:tell(room, user, has_joined, except, reason)
  if not room.kind and (room.state.changes or self:is_large(room)) then
    return self:gather(room, user, has_joined)
  end
  room:publish({ type = has_joined and "joined" or "left", room = room.name, user = user,
    reason = reason, at = self.gate:now_ms() }, except and { except = except })
end

local function publish_changes(self, room, changes)
  local joined, left, total = {}, {}, 0
  for user, has_joined in pairs(changes) do
    local list = has_joined and joined or left
    list[#list + 1], total = user, total + 1
  end
  if total == 0 then return end
  table.sort(joined)
  table.sort(left)
  local is_short, list = total <= MAX_GATHERED, self.gate.json.list
  room:publish { type = "members_changed", room = room.name, count = self:count(room),
    joined = is_short and list(joined) or nil, left = is_short and list(left) or nil,
    at = self.gate:now_ms() }
end

--- Tells large rooms what has changed since the last time.
function Attendance:flush()
  for name in pairs(self.changing) do
    local room = self.gate:room(name)
    local changes = room.state.changes
    room.state.changes, self.changing[name] = nil, nil
    if changes then publish_changes(self, room, changes) end
  end
end

-- ---- who comes and goes ----

function Attendance:forget_away(user, name)
  local rooms = self.away[user]
  if not rooms then return end
  rooms[name] = nil
  if not next(rooms) then self.away[user] = nil end
end

local function drop(state, user)
  if not state.users or not state.users[user] then return end
  state.users[user] = nil
  state.user_count = state.user_count - 1
end

--- Counts one more connection; returns whether it is the user's first.
local function note(state, user)
  local users = state.users or {}
  local count = users[user]
  state.users, users[user] = users, (count or 0) + 1
  if count then return false end
  state.user_count = (state.user_count or 0) + 1
  return true
end

--- The connection is a member now.
---@param room moongate.Room
---@param conn moongate.Conn
function Attendance:entered(room, conn)
  local user = conn.user
  self.notice(room)
  if room.kind then
    if not has_other(self, room, conn) then self:tell(room, user, true, conn) end
  elseif note(room.state, user) then
    self:tell(room, user, true, conn)
  else
    self:forget_away(user, room.name)
  end
end

--- Whether who loses this connection, by this close code, has a while to come back.
---@param conn moongate.Conn
---@param code integer
---@return boolean
function Attendance:may_return(conn, code)
  return self.presence ~= nil and not self.presence.is_final(code, conn)
end

--- Whether the user stays when this connection has gone.
local function stays(self, room, state, conn, may_return)
  if room.kind then return has_other(self, room, conn) end
  local user = conn.user
  local count = state.users and state.users[user]
  if count and count > 1 then
    state.users[user] = count - 1
    return true
  elseif count and may_return then
    state.users[user] = 0
    self.away[user] = self.away[user] or {}
    self.away[user][room.name] = self.gate:now_ms() + self.presence.grace_ms
    return true
  end
  drop(state, user)
  return false
end

--- Takes the connection out.
---@param conn moongate.Conn
---@param room moongate.Room
---@param may_return? boolean within the grace
function Attendance:leave(conn, room, may_return)
  local state = room.state -- the room has another one when nobody is left
  room:remove(conn)
  if not stays(self, room, state, conn, may_return) then self:tell(room, conn.user, false) end
  self.notice(room)
end

--- Takes all connections of a user out of a room, and tells them and the others why.
---@param room moongate.Room
---@param user string
---@param reason string
---@return boolean was_in
function Attendance:evict(room, user, reason)
  local state, was_in = room.kind and {} or room.state, false
  local found = self.gate:user(user)
  for _, conn in pairs(found and found.conns or {}) do
    if room:has(conn) then
      was_in = true
      conn:send { type = "left", room = room.name, user = user, reason = reason,
        at = self.gate:now_ms() }
      room:remove(conn)
    end
  end
  was_in = was_in or (state.users or {})[user] ~= nil
  drop(state, user)
  self:forget_away(user, room.name)
  if was_in then self:tell(room, user, false, nil, reason) end
  self.notice(room)
  return was_in
end

--- Takes out whoever is in, and tells nobody.
---@param room moongate.Room
function Attendance:clear(room)
  for user in pairs(room.state.users or {}) do self:forget_away(user, room.name) end
  self.changing[room.name] = nil
  local members = {}
  for _, conn in pairs(room.members) do members[#members + 1] = conn end
  for _, conn in ipairs(members) do room:remove(conn) end
  self.notice(room)
end

--- The room has another name; its state has been taken along.
---@param old string
---@param name string
function Attendance:renamed(old, name)
  for user in pairs(self.gate:room(name).state.users or {}) do
    local rooms = self.away[user]
    if rooms and rooms[old] then rooms[old], rooms[name] = nil, rooms[old] end
  end
  if self.changing[old] then self.changing[old], self.changing[name] = nil, true end
  self.notice(self.gate:room(old))
  self.notice(self.gate:room(name))
end

--- Who has no connection in the room, and does not come back, is out.
local function give_up(self, user, name)
  local room = self.gate:room(name)
  if (room.state.users or {})[user] == 0 then
    drop(room.state, user)
    self:tell(room, user, false)
  end
  self:forget_away(user, name)
end

--- Gives up whose grace is over; of who is connected nowhere presence says it as well.
function Attendance:expire()
  local now_ms, due = self.gate:now_ms(), {}
  local latest_ms = now_ms + self.presence.grace_ms
  for user, rooms in pairs(self.away) do
    for name, until_ms in pairs(rooms) do
      if until_ms <= now_ms then due[#due + 1] = { user = user, name = name } end
      rooms[name] = math.min(until_ms, latest_ms) -- the clock may have been set back
    end
    if #due >= MAX_DUE then break end
  end
  for _, one in ipairs(due) do give_up(self, one.user, one.name) end
end

--- Nobody is waited for any more: there was presence before, and now there is not.
local function give_all_up(self)
  for user, rooms in pairs(self.away) do
    for name in pairs(rooms) do give_up(self, user, name) end
  end
end

--- The plugin presence says that the user will not come back. It may be heard late, when they have
--- come back all the same.
---@param user string
function Attendance:went_offline(user)
  if self.presence.state_of(user) ~= "offline" then return end
  local found = self.gate:user(user) -- as long as the hooks of the last connection run
  for _, conn in pairs(found and found.conns or {}) do
    if not conn.is_open then
      for room in pairs(conn.rooms) do self:leave(conn, room) end
    end
  end
  for name in pairs(self.away[user] or {}) do give_up(self, user, name) end
end

-- ---- anew ----

function Attendance:recount_room(room)
  local state, before = room.state, room.state.users or {}
  state.users, state.user_count = nil, nil
  for _, member in pairs(room.members) do
    if member.user then note(state, member.user) end
  end
  for user, connections in pairs(before) do
    local rooms = connections == 0 and self.away[user]
    if rooms and rooms[room.name] and note(state, user) then state.users[user] = 0 end
  end
end

--- Counts anew: the plugin may have been away for a while.
function Attendance:recount()
  for _, room in self.gate:rooms() do
    if not room.kind then self:recount_room(room) end
  end
end

local attendance = {}

---@param gate moongate.Gate
---@param with_presence boolean
---@param notice fun(room: moongate.Room) somebody has come in, or gone
---@return rooms.Attendance
function attendance.open(gate, with_presence, notice)
  local state = gate.state
  state.away = state.away or {}
  state.changing = state.changing or {}
  local self = setmetatable({ gate = gate, away = state.away, changing = state.changing,
    presence = with_presence and gate:use("presence", "1.1") or nil, notice = notice },
    attendance_mt)
  for _, rooms in pairs(state.away) do -- of older code, which had true
    for name, until_ms in pairs(rooms) do rooms[name] = tonumber(until_ms) or gate:now_ms() end
  end
  self.large_room = gate:option("large_room", { default = 200, min = 2, max = 500,
    about = "users beyond whom nobody is told of each who comes and goes" })
  self:recount()
  gate:every(TICK_MS, function() self:flush() end, "members_changed")
  if self.presence then
    gate:every(TICK_MS, function() self:expire() end, "away")
  else
    gate:spawn(function() give_all_up(self) end)
  end
  return self
end

return attendance
