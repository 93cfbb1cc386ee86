--- The rooms that somebody has made: their records, which are read from the store at the start and
--- written after each change. Those that a join has made are not in it.

local options = require "rooms.options"
local permissions = require "rooms.permissions"
local read_all = require "rooms.reading"

local PREFIX = "room:"
local RETRY_MS = 1000
local WAIT_STEP_MS = 50
local MAX_WAIT_MS = 2000

-- An entry of the store has at most 256 KiB of JSON. So that what was granted can be saved, what
-- grows has its share; what is left is more than 50 invites and all else of a room can take.
local SHARES = { roles = 96 * 1024, moderation = 112 * 1024 }

---@class rooms.Book
---@field all table<string, table> room name -> record
---@field catalogue rooms.Catalogue
---@field private made table the quota of rooms that `create` has made
---@field private direct table the quota of direct rooms
---@field private makers table<table, string> record -> whose it counts as
---@field private dirty table<string, integer> room name -> changes that are not in the store
local Book = {}
local book_mt = { __index = Book }

local IS_KIND = {}
for _, kind in ipairs(permissions.KINDS) do IS_KIND[kind] = kind ~= "ephemeral" end

local function are_roles(roles)
  for _, role in pairs(roles) do
    if role ~= "member" and role ~= "moderator" then return false end
  end
  return true
end

--- What an entry of the store holds, or nil and what is wrong.
local function read(key, value)
  if type(value) ~= "table" then return nil, "expected a table" end
  if PREFIX .. tostring(value.name) ~= key then return nil, "name: is another than its key" end
  if not IS_KIND[value.kind] then return nil, "kind: there is none of that name" end
  local complete, problem = options.read(value.options)
  if not complete then return nil, problem end
  if not are_roles(value.roles or {}) then return nil, "roles: there are others" end
  value.options, value.roles, value.invites = complete, value.roles or {}, value.invites or {}
  return value
end

-- ---- reading ----

function Book:take(entry)
  local record, problem = read(entry.key, entry.value)
  if record then
    self:note(record)
  else
    self.gate:warn("the store's entry %q is left alone: %s", entry.key, entry.problem or problem)
  end
end

--- Waits until all pages are read, however long the store fails.
function Book:load()
  read_all(self.gate, PREFIX, function(entry) self:take(entry) end, function(reason)
    self.failures:add(1, "read")
    self.gate:warn("the rooms cannot be read: %s", reason)
  end)
  self.gate.state.is_read = true
end

--- Waits until the rooms are read; in a task.
---@return true? ready
---@return string? code
---@return string? text
---@return boolean? temporary
function Book:wait()
  local waited_ms = 0
  while not self.gate.state.is_read do
    if waited_ms >= MAX_WAIT_MS then
      return nil, "unavailable", "the rooms are being read", true
    end
    self.gate:sleep(WAIT_STEP_MS)
    waited_ms = waited_ms + WAIT_STEP_MS
  end
  return true
end

-- ---- counting ----

local function add_to(counts, user, change)
  if not user then return end
  local count = (counts[user] or 0) + change
  counts[user] = count > 0 and count or nil
end

local function quota_of(self, kind) return kind == "direct" and self.direct or self.made end

--- Counts it as a room of this user, and of nobody else.
local function count_as(self, record, user)
  local of_user, before = quota_of(self, record.kind).of_user, self.makers[record]
  if before == user then return end
  add_to(of_user, before, -1)
  add_to(of_user, user, 1)
  self.makers[record] = user
end

function Book:count(record)
  local quota = quota_of(self, record.kind)
  quota.count = quota.count + 1
  count_as(self, record, record.owner or record.made_by)
end

-- ---- writing ----

--- Whether this part of the record is no more than its share of the entry.
---@param record table
---@param part "roles"|"moderation"
---@param more_bytes? integer that are to come
---@return boolean
function Book:fits(record, part, more_bytes)
  local text = self.gate.json.encode(record[part])
  return text ~= nil and #text + (more_bytes or 0) <= SHARES[part]
end

function Book:write(name)
  local record = self.all[name]
  if record then return self.gate.store:put(PREFIX .. name, record) end
  return self.gate.store:delete(PREFIX .. name)
end

--- What is there comes before what is to be taken away: a room that has another name is in the
--- store under one of them at least.
function Book:next_dirty()
  for name in pairs(self.dirty) do
    if self.all[name] then return name end
  end
  return next(self.dirty)
end

