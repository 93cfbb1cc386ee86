--- What all requests about rooms share: which room is meant, who may do what there, and how a room
--- is shown.

local attendance = require "rooms.attendance"
local key_of = require("auth.addresses").key_of
local book = require "rooms.book"
local catalogues = require "rooms.catalogue"
local entry = require "rooms.entry"
local office = require "rooms.office"
local options = require "rooms.options"
local permissions = require "rooms.permissions"
local resigning = require "rooms.resigning"
local unused = require "rooms.unused"

local LOOK_AROUND_MS = 10000

---@class rooms.House
---@field gate moongate.Gate
---@field book rooms.Book
---@field catalogue rooms.Catalogue
---@field count_of fun(name: string): integer users who are in
---@field attendance rooms.Attendance
---@field unused rooms.Unused
---@field entry rooms.Entry
---@field refused moongate.Metric
---@field private ephemeral_names table<string, true> rooms that a join has made, and that are there
local House = {}
local house_mt = { __index = House }

local function without_nulls(given, null)
  local found = {}
  for name, value in pairs(type(given) == "table" and given or {}) do
    if value ~= null then found[name] = value end
  end
  return found
end

--- What a request has brought; absent and null are the same, also for an option of a room.
---@param message table
---@return table
function House:data(message)
  local null = self.gate.json.null
  local data = without_nulls(message.data, null)
  if type(data.options) == "table" then data.options = without_nulls(data.options, null) end
  return data
end

--- nil when the message names a room, else the code and the text. One that is kept is meant by the
--- name that it has, which a rule of today might refuse: wait until the rooms are read before.
---@param message table
---@return string? code
---@return string? text
function House:problem_of_name(message)
  local name = message.room
  if type(name) ~= "string" then return "bad_request", "room: expected a string" end
  if not self.book.all[name] and not options.is_name(name, self.is_utf8) then
    return "bad_room", options.NAME_RULE
  end
end

--- A room that a join has made: everyone in it is a member, and it goes with the last.
---@param name string
---@return table record
function House:ephemeral(name)
  return { name = name, kind = "ephemeral", created_at = self.gate:now_ms(),
    options = options.read(), roles = {}, invites = {} }
end

--- The record of a room that is there; nil: nobody has made it, and nobody is in it.
---@param name string
---@return table?
function House:find(name)
  local record = self.book.all[name]
  if record then return record end
  local room = self.gate:room(name)
  if room.kind or room:size() == 0 then return nil end
  local state = room.state
  state.record = state.record or self:ephemeral(name)
  return state.record
end

---@param who moongate.Conn|string a connection, or a user's name
---@param record table
---@return string role
function House.role(_, who, record)
  if type(who) == "string" then return permissions.role(who, record) end
  if who.state.admin then return "admin" end
  return permissions.role(who.user, record)
end

--- Whether the connection may do this in the room.
---@param conn moongate.Conn
---@param record table
---@param action string
---@return true? granted
---@return string? code
---@return string? text
function House:may(conn, record, action)
  return permissions.may(self:role(conn, record), record, action)
end

--- The room that a message names, if the sender is in it, and its record, which rooms of a kind
--- have not; else nil and the error.
---@param conn moongate.Conn
---@param message table
---@return moongate.Room? room
---@return table|string? record or the code
---@return string? text
function House:in_room(conn, message)
  local name = message.room
  if type(name) ~= "string" then return nil, "bad_request", "room: expected a string" end
  local room = self.gate:room(name)
  if not room:has(conn) then return nil, "not_a_member", "join the room first" end
  if room.kind then return room end
  return room, self.book.all[name] or self:find(name)
end

--- The record of the room that a message names, if the sender may do this there; waits until the
--- rooms are read.
---@param conn moongate.Conn
---@param message table
---@param action string
---@return table? record
---@return string? code
---@return string? text
---@return boolean? temporary
function House:record_for(conn, message, action)
  local ready, why, problem, temporary = self.book:wait()
  if not ready then return nil, why, problem, temporary end
  local code, text = self:problem_of_name(message)
  if code then return nil, code, text end
  local record = self:find(message.room)
  if not record then return nil, "no_such_room", "there is no room of this name" end
  -- Whoever may not see it is told as if there were none.
  if not self:may(conn, record, "see") then
    return nil, "no_such_room", "there is no room of this name"
  end
  local granted, refusal, reason = self:may(conn, record, action)
  if not granted then return nil, refusal, reason end
  return record
