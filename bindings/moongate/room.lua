--- Rooms: who is in, and one message to all of them.
--
-- A name means the same room object for as long as it has members or a script holds it.
-- room.state goes when the last member leaves. The core holds the members that matter for
-- delivery; here are those that scripts ask about.
local core = require "moongate.ffi"
local letter = require "moongate.letter"
local status = require "moongate.status"

local C = core.C
local CONTROL = C.MOON_CONTROL

---@class moongate.HowToAll: moongate.How not of class "control"
---@field except? moongate.Conn a member who does not get it

---@class moongate.Room
---@field name string
---@field state table data of the plugins about this room; survives a reload
---@field members table<integer, moongate.Conn> connection id -> connection; read only
---@field kind? string
---@field private id integer what the core calls it
---@field private count integer
local room = {}
local room_mt = { __index = room }

-- What rooms of a kind do beside: may_join, joined, left, say, close. See kind.lua.
local of_kind = {}

local all = setmetatable({}, { __mode = "v" }) -- name -> room; its members hold it, too
local last_id = 0 -- ids count up and never come back

--- The room of this name, which may have no members yet.
---@param name string
---@return moongate.Room
local function find(name)
  local found = all[name]
  if not found then
    last_id = last_id + 1
    found = setmetatable({ name = name, id = last_id, members = {}, count = 0, state = {} },
      room_mt)
    all[name] = found
  end
  return found
end

--- Makes the connection a member: it gets what is published from now on.
---@param member moongate.Conn
---@return true? added
---@return "gone"|"full"|"already"|string? reason a room of a kind may have its own
---@return string? text
function room:add(member)
  if not member.is_open then return nil, "gone" end
  if self.members[member.id] then return nil, "already" end
  if self.kind then
    local may, code, text = of_kind.may_join(self, member)
    if not may then return nil, code, text end
  end
  local result = C.moon_join(self.id, member.id)
  if result ~= 0 then return nil, status.code[result] end
  self.members[member.id] = member
  self.count = self.count + 1
  if rawget(member, "rooms") or rawget(member, "only_room") then
    member.rooms[self] = true
  else
    member.only_room = self
  end
  if self.kind then of_kind.joined(self, member) end
  return true
end

--- The connection gets what was published until now, and nothing more.
---@param member moongate.Conn
---@return boolean was_member
function room:remove(member)
  if not self.members[member.id] then return false end
  if member.is_open then C.moon_leave(self.id, member.id) end
  self.members[member.id] = nil
  self.count = self.count - 1
  if rawget(member, "only_room") then
    member.only_room = nil
  else
    member.rooms[self] = nil
  end
  if self.kind then
    of_kind.left(self, member)
  elseif self.count == 0 then
    self.state = {}
  end
  return true
end

--- Queues one message for all members.
---@param message table|string a table goes as one JSON object; a string as text (UTF-8)
---@param how? moongate.HowToAll|false
---@return true? queued
---@return "full"|"too_big"|"bad_utf8"|"invalid"? reason
function room:publish(message, how)
  local bytes, opcode, class, key = letter.of(message, how)
  local except = 0
  if how then
    except = how.except and how.except.id or 0
    if how.id or (how.except and except == 0) then
      error("room:publish: expected { except = conn }", 2)
    end
    if class == CONTROL then error('room:publish: class "control" is for one', 2) end
  end
  local result = C.moon_publish(self.id, except, opcode, class, key, bytes, #bytes)
  if result == 0 then return true end
  return nil, status.code[result]
end

--- What a member says in a room of a kind: its `said` decides. Waits for the reply; only in a
--- task.
---@param member moongate.Conn
---@param data any
---@return any reply nil when refused
---@return string? code
---@return string? text
---@return boolean? temporary
function room:say(member, data)
  if not self.kind then error("room:say: only in a room of a kind: gate:open_room", 2) end
  return of_kind.say(self, member, data)
end

--- Closes a room of a kind: all leave it, and its `closed` is told.
---@param reason string
function room:close(reason)
  if not self.kind then error("room:close: only a room of a kind: gate:open_room", 2) end
  of_kind.close(self, reason)
end

---@return integer members connections, not users
function room:size() return self.count end

---@param member moongate.Conn
---@return boolean
function room:has(member) return self.members[member.id] ~= nil end

--- For kind.lua: the name is free again.
local function forget(old)
  if all[old.name] == old then all[old.name] = nil end
end

--- Takes a connection that has closed out of its rooms. The core has done so already.
---@param member moongate.Conn
local function drop(member)
  local only = rawget(member, "only_room")
  if only then
    only:remove(member)
  else
    for joined in pairs(rawget(member, "rooms") or {}) do joined:remove(member) end
  end
end

return { all = all, of_kind = of_kind, find = find, forget = forget, drop = drop }
