--- Mentions: who is told that something was said about them in a room that they are not in.
--
-- Nobody has asked for that, so one user hears of another a few times a minute only, and of all
-- behind one address twice as often. A reload begins to count anew.

local audience = require "router.audience"
local key_of = require("auth.addresses").key_of
local tally = require "messages.tally"

local NOBODY = {}
local MAX_TOLD = 100 -- users whom one other tells in a minute
local BY_ADDRESS = 2 -- times as much is for all behind an address: names are cheap

---@class messages.Mentions
---@field private gate moongate.Gate
---@field private rooms table the API of the plugin rooms
---@field private untold moongate.Metric
---@field private by_name messages.Tally
---@field private by_address messages.Tally
local Mentions = {}
local mentions_mt = { __index = Mentions }

--- Whether one may tell the other once more; then it is counted.
local function take(self, conn, to)
  local from, address, now_ms = conn.user, key_of(conn.address), self.gate:now_ms()
  local by_name, by_address = self.by_name, self.by_address
  if not by_name:may(from, to, now_ms) or not by_address:may(address, to, now_ms) then
    return false
  end
  by_name:add(from, to)
  by_address:add(address, to)
  return true
end

-- ---- who ----

local function is_in(room, user)
  for _, conn in pairs(user.conns) do
    if room:has(conn) then return true end
  end
  return false
end

--- The connections of a name that have not heard what was said, and may: not those of who is in the
--- room with another one, or banned there.
local function strangers(self, room, record, name)
  if record.kind == "direct" and record.roles[name] then return NOBODY end -- has heard it
  local user = self.gate:user(name)
  if not user or is_in(room, user) then return NOBODY end
  local list = {}
  for _, conn in pairs(user.conns) do
    local is_meant = audience.hears(conn) and self.rooms.may(conn, record, "see")
    if is_meant and not self.rooms.is_banned(record, conn) then list[#list + 1] = conn end
  end
  return list
end

--- Tells those who are mentioned, and could read it, but are not in the room.
---@param room moongate.Room
---@param record table
---@param said table the push
---@param conn moongate.Conn who has said it
function Mentions:tell(room, record, said, conn)
  local is_told = {}
  for _, name in ipairs(said.mentions) do
    local conns = is_told[name] and NOBODY or strangers(self, room, record, name)
    is_told[name] = true
    if conns[1] and take(self, conn, name) then
      for _, other in ipairs(conns) do
        other:send { type = "mentioned", room = room.name, id = said.id, from = said.from,
          at = said.at }
      end
    elseif conns[1] then
      self.untold:add(1)
    end
  end
end

local mentions = {}

---@param gate moongate.Gate
---@param rooms table the API of the plugin rooms
---@return messages.Mentions
function mentions.open(gate, rooms)
  local self = setmetatable({ gate = gate, rooms = rooms }, mentions_mt)
  local per_minute = gate:option("mentioned_per_minute", { default = 3, min = 0, max = 1000,
    about = "times that a user hears of being mentioned by one other in rooms they are not in" })
  self.untold = gate:counter("mentions_untold_total",
    { about = "Mentions of which a user did not hear: too many of one other in a minute" })
  self.by_name = tally.new(per_minute, MAX_TOLD)
  self.by_address = tally.new(BY_ADDRESS * per_minute, BY_ADDRESS * MAX_TOLD)
  return self
end

return mentions