end

--- The room as a user sees it, without who is in it: nothing of it is the record's own, for other
--- plugins see replies, too.
---@param conn moongate.Conn
---@param record table
---@return table
function House:view(conn, record)
  return { room = record.name, kind = record.kind, title = record.title, topic = record.topic,
    options = options.read(nil, record.options), role = self:role(conn, record),
    archived = record.archived or nil, at = self.gate:now_ms(),
    count = self.attendance:count(self.gate:room(record.name)) }
end

--- The same with who is in it, unless those are many.
---@param conn moongate.Conn
---@param room moongate.Room
---@param record? table nil: of a kind
---@return table
function House:full_view(conn, room, record)
  local users, count = self.attendance:users(room)
  local view = record and self:view(conn, record)
    or { room = room.name, kind = room.kind, role = "member", at = self.gate:now_ms() }
  view.count = count
  if count > self.attendance.large_room then return view end
  local names = {}
  for name in pairs(users) do names[#names + 1] = name end
  table.sort(names)
  view.members = self.gate.json.list(names)
  return view
end

--- Tells those who are in.
---@param record table
---@param message table
function House:tell(record, message)
  message.at = self.gate:now_ms()
  self.gate:room(record.name):publish(message)
end

--- A user is nothing in the room any more: neither its owner nor of any role, and nobody comes in
--- by an invite of theirs. A room of two stays theirs.
---@param record table
---@param user string
---@param by string
function House:dismiss(record, user, by)
  if record.kind == "direct" then return end
  local before = self:role(user, record)
  if record.owner == user then record.owner = nil end
  record.roles[user] = nil
  self.entry.forget_invites(record, user)
  for code, invite in pairs(record.invites) do
    if invite.user == user then record.invites[code] = nil end
  end
  self.book:save(record)
  if before == permissions.role(nil, record) then return end
  resigning.tell(self, record, user, { role = "guest", before = before, by = by })
end

local function is_in_force(ban, now_ms)
  return ban ~= nil and (not ban.expires_at or ban.expires_at > now_ms)
end

--- Whether this connection's address is banned there; no admin's is.
local function is_kept_out(bans, conn, now_ms)
  local ban = (bans.addresses or {})[key_of(conn.address)]
  return not conn.state.admin and is_in_force(ban, now_ms)
end

--- Whether this connection or this user is banned there, by what the plugin moderation has put into
--- the record; by address a user is when all their connections are.
---@param record table
---@param who moongate.Conn|string a connection, or a user's name
---@return boolean
function House:is_banned(record, who)
  local bans, now_ms = record.moderation, self.gate:now_ms()
  if not bans then return false end
  if type(who) ~= "string" then
    return not who.state.admin and is_in_force(bans.users[who.user], now_ms)
      or is_kept_out(bans, who, now_ms)
  end
  if is_in_force(bans.users[who], now_ms) then return true end
  local found, is_there = self.gate:user(who), false
  for _, conn in pairs(found and found.conns or {}) do
    if not is_kept_out(bans, conn, now_ms) then return false end
    is_there = true
  end
  return is_there
end

--- nil when the user may be let in, else the code and the text: a ban is not undone by a role.
---@param record table
---@param user string
---@return string? code
---@return string? text
function House:problem_of_ban(record, user)
  if self:is_banned(record, user) then return "banned", "this user is banned here: unban first" end
end

--- What other plugins see of the rooms: docs/protocol.md.
---@return table api
function House:api()
  return {
    find = function(name) return self:find(name) end,
    role = function(who, record) return self:role(who, record) end,
    may = function(conn, record, action) return self:may(conn, record, action) end,
    in_room = function(conn, message) return self:in_room(conn, message) end,
    is_banned = function(record, who) return self:is_banned(record, who) end,
    --- Whether the user is in, or away and may come back.
    is_in = function(record, user)
      return self.attendance:users(self.gate:room(record.name))[user] ~= nil
    end,
    evict = function(record, user, reason)
      return self.attendance:evict(self.gate:room(record.name), user, reason)
    end,
    direct_name = options.direct_name,
    dismiss = function(record, user, by) self:dismiss(record, user, by) end,
    changed = function(record) self.book:save(record) end,
    --- Whether what moderation keeps in the record is no more than can be saved.
    fits = function(record) return self.book:fits(record, "moderation") end,
    list = function(filter) return self.catalogue:all(filter or {}) end,
    page = function(data) return office.page(self, data or {}) end,
    -- With the rights of an admin; these may wait, until the rooms are read and longer.
    ready = function() return self.book:wait() end,
    act = function(verb, by, name, data) return office.act(self, verb, by, name, data) end,
    members = function(name, data) return office.members(self, name, data or {}) end,
  }
end

--- What is listed of a room that somebody is in and nobody has made.
---@param name string
---@return table? record
function House:passing(name)
  local room = self.gate:room(name)
  if self.attendance:count(room) == 0 then return nil end
  return room.kind and { name = name, kind = room.kind } or self:find(name)
end

--- Of a room that a join has made others hear when it ends, as of one that is deleted.
function House:note_ephemeral(name, is_there, record)
  local was_there = self.ephemeral_names[name]
  self.ephemeral_names[name] = is_there or nil
  if was_there and not is_there and not record then self.gate:tell("room_deleted", name) end
end

--- Somebody has come in, or gone.
---@param room moongate.Room
function House:noticed(room)
  local name, is_used = room.name, room:size() > 0
  self.catalogue:use(name, is_used)
  local record = self.book.all[name]
  if record then self.unused:used(record) end
  self:note_ephemeral(name, is_used and not record and not room.kind, record)
end

--- The room has another name; its record and its members have been taken along.
---@param old string
---@param name string
function House:renamed(old, name)
  self.ephemeral_names[old] = nil
  self.gate:tell("room_renamed", old, name)
  self.attendance:renamed(old, name)
end

--- The room is no more.
---@param record table
function House:delete(record)
  self.book:remove(record)
  self.ephemeral_names[record.name] = nil
  self.attendance:clear(self.gate:room(record.name))
  self.gate:tell("room_deleted", record.name)
end

local house = {}

---@param gate moongate.Gate
---@return rooms.House
function house.open(gate)
  local self = setmetatable({ gate = gate }, house_mt)
  self.is_utf8 = function(text) return gate:is_utf8(text) end
  local state = gate.state
  state.ephemeral_names = state.ephemeral_names or {}
  self.ephemeral_names = state.ephemeral_names
  self.refused = gate:counter("refused_total", { labels = { "code" },
    about = "Requests that a limit of the rooms has refused" })
  self.count_of = function(name) return self.attendance:count(gate:room(name)) end
  self.book = book.open(gate, function(made)
    self.catalogue = catalogues.new(made, function(name) return self:passing(name) end)
    return self.catalogue
  end)
  self.unused = unused.open(gate, self.book, function(record) self:delete(record) end)
  self.attendance = attendance.open(gate, gate:option("presence", { default = false,
    about = "whether the plugin presence says when somebody has gone for good" }),
    function(room) self:noticed(room) end)
  self.catalogue:look_around(gate)
  gate:every(LOOK_AROUND_MS, function() self.catalogue:look_around(gate) end, "catalogue")
  self.entry = entry.open(gate, self.book, self.refused)
  self.guests_create = gate:option("guests_create", { default = true,
    about = "whether guests, whose names are free again when they go, may make rooms" })
  self.create_on_join = gate:option("create_on_join", { default = true,
    about = "whether joining a room that is not there makes one, for as long as somebody is in" })
  self.max_per_connection = gate:option("max_per_connection", { default = 50, min = 1,
    max = 1000, about = "rooms that a connection may be in" })
  return self
end

return house
