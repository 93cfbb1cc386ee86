--- Bans that hold everywhere: read from the store at the start, and written after each change. What
--- is not written yet, or cannot be, is in force all the same, and tried again.

local addresses = require "auth.addresses"
local read_all = require "rooms.reading"
local sanctions = require "moderation.sanctions"

local PREFIX = "ban:"
local RETRY_MS = 1000
local PLACES = { users = true, addresses = true }

---@class moderation.Everywhere
---@field book table see sanctions.lua
---@field private dirty table<string, integer> key -> changes that are not in the store
local Everywhere = {}
local everywhere_mt = { __index = Everywhere }

local function key_of(place, name) return ("%s%s:%s"):format(PREFIX, place, name) end

-- ---- reading ----

function Everywhere:take(entry)
  local place, name = entry.key:match "^ban:(%l+):(.+)$"
  local its = entry.value
  if not PLACES[place] or type(its) ~= "table" or type(its.by) ~= "string" then
    self.gate:warn("the store's entry %q is left alone: %s", entry.key,
      entry.problem or "it is no ban")
  elseif not self.dirty[entry.key] then -- what has changed meanwhile counts
    self.book[place][name] = its
  end
end

--- Waits until all are read, however long the store fails.
function Everywhere:load()
  read_all(self.gate, PREFIX, function(entry) self:take(entry) end, function(reason)
    self.failures:add(1, "read")
    self.gate:warn("the bans cannot be read: %s", reason)
  end)
  self.gate.state.is_read = true
end

-- ---- writing ----

function Everywhere:write(key)
  local place, name = key:match "^ban:(%l+):(.+)$"
  local its, now_ms = self.book[place][name], self.gate:now_ms()
  if not sanctions.is_in_force(its, now_ms) then return self.gate.store:delete(key) end
  local expires_at = its.expires_at
  return self.gate.store:put(key, its, expires_at and { ttl_ms = expires_at - now_ms })
end

function Everywhere:flush()
  local key, change = next(self.dirty)
  while key do
    local done, reason = self:write(key)
    if not done then
      self.failures:add(1, "write")
      self.gate:warn("%s is not saved: %s", key, tostring(reason))
      self.gate:sleep(RETRY_MS)
    elseif self.dirty[key] == change then
      self.dirty[key] = nil
    end
    key, change = next(self.dirty)
  end
  self.is_flushing = false
end

function Everywhere:begin_flush()
  if self.is_flushing or not next(self.dirty) then return end
  self.is_flushing = true
  self.gate:spawn(function() self:flush() end)
end

function Everywhere:mark(place, name)
  local key = key_of(place, name)
  self.dirty[key] = (self.dirty[key] or 0) + 1
  self:begin_flush()
end

-- ---- bans ----

---@param place "users"|"addresses"
---@param name string
---@param sanction table
---@return boolean added false: there are too many
function Everywhere:add(place, name, sanction)
  if not sanctions.add(self.book, place, name, sanction, self.max_bans) then return false end
  self:mark(place, name)
  return true
end

---@param place "users"|"addresses"
---@param name string
---@return table? sanction it was in force
function Everywhere:lift(place, name)
  local its = sanctions.lift(self.book, place, name, self.gate:now_ms())
  self:mark(place, name)
  return its
end

--- Is asked for each request.
---@param conn moongate.Conn
---@return table? sanction
function Everywhere:ban_of(conn)
  local book, user, address = self.book, conn.user, conn.address
  local found = book.users[user] or book.addresses[addresses.key_of(address)]
  if not found or conn.state.admin then return nil end
  return sanctions.ban(book, user, address, self.gate:now_ms())
end

local everywhere = {}

---@param gate moongate.Gate
---@param failures moongate.Metric
---@param on_read fun() is called when the bans are read
---@return moderation.Everywhere
function everywhere.open(gate, failures, on_read)
  local state = gate.state
  state.bans, state.dirty = state.bans or sanctions.book(), state.dirty or {}
  local self = setmetatable({ gate = gate, book = state.bans, dirty = state.dirty,
    failures = failures }, everywhere_mt)
  self.max_bans = gate:option("max_bans", { default = 10000, min = 1, max = 1000000,
    about = "bans that hold everywhere" })
  gate:spawn(function()
    -- What is in memory only is no more than what this state has already.
    state.is_read = state.is_read or not gate.facts.has_store
    if not state.is_read then self:load() end
    on_read()
    self:begin_flush()
  end)
  return self
end

return everywhere
