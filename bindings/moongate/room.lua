--- Rooms: who is in, and one message to all of them.
--
-- A name means the same room object for as long as it has members or a script holds it.
-- room.state goes when the last member leaves. The core holds the members that matter for
-- delivery; here are those that scripts ask about.
--
-- Members whose codec is not the default one are in a room of their own in the core, one for each
-- codec: a section. So a table is rendered once for each codec that has members, and each gets
-- what it can read. Most rooms have no section, and what they publish costs nothing more.
local check_conn = require("moongate.check").conn
local codecs = require "moongate.codec"
local core = require "moongate.ffi"
local letter = require "moongate.letter"
local membrane = require "moongate.membrane"
local metric = require "moongate.metric"
local status = require "moongate.status"

local C = core.C
local CONTROL = C.MOON_CONTROL
local DEFAULT = codecs.default

local facts = C.moon_facts()
local refused = metric.runtime("counter", "script_joins_refused_total",
  { about = "Joins of connections that were in as many rooms as they may" })

---@class moongate.HowToAll: moongate.How not of class "control"
---@field except? moongate.Conn a member who does not get it

---@class moongate.Room
---@field name string
---@field state table data of the plugins about this room; survives a reload
---@field members table<integer, moongate.Conn> connection id -> connection; read only, and live: a
--- loop that waits needs a copy
---@field kind? string
---@field private id integer what the core calls it
---@field private is_gone? boolean it was of a kind, and has closed
---@field private count integer of all members
---@field private sections table<moongate.Codec, { id: integer, codec: moongate.Codec, count:
--- integer }>|false
local room = {}
local room_mt = { __index = room }

local FOR_ALL = { name = true, kind = true }

membrane.seal(room_mt, {
  name = "room",
  methods = room,
  fields = { name = true, kind = true, state = true, members = membrane.view },
  takes = { add = { membrane.conn }, remove = { membrane.conn }, has = { membrane.conn },
    say = { membrane.conn, membrane.data }, publish = { membrane.message, membrane.how } },
  gives = { say = membrane.copy },
  check = function(realm, self, what)
    if self.kind and not FOR_ALL[what] then
      return membrane.lacks_kind(realm, self.kind, "room." .. what)
    end
  end,
})

-- What rooms of a kind do in place of it, or beside: add, left, say, close. See kind.lua.
local of_kind = {}

local all = setmetatable({}, { __mode = "v" }) -- name -> room; its members hold it, too
local last_id = 0 -- ids count up and never come back

local function new_id()
  last_id = last_id + 1
  return last_id
end

--- The room of this name, which may have no members yet.
---@param name string
---@return moongate.Room
local function find(name)
  local found = all[name]
  if not found then
    found = setmetatable({ name = name, id = new_id(), members = {}, count = 0, state = {},
      sections = false }, room_mt)
    all[name] = found
  end
  return found
end

--- What the core calls the room of those who speak this codec.
local function id_for(self, codec)
  if codec == DEFAULT then return self.id end
  self.sections = self.sections or {}
  local section = self.sections[codec]
  if not section then
    section = { id = new_id(), codec = codec, count = 0 }
    self.sections[codec] = section
  end
  return section.id
end

--- A section goes with its last member.
local function add_up(self, codec, change)
  self.count = self.count + change
  local section = self.sections and self.sections[codec]
  if not section then return end
  section.count = section.count + change
  if section.count > 0 then return end
  self.sections[codec] = nil
  self.sections = next(self.sections) and self.sections or false
end

local function note_in(self, member)
  self.members[member.id] = member
  if rawget(member, "rooms") or rawget(member, "only_room") then
    member.rooms[self] = true
    member.room_count = member.room_count + 1
  else
    member.only_room = self
  end
end

--- Makes it a member, whatever its kind may say to that.
---@param self moongate.Room
---@param member moongate.Conn
---@return true? added
---@return string? reason
local function join(self, member)
  if not member.is_open then return nil, "gone" end
  if self.members[member.id] then return nil, "already" end
  local count = rawget(member, "room_count") or (rawget(member, "only_room") and 1 or 0)
  if count >= facts.max_rooms then
    refused:add(1)
    return nil, "too_many_rooms", ("at most %d for a connection"):format(facts.max_rooms)
  end
  local result = C.moon_join(id_for(self, member.codec), member.id)
  add_up(self, member.codec, result == 0 and 1 or 0)
  if result ~= 0 then return nil, status.code[result] end
  note_in(self, member)
  return true
end

