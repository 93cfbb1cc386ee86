--- How often one makes others hear of something that they have not asked for, in a minute. Knows no
-- gate; the time is given. What is counted is bounded, and a new minute begins anew.

local MINUTE_MS = 60000
local MAX_SENDERS = 10000 -- counted each for itself in a minute; all others are one

---@class messages.TallyOfOne
---@field told table<string, integer> user -> times
---@field count integer of these users

---@class messages.Tally
---@field private per_minute integer
---@field private max_told integer
---@field private minute integer
---@field private senders table<string, messages.TallyOfOne>
---@field private count integer of the senders
---@field private others messages.TallyOfOne
local Tally = {}
local tally_mt = { __index = Tally }

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

--- Whether one may tell the other once more.
---@param from string
---@param to string
---@param now_ms integer
---@return boolean
function Tally:may(from, to, now_ms)
  local minute = math.floor(now_ms / MINUTE_MS)
  if minute ~= self.minute then turn(self, minute) end
  local own = counts_of(self, from)
  local told = own.told[to]
  if not told then return self.per_minute > 0 and own.count < self.max_told end
  return told < self.per_minute
end

--- Counts that one has told the other, which they may.
---@param from string
---@param to string
function Tally:add(from, to)
  local own = counts_of(self, from)
  local told = own.told[to]
  if not told then own.count = own.count + 1 end
  own.told[to] = (told or 0) + 1
end

local tally = {}

---@param per_minute integer times that one hears of one other
---@param max_told integer users whom one of them tells in a minute
---@return messages.Tally
function tally.new(per_minute, max_told)
  local self = setmetatable({ per_minute = per_minute, max_told = max_told }, tally_mt)
  turn(self, 0)
  return self
end

return tally