function Book:flush()
  local name = self:next_dirty()
  while name do
    local change = self.dirty[name]
    local done, reason = self:write(name)
    local is_too_big = reason == "too_big"
    if not done then
      self.failures:add(1, "write")
      local level = is_too_big and "error" or "warn"
      self.gate[level](self.gate, "room %q is not saved: %s", name, tostring(reason))
      if not is_too_big then self.gate:sleep(RETRY_MS) end
    end
    -- One that is too big, by what a plugin has put into it, stays as it is in the store, until it
    -- is changed again.
    if (done or is_too_big) and self.dirty[name] == change then self.dirty[name] = nil end
    name = self:next_dirty()
  end
  self.is_flushing = false
end

function Book:begin_flush()
  if self.is_flushing or not next(self.dirty) then return end
  self.is_flushing = true
  self.gate:spawn(function() self:flush() end)
end

function Book:mark(name)
  self.dirty[name] = (self.dirty[name] or 0) + 1
  self:begin_flush()
end

--- The record has changed: it is written soon.
---@param record table
function Book:save(record)
  if self.all[record.name] ~= record then return end
  self.catalogue:changed(record)
  count_as(self, record, record.owner or record.made_by)
  self:mark(record.name)
end

-- ---- records come and go ----

function Book:note(record)
  self.all[record.name] = record
  self.catalogue:add(record)
  self:count(record)
end

--- A new room, which nobody is in yet.
---@param given table name, kind, and what else is set
---@return table record
function Book:add(given)
  given.created_at = self.gate:now_ms()
  given.used_at = given.created_at
  given.options = given.options or options.read()
  given.roles, given.invites = given.roles or {}, {}
  self:note(given)
  self:mark(given.name)
  return given
end

---@param record table
function Book:remove(record)
  self.all[record.name] = nil
  self.catalogue:remove(record)
  local quota = quota_of(self, record.kind)
  quota.count = quota.count - 1
  count_as(self, record, nil)
  self:mark(record.name)
end

---@param record table
---@param name string that nobody has
function Book:rename(record, name)
  local old = record.name
  self.all[old] = nil
  self.catalogue:remove(record)
  self.all[name], record.name = record, name
  self.catalogue:add(record)
  self:mark(name)
  self:mark(old)
end

local function problem_of_quota(quota, user)
  if user and (quota.of_user[user] or 0) >= quota.max_of_user then
    return "too_many_rooms", ("at most %d rooms of one user"):format(quota.max_of_user)
  end
end

--- nil when this user may own one more of those that are there, else the code and the text.
---@param user string
---@return string? code
---@return string? text
function Book:problem_of_owner(user) return problem_of_quota(self.made, user) end

--- nil when this user may make one more, else the code and the text.
---@param user? string nil: it is nobody's
---@param kind string
---@return string? code
---@return string? text
function Book:problem_of_one_more(user, kind)
  local quota = quota_of(self, kind)
  if quota.count >= quota.max and not problem_of_quota(quota, user) then
    return "too_many_rooms", "no more rooms can be made here"
  end
  return problem_of_quota(quota, user)
end

local function quota(max, max_of_user)
  return { count = 0, of_user = {}, max = max, max_of_user = max_of_user }
end

local book = {}

---@param gate moongate.Gate
---@param catalogue_of fun(made: table<string, table>): rooms.Catalogue
---@return rooms.Book
function book.open(gate, catalogue_of)
  local state = gate.state
  state.records, state.dirty = state.records or {}, state.dirty or {}
  local self = setmetatable({ gate = gate, all = state.records, dirty = state.dirty, makers = {} },
    book_mt)
  self.catalogue = catalogue_of(state.records)
  local function number(name, default, about)
    return gate:option(name, { default = default, min = 1, max = 100000, about = about })
  end
  self.made = quota(number("max_rooms", 10000, "rooms that all may have made"),
    number("max_owned", 50, "rooms that one user may have made"))
  self.direct = quota(number("max_direct", 20000, "direct rooms that there may be"),
    number("max_direct_made", 200, "direct rooms that one user may have made"))
  self.failures = gate:counter("store_failures_total", { labels = { "operation" },
    about = "Reads and writes of rooms that the store has refused" })
  for _, record in pairs(self.all) do self:count(record) end
  gate:spawn(function()
    -- What is in memory only is no more than what this state has already.
    state.is_read = state.is_read or not gate.facts.has_store
    if not state.is_read then self:load() end
    self:begin_flush()
  end)
  return self
end

return book