--- Makes the connection a member: it gets what is published from now on. Of a kind with
--- `may_join`, when all earlier events of the room are done: then only in a task, and waits, but
--- not within a hook of the room.
---@param member moongate.Conn
---@return true? added
---@return "gone"|"already"|"full"|"too_many_rooms"|"too_many_members"|"too_many_requests"|
--- "timeout"|"internal"|string? reason the last four only in a room of a kind, which may have its
--- own
---@return string? text
---@return boolean? temporary
---@return number? retry_after_ms
function room:add(member)
  check_conn(member, "room:add")
  if self.kind then return of_kind.add(self, member) end
  return join(self, member)
end

--- The connection gets what was published until now, and nothing more.
---@param member moongate.Conn
---@return boolean was_member
function room:remove(member)
  check_conn(member, "room:remove")
  if not self.members[member.id] then return false end
  if member.is_open then C.moon_leave(id_for(self, member.codec), member.id) end
  self.members[member.id] = nil
  add_up(self, member.codec, -1)
  if rawget(member, "only_room") then
    member.only_room = nil
  else
    member.rooms[self] = nil
    member.room_count = member.room_count - 1
  end
  if self.kind then
    of_kind.left(self, member)
  elseif self.count == 0 then
    self.state = {}
  end
  return true
end

--- Raises, in the name of who called the caller, when this is not for all.
---@return integer except
local function except_of(how, class)
  local except = how.except
  if except and not (type(except) == "table" and except.id) then
    error("room:publish: expected { except = conn }", 3)
  end
  if class == CONTROL then error('room:publish: class "control" is for one', 3) end
  return except and except.id or 0
end

--- Those of one codec, as the core knows them; each has members. The default comes first: only of
--- its text the core may say that it is not UTF-8.
local function parts_of(self)
  local parts, rest = {}, self.count
  for _, section in pairs(self.sections) do
    parts[#parts + 1] = section
    rest = rest - section.count
  end
  if rest > 0 then table.insert(parts, 1, { id = self.id, codec = DEFAULT }) end
  return parts
end

--- Publishes in a room with sections: to all or to none. All is rendered, and there is room for
--- all, before the first part gets its own.
local function publish_to_parts(self, message, how)
  local parts, letters, total, except = parts_of(self), {}, 0, 0
  for i, part in ipairs(parts) do
    local bytes, opcode, class, key = letter.of(message, how, part.codec)
    if not bytes then return nil, opcode end
    if how then except = except_of(how, class) end
    letters[i] = { bytes = bytes, opcode = opcode, class = class, key = key }
    total = total + #bytes
  end
  local result = #parts > 1 and C.moon_has_room(#parts, total) or 0
  for i, part in ipairs(parts) do
    if result ~= 0 then break end
    local one = letters[i]
    result = C.moon_publish(part.id, except, one.opcode, one.class, one.key, one.bytes, #one.bytes)
  end
  if result == 0 then return true end
  return nil, status.code[result]
end

--- Queues one message for all members.
---@param message table|string a table goes to each member by its codec, JSON or MessagePack; a
--- string as text (UTF-8)
---@param how? moongate.HowToAll|false
---@return true? queued
---@return "full"|"too_big"|"bad_utf8"|"invalid"|"gone"? reason nobody gets it, also if only members
--- of one codec could not be told; "gone": it was of a kind, and has closed
function room:publish(message, how)
  if self.is_gone then return nil, "gone" end
  if self.sections then return publish_to_parts(self, message, how) end
  local bytes, opcode, class, key = letter.of(message, how, DEFAULT)
  if not bytes then return nil, opcode end
  local except = how and except_of(how, class) or 0
  local result = C.moon_publish(self.id, except, opcode, class, key, bytes, #bytes)
  if result == 0 then return true end
  return nil, status.code[result]
end

--- What a member says in a room of a kind: its `said` decides. Waits for the reply; only in a
--- task, and not within a hook of the room. Who is no member by then has said nothing.
---@param member moongate.Conn
---@param data any
---@return any reply nil when refused
---@return string? code
---@return string? text
---@return boolean? temporary
---@return number? retry_after_ms
function room:say(member, data)
  if not self.kind then error("room:say: only in a room of a kind: gate:open_room", 2) end
  check_conn(member, "room:say")
  return of_kind.say(self, member, data)
end

--- Closes a room of a kind: all leave it, and its `closed` is told.
---@param reason string
---@return true? closing nil: it has been closed already
---@return "gone"? problem
function room:close(reason)
  if not self.kind then error("room:close: only a room of a kind: gate:open_room", 2) end
  return of_kind.close(self, reason)
end

---@return integer members connections, not users
function room:size() return self.count end

---@param member moongate.Conn
---@return boolean
function room:has(member)
  check_conn(member, "room:has")
  return self.members[member.id] ~= nil
end

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

return { all = all, of_kind = of_kind, find = find, join = join, forget = forget, drop = drop }
