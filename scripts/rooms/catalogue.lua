--- Who finds which rooms. The names are kept sorted as rooms come and go, so that a page costs what
--- is looked at for it, however many rooms there are.

local listing = require "rooms.listing"
local names = require "rooms.names"

local MAX_LOOKED = 1000 -- records, for one page
local MAX_COUNTED = 1000 -- rooms whose users are counted for each who asks for the biggest
local BIGGEST_MS = 5000  -- for so long these are remembered, when there are more rooms

---@class rooms.Catalogue
---@field private made table<string, table> name -> record: those that somebody has made
---@field private passing fun(name: string): table? the record of another one, if somebody is in
---@field private listed string[] what everybody finds
---@field private unlisted string[] all others
---@field private of_user table<string, string[]> of these those in which a user has a role
---@field private users table<table, table<string, true>> record -> who finds that unlisted room
---@field private texts table<string, string> name -> what a text is looked for in
---@field private in_use table<string, true> names of rooms that somebody is in
---@field private use_count integer
local Catalogue = {}
local catalogue_mt = { __index = Catalogue }

-- ---- rooms come and go ----

--- Puts the name where it belongs.
local function place(self, name)
  local record = self.made[name]
  local is_listed = record and listing.is_for_all(record) or not record and self.in_use[name]
  if is_listed then names.put(self.listed, name) else names.drop(self.listed, name) end
end

local function drop_of_user(self, user, name)
  local list = self.of_user[user]
  names.drop(list, name)
  if #list == 0 then self.of_user[user] = nil end
end

local NOBODY = {}

local function users_of(record)
  if listing.is_for_all(record) then return NOBODY end
  local users = {}
  for user in pairs(record.roles) do users[user] = true end
  if record.owner then users[record.owner] = true end
  return users
end

local function note_users(self, record, now)
  local before = self.users[record] or NOBODY
  for user in pairs(before) do
    if not now[user] then drop_of_user(self, user, record.name) end
  end
  for user in pairs(now) do
    local list = self.of_user[user] or {}
    self.of_user[user] = list
    if not before[user] then names.put(list, record.name) end
  end
  self.users[record] = next(now) and now or nil
end

--- The record is among those that were made.
---@param record table
function Catalogue:add(record)
  place(self, record.name)
  if not listing.is_for_all(record) then names.put(self.unlisted, record.name) end
  note_users(self, record, users_of(record))
end

--- The record is not among them any more, and has the name still.
---@param record table
function Catalogue:remove(record)
  self.texts[record.name] = nil
  names.drop(self.unlisted, record.name)
  note_users(self, record, NOBODY)
  place(self, record.name)
end

--- The texts of the record, or who has a role there, may be others.
---@param record table
function Catalogue:changed(record)
  self.texts[record.name] = nil
  if not listing.is_for_all(record) then note_users(self, record, users_of(record)) end
end

--- Somebody is in the room, or nobody.
---@param name string
---@param is_used boolean
function Catalogue:use(name, is_used)
  if (self.in_use[name] or false) == is_used then return end
  self.in_use[name] = is_used or nil
  self.use_count = self.use_count + (is_used and 1 or -1)
  if not self.made[name] then place(self, name) end
end

--- Who has come and gone without this plugin: other plugins may put into rooms whom they like.
---@param gate moongate.Gate
function Catalogue:look_around(gate)
  local seen = {}
  for name in gate:rooms() do
    seen[name] = true
    self:use(name, true)
  end
  local gone = {}
  for name in pairs(self.in_use) do
    if not seen[name] then gone[#gone + 1] = name end
  end
  for _, name in ipairs(gone) do self:use(name, false) end
end

--- Before a list: where few rooms are used it costs little to have all of them in it.
---@param gate moongate.Gate
function Catalogue:refresh(gate)
  if self.use_count <= MAX_COUNTED then self:look_around(gate) end
end

-- ---- lists ----

function Catalogue:record(name) return self.made[name] or self.passing(name) end

function Catalogue:text_of(record)
  local name = record.name
  local text = self.texts[name]
  if not text then
    text = listing.text_of(record)
    if self.made[name] == record then self.texts[name] = text end
  end
  return text
end

function Catalogue:fits(record, filter)
  return listing.fits(record, filter, filter.text and self:text_of(record))
end

function Catalogue:lists(user, is_for_all)
  return { self.listed, is_for_all and self.unlisted or self.of_user[user] }
end

--- The records that fit, sorted by name, at most `limit` and after looking at 1,000; and the name
--- behind which the next page begins, when there may be more.
---@param filter table kind, prefix, text, archived, after
---@param limit integer
---@param user? string who asks
---@param is_for_all? boolean who may find all of them asks
---@return table[] records
---@return string? next_after
function Catalogue:page(filter, limit, user, is_for_all)
  local found, looked, last = {}, 0, nil
  for name in names.walk(self:lists(user, is_for_all), filter.after, filter.prefix) do
    if looked == MAX_LOOKED then return found, last end
    looked, last = looked + 1, name
    local record = self:record(name)
    if record and self:fits(record, filter) then
      if #found == limit then return found, found[limit].name end
      found[#found + 1] = record
    end
  end
  return found
end

--- All that fit, sorted by name.
---@param filter table
---@return table[] records
function Catalogue:all(filter)
  local found = {}
  for name in names.walk(self:lists(nil, true), filter.after, filter.prefix) do
    local record = self:record(name)
    if record and self:fits(record, filter) then found[#found + 1] = record end
  end
  return found
end

local function is_shown_as_big(record)
  return record and not record.archived and listing.is_for_all(record)
end

local function copy_of(counts)
  local copy = {}
  for name, count in pairs(counts) do copy[name] = count end
  return copy
end

--- The biggest of those that everybody finds. Of many it may be some seconds old.
---@param count_of fun(name: string): integer
---@param now_ms integer
---@return table<string, integer> name -> number of users
function Catalogue:biggest(count_of, now_ms)
  local age_ms = self.biggest_at and now_ms - self.biggest_at
  local is_young = age_ms and age_ms >= 0 and age_ms < BIGGEST_MS
  if self.use_count > MAX_COUNTED and is_young then return copy_of(self.are_biggest) end
  local counts = {}
  for name in pairs(self.in_use) do
    if is_shown_as_big(self:record(name)) then counts[name] = count_of(name) end
  end
  self.are_biggest, self.biggest_at = listing.biggest(counts), now_ms
  return copy_of(self.are_biggest)
end

local catalogue = {}

---@param made table<string, table> name -> record; those that are in it now are added
---@param passing fun(name: string): table?
---@return rooms.Catalogue
function catalogue.new(made, passing)
  local self = setmetatable({ made = made, passing = passing, listed = {}, unlisted = {},
    of_user = {}, users = {}, texts = {}, in_use = {}, use_count = 0 }, catalogue_mt)
  local sorted = {}
  for name in pairs(made) do sorted[#sorted + 1] = name end
  table.sort(sorted) -- then each is put at the end
  for _, name in ipairs(sorted) do self:add(made[name]) end
  return self
end

return catalogue
