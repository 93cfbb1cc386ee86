--- A connection, as scripts see it.
local codecs = require "moongate.codec"
local check = require("moongate.check").kind
local core = require "moongate.ffi"
local letter = require "moongate.letter"
local limits = require "moongate.limits"
local membrane = require "moongate.membrane"
local status = require "moongate.status"
local task = require "moongate.task"
local users = require "moongate.user"

local C = core.C

---@class moongate.Conn
---@field id integer never used again
---@field path string as asked for, without the query: "/relay/tea"
---@field query string what followed the question mark, percent-encoded where it would be
--- ambiguous; ends at an empty part
---@field params table<string, string> what the braces of the route matched: { room = "tea" };
--- read only, connections to the same path share it
---@field route string the pattern of the route: "/relay/{room}"
---@field protocol string the subprotocol agreed on, or ""
---@field address string the peer's IP address
---@field host string the Host header of the handshake
---@field token? string that the handshake brought
---@field codec moongate.Codec what the tables sent to it are encoded with; follows from `protocol`
---@field is_open boolean
---@field close_reason? string why it has ended: "client", "lost", "slow", ...
---@field user? string who this is: set by conn:admit
---@field state table data of the plugins about this connection; survives a reload
---@field rooms table<moongate.Room, true>
---@field private room_count? integer of conn.rooms, when that is in use
---@field private only_room? moongate.Room as long as it is in one, and conn.rooms not in use
---@field private lookers? function[] who waits for figures, in the order of their asking
---@field private fields string what the handshake brought, each part ended by a NUL
local conn = {}

local all = {} -- id -> connection whose closed hooks have not run

-- What the handshake brought is kept as it came, and taken apart when it is asked for: most
-- connections are idle, and nobody ever asks most of them.
local FIELDS = "^" .. string.rep("(%Z*)%z", 6) .. "$"
local PROTOCOL = "^%Z*%z%Z*%z(%Z*)%z" -- the one that counts from the start
local HANDSHAKE = { path = 1, query = 2, protocol = 3, address = 4, token = 5, host = 6 }
local OWN_TABLES = { state = true, params = true }

--- Most are in one room: it is all that is kept, until somebody asks for the set.
local function rooms_of(self)
  local only = rawget(self, "only_room")
  self.only_room, self.room_count = nil, only and 1 or 0
  return only and { [only] = true } or {}
end

--- A method, or a field that is made now, and stays.
local function index(self, key)
  local method = conn[key]
  if method then return method end
  local value
  if key == "rooms" then
    value = rooms_of(self)
  elseif OWN_TABLES[key] then
    value = {}
  elseif HANDSHAKE[key] then
    value = select(HANDSHAKE[key], string.match(self.fields, FIELDS))
    if key == "token" and value == "" then return nil end
  end
  if value ~= nil then rawset(self, key, value) end
  return value
end

local conn_mt = { __index = index }

membrane.seal(conn_mt, {
  name = "conn",
  methods = conn,
  fields = { id = true, path = true, query = true, params = membrane.view, route = true,
    protocol = true, address = true, host = true, token = true, codec = membrane.view,
    is_open = true, close_reason = true, user = true, state = true, rooms = membrane.view },
  takes = { send = { membrane.message, membrane.how } },
})

