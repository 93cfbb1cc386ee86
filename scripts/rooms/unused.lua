--- Rooms that nobody has come to for long are deleted, so that they do not fill up what there may
--- be. When a room was used last is in its record; those that are nobody's stay.

local DAY_MS = 86400000
local STEP_MS = 3600000 -- the record is written at most once in this time, and right to it
local SWEEP_MS = 600000
local AT_ONCE = 200     -- rooms that are looked at between two pauses
local MAX_MS = 3650 * DAY_MS

---@class rooms.Unused
---@field private gate moongate.Gate
---@field private book rooms.Book
---@field private delete fun(record: table)
---@field private life_ms integer
---@field private guest_life_ms integer
local Unused = {}
local unused_mt = { __index = Unused }

--- Somebody is in the room, or was until now.
---@param record table
function Unused:used(record)
  local now_ms, used_at = self.gate:now_ms(), record.used_at
  if type(used_at) == "number" and now_ms - used_at < STEP_MS then return end
  record.used_at = now_ms
  self.book:save(record)
end

local function is_over(self, record, now_ms)
  if not record.owner and record.kind ~= "direct" then return false end
  local life_ms = record.by_guest and self.guest_life_ms or self.life_ms
  return life_ms > 0 and now_ms - record.used_at >= life_ms + STEP_MS
end

function Unused:look_at(record)
  if self.gate:room(record.name):size() > 0 then return self:used(record) end
  if type(record.used_at) ~= "number" then return self:used(record) end -- of older code
  if is_over(self, record, self.gate:now_ms()) then
    self.expired:add(1)
    self.delete(record)
  end
end

function Unused:sweep()
  if not self.gate.state.is_read then return end
  local names = {}
  for name in pairs(self.book.all) do names[#names + 1] = name end
  for i, name in ipairs(names) do
    local record = self.book.all[name]
    if record then self:look_at(record) end
    if i % AT_ONCE == 0 then self.gate:sleep(1) end
  end
end

local unused = {}

---@param gate moongate.Gate
---@param book rooms.Book
---@param delete fun(record: table)
---@return rooms.Unused
function unused.open(gate, book, delete)
  local self = setmetatable({ gate = gate, book = book, delete = delete }, unused_mt)
  self.life_ms = gate:option("unused_ms", { default = 30 * DAY_MS, min = 0, max = MAX_MS,
    about = "rooms that nobody has been in for so long are deleted; 0: none are" })
  self.guest_life_ms = gate:option("guest_unused_ms", { default = 7 * DAY_MS, min = 0,
    max = MAX_MS, about = "the same of rooms that guests have made" })
  self.expired = gate:counter("expired_total", {
    about = "Rooms that were deleted because nobody had been in for long" })
  gate:every(SWEEP_MS, function() self:sweep() end, "unused")
  return self
end

return unused
