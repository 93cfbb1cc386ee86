--- Mentions: who is told that something was said about them in a room that they are not in.
--
-- Nobody has asked for that, so one user hears of another a few times a minute only. What is
-- counted is of one minute, and bounded; a reload begins anew.

local MINUTE_MS = 60000
local MAX_SENDERS = 10000 -- counted each for itself in a minute; all others are one
local MAX_TOLD = 100      -- users whom one of them has told in a minute

---@class messages.Mentions
---@field private gate moongate.Gate
---@field private rooms table the API of the plugin rooms
---@field private per_minute integer
---@field private untold moongate.Metric
---@field private minute integer
---@field private senders table<string, { told: table<string, integer>, count: integer }>
---@field private count integer of the senders
---@field private others { told: table<string, integer>, count: integer }
local Mentions = {}
local mentions_mt = { __index = Mentions }

-- ---- how often ----

local function turn(self, minute)
  self.minute, self.senders, self.count = minute, {}, 0
  self.others = { told = {}, count = 0 }
end

local function counts_of(self, from)
  local own = self.senders[from]
  if own then return own end
  if self.count >= MAX_SENDERS then return self.others end
  own = { told = {}, count = 0 }
  self.senders[from], self.count = own, self.count + 1
  return own
end

--- Whether one may tell the other once more; then it is counted.
local function take(self, from, to)
  local minute = math.floor(self.gate:now_ms() / MINUTE_MS)
  if minute ~= self.minute then turn(self, minute) end
  local own = counts_of(self, from)
  local told = own.told[to]
  if not told then
    if own.count >= MAX_TOLD then return false end
    told, own.count = 0, own.count + 1
  end
  if told >= self.per_minute then return false end
  own.told[to] = told + 1
  return true
end

-- ---- who ----

local function is_in(room, user)
  for _, conn in pairs(user.conns) do
    if room:has(conn) then return true end
  end
  return false
end

--- Whether one who is not in the room may know what is said there: not who is banned.
local function may_see(self, user, record)
  if self.rooms.is_banned(record, user.name) then return false end
  for _, conn in pairs(user.conns) do
    if self.rooms.may(conn, record, "see") then return true end
  end
  return false
end

--- The user of a name who has not heard what was said, and may.
local function stranger(self, room, record, name)
  if record.kind == "direct" and record.roles[name] then return nil end -- has heard it
  local user = self.gate:user(name)
  if user and not is_in(room, user) and may_see(self, user, record) then return user end
end

--- Tells those who are mentioned, and could read it, but are not in the room.
---@param room moongate.Room
---@param record table
---@param said table the push
function Mentions:tell(room, record, said)
  local is_told = {}
  for _, name in ipairs(said.mentions) do
    local user = not is_told[name] and stranger(self, room, record, name)
    is_told[name] = true
    if user and take(self, said.from, name) then
      user:send { type = "mentioned", room = room.name, id = said.id, from = said.from,
        at = said.at }
    elseif user then
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
  self.per_minute = gate:option("mentioned_per_minute", { default = 3, min = 0, max = 1000,
    about = "times that a user hears of being mentioned by one other in rooms they are not in" })
  self.untold = gate:counter("mentions_untold_total",
    { about = "Mentions of which a user did not hear: too many of one other in a minute" })
  turn(self, 0)
  return self
end

return mentions