--- Queues a message for this client. Returns before it is written; what was sent before it
--- arrives before it.
---@param message table|string a table goes by the connection's codec, JSON or MessagePack; a
--- string as text (UTF-8)
---@param how? moongate.How|false
---@return true? queued nil when refused
---@return "gone"|"full"|"too_big"|"bad_utf8"|"invalid"? reason
function conn:send(message, how)
  if not self.is_open then return nil, "gone" end
  local bytes, opcode, class, key = letter.of(message, how, self.codec)
  if not bytes then return nil, opcode end
  local result = C.moon_send(self.id, opcode, class, key, bytes, #bytes)
  if result == 0 then return true end
  return nil, status.code[result]
end

---@class moongate.Figures: moongate.Books the books of the write queue, and:
---@field rtt_ms? number the last round trip of a ping; nil before the first pong

--- How the connection is doing, as its I/O thread sees it now. Waits for that; only in a task.
---@return moongate.Figures? figures
---@return "gone"|"full"? reason
function conn:figures()
  task.current "conn:figures"
  if not self.is_open then return nil, "gone" end
  return task.wait("conn:figures", function(done)
    local result = C.moon_look(self.id)
    if result ~= 0 then return done(nil, status.code[result]) end
    self.lookers = self.lookers or {}
    table.insert(self.lookers, done)
  end)
end

--- Says who this is: sets conn.user, and lifts the deadline for it on routes with `auth`.
---@param name string of the user, who may have many connections: see gate:user
---@return true? admitted
---@return "gone"|"full"? reason
function conn:admit(name)
  if type(name) ~= "string" or name == "" then
    error("conn:admit: expected the name of a user, got " .. type(name), 2)
  end
  if not self.is_open then return nil, "gone" end
  local result = C.moon_admit(self.id)
  if result ~= 0 then return nil, status.code[result] end
  users.enter(self, name)
  return true
end

--- Changes what this connection may cost. What is not given stays as it is.
---@param given moongate.Limits
---@return true? accepted
---@return "gone"|"full"|"invalid"? reason
function conn:limit(given)
  if type(given) ~= "table" then error("conn:limit: expected a table", 2) end
  local packed, problem = limits.pack(given)
  if not packed then error("conn:limit: " .. problem, 2) end
  if not self.is_open then return nil, "gone" end
  local result = C.moon_limit(self.id, packed)
  if result == 0 then return true end
  return nil, status.code[result]
end

--- The rate of what the client may send counts so many messages more: of one message that stands
--- for many.
---@param messages integer 1 to 1,000,000
---@return true? accepted
---@return "gone"|"full"? reason
function conn:charge(messages)
  if type(messages) ~= "number" or messages % 1 ~= 0 or messages < 1 or messages > 1e6 then
    error("conn:charge: expected a whole number from 1 to 1000000, got " .. tostring(messages), 2)
  end
  if not self.is_open then return nil, "gone" end
  local result = C.moon_charge(self.id, messages)
  if result == 0 then return true end
  return nil, status.code[result]
end

--- Closes the connection after what is queued. Its `closed` hooks run a little later.
---@param code? integer 1000, or 4000 to 4499 (the client shall reconnect), 4500 to 4999 (not)
---@param reason? string for the client, at most 123 bytes
---@return true? accepted
---@return "gone"|"full"|"invalid"|"bad_utf8"? problem
function conn:close(code, reason)
  if reason ~= nil then check(reason, "string", "conn:close, reason") end
  if not self.is_open then return nil, "gone" end
  code, reason = code or 1000, reason or ""
  if type(code) ~= "number" or code ~= code or code < 1000 or code > 4999 then
    return nil, "invalid"
  end
  local result = C.moon_close(self.id, code, reason, #reason)
  if result == 0 then return true end
  return nil, status.code[result]
end

--- For loop.lua: a connection that has opened.
---@param id integer
---@param fields string path, query, subprotocol, address, token, host, each ended by a NUL
---@return moongate.Conn
local function open(id, fields)
  local codec = codecs.of(string.match(fields, PROTOCOL))
  local new = setmetatable({ id = id, fields = fields, is_open = true, route = "", codec = codec },
    conn_mt)
  all[id] = new
  return new
end

--- For loop.lua: the figures that the first of those who wait has asked for.
---@param self moongate.Conn
---@param figures moongate.Figures
local function show(self, figures)
  local lookers = self.lookers
  local done = table.remove(lookers, 1)
  if not lookers[1] then self.lookers = nil end
  done(figures)
end

--- For loop.lua: the connection has ended.
---@param old moongate.Conn
---@param reason string
local function finish(old, reason)
  old.is_open, old.close_reason = false, reason
  local lookers = old.lookers or {}
  old.lookers = nil
  for _, done in ipairs(lookers) do done(nil, "gone") end
end

--- For loop.lua: its closed hooks have run.
---@param old moongate.Conn
local function forget(old)
  old.is_open = false
  users.leave(old)
  all[old.id] = nil
end

return { all = all, open = open, show = show, finish = finish, forget = forget }
