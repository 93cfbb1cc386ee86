--- Bans and mutes: who, by whom, until when and why. Knows no gate; the time is given.
--
-- A book of them is data: { users, addresses, mutes }, each name -> { by, at, expires_at?, reason?,
-- appeal?, is_shadow?, is_known? }. One of a room is a part of its record.

local key_of = require("auth.addresses").key_of

local MAX = 300 -- of one book in a record, which is one entry of the store
local PLACES = {
  { name = "users", what = "ban", field = "user" },
  { name = "addresses", what = "ban", field = "address" },
  { name = "mutes", what = "mute", field = "user" },
}

local sanctions = {}

---@return table book with nothing in it
function sanctions.book() return { users = {}, addresses = {}, mutes = {} } end

---@param sanction? table
---@param now_ms integer
---@return boolean
function sanctions.is_in_force(sanction, now_ms)
  return sanction ~= nil and (sanction.expires_at == nil or sanction.expires_at > now_ms)
end

local is_in_force = sanctions.is_in_force

--- The ban of a user or of an address, while it is in force.
---@param book table
---@param user? string
---@param address string
---@param now_ms integer
---@return table? sanction
function sanctions.ban(book, user, address, now_ms)
  local of_user, of_address = user and book.users[user], book.addresses[key_of(address)]
  if of_user and is_in_force(of_user, now_ms) then return of_user end
  if of_address and is_in_force(of_address, now_ms) then return of_address end
end

---@param book table
---@param user string
---@param now_ms integer
---@return table? sanction
function sanctions.mute(book, user, now_ms)
  local its = book.mutes[user]
  if its and is_in_force(its, now_ms) then return its end
end

--- Whether there is something in force that the user was told of.
---@param book table
---@param user string
---@param now_ms integer
---@return boolean
function sanctions.is_known(book, user, now_ms)
  for _, its in pairs { book.users[user] or false, book.mutes[user] or false } do
    if its and its.is_known and is_in_force(its, now_ms) then return true end
  end
  return false
end

--- Takes away what is over; returns how many are left.
---@param book table
---@param now_ms integer
---@return integer
function sanctions.sweep(book, now_ms)
  local count = 0
  for _, place in ipairs(PLACES) do
    for name, its in pairs(book[place.name]) do
      if is_in_force(its, now_ms) then count = count + 1 else book[place.name][name] = nil end
    end
  end
  return count
end

--- Writes one into a book, in place of the one before.
---@param book table
---@param place "users"|"addresses"|"mutes"
---@param name string
---@param sanction table
---@param max? integer
---@return boolean written false: the book is full
function sanctions.add(book, place, name, sanction, max)
  max = max or MAX
  if not book[place][name] and sanctions.sweep(book, sanction.at) >= max then return false end
  book[place][name] = sanction
  return true
end

--- Takes one away; returns it when it was in force.
---@param book table
---@param place "users"|"addresses"|"mutes"
---@param name string
---@param now_ms integer
---@return table? sanction
function sanctions.lift(book, place, name, now_ms)
  local its = book[place][name]
  book[place][name] = nil
  if its and is_in_force(its, now_ms) then return its end
end

--- What a client is told whom one of them keeps from something, as a handler returns it.
---@param code "banned"|"muted"
---@param sanction table
---@param now_ms integer
---@return nil
---@return string code
---@return string text
---@return boolean temporary
---@return integer? retry_after_ms
function sanctions.refusal(code, sanction, now_ms)
  local expires_at = sanction.expires_at
  local text = expires_at and os.date("!until %Y-%m-%d %H:%M:%S UTC", expires_at / 1000)
    or "for good"
  if sanction.reason then text = ("%s: %s"):format(text, sanction.reason) end
  return nil, code, ("%s %s"):format(code, text), expires_at ~= nil,
    expires_at and expires_at - now_ms
end

local function shown(place, name, its)
  local what, appeal = its.is_shadow and "shadow_mute" or place.what, its.appeal
  return { what = what, [place.field] = name, by = its.by, at = its.at, reason = its.reason,
    expires_at = its.expires_at,
    appeal = appeal and { by = appeal.by, at = appeal.at, text = appeal.text } }
end

--- Addresses are for admins, who cannot be muted; nobody else is shown their own shadow mute.
local function may_see(reader, place, name, its)
  return reader.is_admin
    or place.field ~= "address" and not (its.is_shadow and name == reader.user)
end

--- Those in force, each as it is shown, and their keys in order.
local function listed(book, now_ms, reader)
  local keys, found = {}, {}
  for _, place in ipairs(PLACES) do
    for name, its in pairs(book[place.name]) do
      if is_in_force(its, now_ms) and may_see(reader, place, name, its) then
        local key = ("%s:%s"):format(place.name, name)
        keys[#keys + 1], found[key] = key, shown(place, name, its)
      end
    end
  end
  table.sort(keys)
  return keys, found
end

--- Those in force, in the order of their keys: a page, and the key to go on behind, if there are
--- more.
---@param book table
---@param now_ms integer
---@param after? string
---@param limit integer
---@param reader { user: string, is_admin: boolean? }
---@return table[] page
---@return string? next_after
function sanctions.page(book, now_ms, after, limit, reader)
  local keys, found = listed(book, now_ms, reader)
  local page, last = {}, nil
  for _, key in ipairs(keys) do
    if not after or key > after then
      if #page == limit then return page, last end
      page[#page + 1], last = found[key], key
    end
  end
  return page
end

return sanctions
