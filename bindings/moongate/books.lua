--- The books of a connection's write queue, as hooks get them.
local core = require "moongate.ffi"
local letter = require "moongate.letter"

---@class moongate.Counts
---@field reliable integer
---@field latest integer
---@field volatile integer
---@field control integer

---@class moongate.Books messages; in each class sent = delivered + dropped + queued
---@field sent moongate.Counts
---@field delivered moongate.Counts what the kernel has accepted
---@field dropped moongate.Counts shed, replaced by a newer one, or left when the socket went
---@field queued moongate.Counts
---@field queued_bytes integer of all classes

local buffer = core.new "struct moon_books" -- aligned, which the event's bytes may not be
local SIZE = core.sizeof "struct moon_books"

local function counts(column)
  local found = {}
  for class, number in pairs(letter.classes) do found[class] = tonumber(column[number]) end
  return found
end

local books = {}

---@param bytes string the struct moon_books of an event
---@return moongate.Books
function books.decode(bytes)
  assert(#bytes == SIZE, "these are no books")
  core.copy(buffer, bytes, SIZE)
  return {
    sent = counts(buffer.sent),
    delivered = counts(buffer.delivered),
    dropped = counts(buffer.dropped),
    queued = counts(buffer.queued),
    queued_bytes = tonumber(buffer.queued_bytes),
  }
end

return books
