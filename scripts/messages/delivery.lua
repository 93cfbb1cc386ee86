--- Who is told what happens in a room: its members, which are connections. In a room of two those
--- two, on all their connections, also those that have not joined it.

local audience = require "router.audience"

---@class messages.Delivery
---@field private gate moongate.Gate
---@field private rooms table the API of the plugin rooms
local Delivery = {}
local delivery_mt = { __index = Delivery }

local NOBODY = {}
local AS_BYTES = { binary = true }

--- Of a room of two: the connections of these that have not joined it.
local function outside(self, room, record)
  if not record or record.kind ~= "direct" then return NOBODY end
  local list = {}
  for name in pairs(record.roles) do
    local user = self.gate:user(name)
    for _, conn in pairs(user and user.conns or NOBODY) do
      local is_meant = audience.hears(conn) and not room:has(conn)
      if is_meant and not self.rooms.is_banned(record, conn) then list[#list + 1] = conn end
    end
  end
  return list
end

--- The push in each encoding of these connections; nil and the reason: one cannot be told.
local function render(self, push, conns)
  local texts = {}
  for _, conn in ipairs(conns) do
    local codec = conn.codec
    if not texts[codec.name] then
      local bytes, problem, code = codec.encode(push)
      if not bytes then return nil, code or problem end
      if not codec.is_binary and not self.gate:is_utf8(bytes) then return nil, "bad_utf8" end
      texts[codec.name] = bytes
    end
  end
  return texts
end

--- Whether who hears nothing of it could be told; nil, or the reason as of room:publish. It is not
--- to be seen that it is for one alone.
local function problem_for_others(self, room, record, push)
  local gate = self.gate
  local text = gate.json.encode(push)
  if text and gate:is_utf8(text) and gate.msgpack.encode(push) then return nil end
  local conns = {}
  for _, conn in ipairs(outside(self, room, record)) do conns[#conns + 1] = conn end
  for _, conn in pairs(room.members) do conns[#conns + 1] = conn end
  return (select(2, render(self, push, conns)))
end

--- The connections of these users that are in the room.
local function inside(self, room, pushes)
  local list = {}
  for name in pairs(pushes) do
    local user = self.gate:user(name)
    for _, conn in pairs(user and user.conns or NOBODY) do
      if room:has(conn) then list[#list + 1] = conn end
    end
  end
  return list
end

--- Its own push, or the one of all.
local function send(conn, push, texts)
  local codec = conn.codec
  if push then return conn:send(push) end
  conn:send(texts[codec.name], codec.is_binary and AS_BYTES or nil)
end

--- Tells all.
---@param room moongate.Room
---@param record? table
---@param push table
---@param pushes? table<string, table> user -> what this one is told, as another than all
---@return true? sent nil: nobody is told
---@return string? reason as of room:publish
function Delivery:tell(room, record, push, pushes)
  local others, own = outside(self, room, record), pushes and inside(self, room, pushes) or NOBODY
  local texts, problem = render(self, push, others)
  if not texts then return nil, problem end
  -- One can be left out. Of several the others hear both, theirs last.
  local sent, reason = room:publish(push, own[1] and { except = own[1] })
  if not sent then return nil, reason end
  for _, conn in ipairs(own) do conn:send(pushes[conn.user]) end
  for _, conn in ipairs(others) do send(conn, pushes and pushes[conn.user], texts) end
  return true
end

--- Tells those connections of the sender that would be told if it were for all; if it could be.
---@param room moongate.Room
---@param record? table
---@param push table
---@param conn moongate.Conn whose request it is
---@return true? sent nil: this one is not told
---@return string? reason as of conn:send, or of room:publish
function Delivery:tell_sender(room, record, push, conn)
  local problem = problem_for_others(self, room, record, push)
  if problem then return nil, problem end
  local is_direct = record ~= nil and record.kind == "direct"
  local sent, reason
  for _, own in pairs(self.gate:user(conn.user).conns) do
    if own == conn then
      sent, reason = own:send(push)
    elseif room:has(own) or is_direct and audience.hears(own) then
      own:send(push)
    end
  end
  return sent, reason
end

local delivery = {}

---@param gate moongate.Gate
---@param rooms table the API of the plugin rooms
---@return messages.Delivery
function delivery.open(gate, rooms)
  return setmetatable({ gate = gate, rooms = rooms }, delivery_mt)
end

return delivery
