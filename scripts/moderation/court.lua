--- What all verbs of moderation share: who may do what to whom, and how it is written down.
--
-- Who acts is a connection, or what looks like one: { user, state = { admin } }.

local audience = require "router.audience"
local everywhere = require "moderation.everywhere"
local fields = require "moderation.fields"
local key_of = require("auth.addresses").key_of
local journal = require "moderation.journal"
local sanctions = require "moderation.sanctions"
local tally = require "messages.tally"

local RANK = { guest = 1, member = 2, moderator = 3, owner = 4, admin = 5 }
local HOUSE = "everywhere" -- the journal of what is done in no room
local MAX_AUDIT = 1000     -- entries of a room
local MAX_REPORTS = 1000   -- entries of a room
local MAX_IN_HOUSE = 10000 -- reports of all rooms
local DAY_MS = 86400000
local RETRY_MS = 100
local TOLD_PER_MINUTE = 3 -- times that a user who is not in the room hears of its moderators
local MAX_TOLD = 100      -- such users in a minute

---@class moderation.Court
---@field gate moongate.Gate
---@field rooms table the API of the plugin rooms
---@field everywhere moderation.Everywhere
---@field audit moderation.Journal
---@field reports moderation.Journal of each room
---@field all_reports moderation.Journal
---@field HOUSE string the journal of what is done in no room, or in all
---@field private told messages.Tally
---@field private untold moongate.Metric
---@field refused moongate.Metric
---@field is_utf8 fun(text: string): boolean
local Court = { HOUSE = HOUSE }
local court_mt = { __index = Court }

--- The book of a room, if there is anything in it yet.
---@param record? table
---@return table?
function Court.book_of(_, record) return record and record.moderation end

--- The same, made when there is none. It has the key of the room's journals, which stays when the
--- room is renamed.
---@param record table
---@return table
function Court.open_book(_, record)
  local book = record.moderation
  if not book then
    book = sanctions.book()
    book.log = ("%.0f@%s"):format(record.created_at or 0, record.name)
    record.moderation = book
  end
  return book
end

--- Writes a ban or a mute into the book of a room, in place of the one before.
---@param record table
---@param place "users"|"addresses"|"mutes"
---@param name string
---@param sanction table
---@return true? written
---@return string? code the book is full
---@return string? text
function Court:impose(record, place, name, sanction)
  local book = self:open_book(record)
  local before = book[place][name]
  if not sanctions.add(book, place, name, sanction) then
    return nil, "too_many_bans", "at most 300 bans and mutes in a room"
  elseif not self.rooms.fits(record) then
    book[place][name] = before
    return nil, "too_many_bans", "names and reasons of bans and mutes fill what is kept of a room"
  end
  return true
end

--- The record of a room in which this may be done.
---@param actor table
---@param name any
---@param action string
---@return table? record
---@return string? code
---@return string? text
function Court:record_for(actor, name, action)
  if type(name) ~= "string" then return nil, "bad_request", "room: expected a string" end
  local record = self.rooms.find(name)
  -- Whoever may not see it is told as if there were none.
  if not record or not self.rooms.may(actor, record, "see") then
    return nil, "no_such_room", "there is no room of this name"
  end
  local granted, code, text = self.rooms.may(actor, record, action)
  if not granted then return nil, code, text end
  return record
end

--- Of users who are not there it is not known whether they are admins.
---@param user string
---@return boolean
function Court:is_admin(user)
  local found = self.gate:user(user)
  for _, conn in pairs(found and found.conns or {}) do
    if conn.state.admin then return true end
  end
  return false
end

function Court:role(who, record, is_admin)
  if is_admin then return "admin" end
  return record and self.rooms.role(who, record) or "guest"
end

--- nil when the user is below who acts, else the code and the text.
---@param actor table
---@param record? table nil: everywhere
---@param user string
---@return string? code
---@return string? text
function Court:problem_of_rank(actor, record, user)
  local mine = self:role(actor, record, actor.state.admin)
  local theirs = self:role(user, record, self:is_admin(user))
  if RANK[mine] <= RANK[theirs] then
    return "not_allowed", "only of those below you"
  end
end

local function problem_of_place(actor, record, target)
  if record and not target.address then return end
  if not actor.state.admin then
    return "not_allowed", record and "addresses are for admins" or "without a room: for admins"
  end
end

--- Whether the user is in the room, and whether they have to do with it: are in, look after it, or
--- were told of a ban or a mute. All others are told nothing, members neither, who are not asked:
--- anybody may have a room, and would tell strangers what they like.
local function standing(self, record, user, at)
  if not record or not user then return false, false end
  if self.rooms.is_in(record, user) then return true, true end
  local book = self:book_of(record)
  return false, record.owner == user or record.roles[user] == "moderator"
    or (book ~= nil and sanctions.is_known(book, user, at))
end

---@class moderation.Case
---@field record? table nil: everywhere
---@field user? string
---@field address? string
---@field reason? string
---@field expires_at? integer
---@field room? string
---@field at integer
---@field is_in boolean the user is in the room
---@field is_known boolean the user hears of what is done there
---@field is_shadow? boolean it was a shadow mute that is lifted

--- What a verb is asked to do, if who acts may: to whom, where, how long and why.
---@param actor table
---@param name any of the room; nil: everywhere
---@param action string
---@param data table
---@return moderation.Case? case
---@return string? code
---@return string? text
function Court:case(actor, name, action, data)
  local target, problem = fields.target(data, self.is_utf8)
  if not target then return nil, "bad_request", problem end
  local given, wrong = fields.grounds(data, self.is_utf8)
  if not given then return nil, "bad_request", wrong end
  local record, code, text
  if name ~= nil then
    record, code, text = self:record_for(actor, name, action)
    if not record then return nil, code, text end
  end
  code, text = problem_of_place(actor, record, target)
  if not code and target.user then
    code, text = self:problem_of_rank(actor, record, target.user)
  end
  if code then return nil, code, text end
  local at = self.gate:now_ms()
  local is_in, is_known = standing(self, record, target.user, at)
  return { record = record, room = name, user = target.user, address = target.address, at = at,
    is_in = is_in, is_known = is_known, reason = given.reason,
    expires_at = given.duration_ms and at + given.duration_ms }
end

---@param case moderation.Case
---@param actor table
---@return table sanction
function Court.sanction(_, case, actor)
  return { by = actor.user, at = case.at, reason = case.reason, expires_at = case.expires_at,
    is_known = case.is_known or nil }
end

--- Writes down who has done what, in the log and in the room's journal.
---@param actor table
---@param action string
---@param case moderation.Case
---@param more? string what else the log says
function Court:note(actor, action, case, more)
  local where = case.room and ("in %q"):format(case.room) or "everywhere"
  self.gate:info("%q: %s %q %s%s%s", actor.user, action, case.user or case.address or "", where,
    more and " " .. more or "", case.reason and ": " .. case.reason or "")
  self.actions:add(1, action)
  local log = HOUSE
  if case.record then
    log = self:open_book(case.record).log
    self.rooms.changed(case.record)
  end
  local entry = { at = case.at, by = actor.user, action = action, room = case.room,
    user = case.user, address = case.address, reason = case.reason, expires_at = case.expires_at,
    is_shadow = case.is_shadow }
  self.gate:spawn(function() self.audit:append(log, entry) end)
end

--- The key of the journals of a room, or of what is done in none; nil: nothing was written yet.
---@param record? table
---@return string? log
function Court:log_of(record)
  if not record then return HOUSE end
  local book = self:book_of(record)
  return book and book.log
end

--- What a verb returns.
---@param case moderation.Case
---@return table data
function Court.answer(_, case)
  return { room = case.room, user = case.user, address = case.address, reason = case.reason,
    expires_at = case.expires_at, at = case.at }
end

--- The user who is meant, or those in the room who are connected from the address that is.
---@param case moderation.Case
---@return table<string, true> users
function Court:users_of(case)
  if case.user then return { [case.user] = true } end
  local users = {}
  for _, conn in pairs(self.gate:room(case.room).members) do
    local is_meant = key_of(conn.address) == case.address and conn.user and not conn.state.admin
    if is_meant then users[conn.user] = true end
  end
  return users
end

--- Whether the user is to hear of it: who is not in, of those behind one address now and then.
local function is_to_hear(self, case, actor)
  if not case.record or case.is_in then return true end
  if not case.is_known then return false end
  if actor.state.admin or not actor.address then return true end
  local from = key_of(actor.address)
  if not self.told:may(from, case.user, case.at) then
    self.untold:add(1)
    return false
  end
  self.told:add(from, case.user)
  return true
end

--- Tells a user what was done to them.
---@param case moderation.Case
---@param action string
---@param actor table
function Court:tell(case, action, actor)
  local found = self.gate:user(case.user)
  if not found or not is_to_hear(self, case, actor) then return end
  for _, conn in pairs(found.conns) do
    if audience.speaks(conn) then
      conn:send { type = "moderated", room = case.room, action = action, reason = case.reason,
        expires_at = case.expires_at, at = case.at }
    end
  end
end

local court = {}

---@param gate moongate.Gate
---@return moderation.Court
function court.open(gate)
  local self = setmetatable({ gate = gate, rooms = gate:use("rooms", "1.0") }, court_mt)
  self.is_utf8 = function(text) return gate:is_utf8(text) end
  self.told = tally.new(TOLD_PER_MINUTE, MAX_TOLD)
  local keep_ms = gate:option("keep_ms", { default = 90 * DAY_MS, min = 60000,
    max = 3660 * DAY_MS, about = "how long what was done, and reports, are kept" })
  local failures = gate:counter("store_failures_total", { labels = { "operation" },
    about = "Reads and writes of bans, reports and audits that the store has refused" })
  self.refused = gate:counter("refused_total", { labels = { "code" },
    about = "Requests of users that moderation has refused" })
  self.actions = gate:counter("actions_total", { labels = { "action" },
    about = "What moderators have done" })
  self.untold = gate:counter("untold_total",
    { about = "What moderators have done that a user who is not in the room has not heard of" })
  self.audit = journal.open(gate, { prefix = "audit", size = MAX_AUDIT, keep_ms = keep_ms,
    failures = failures })
  self.reports = journal.open(gate, { prefix = "report", size = MAX_REPORTS, keep_ms = keep_ms,
    failures = failures })
  self.all_reports = journal.open(gate, { prefix = "report_in_all", size = MAX_IN_HOUSE,
    keep_ms = keep_ms, failures = failures })
  self.everywhere = everywhere.open(gate, failures, function() self:apply_bans(true) end)
  return self
end

--- Closes a connection; tries again when too much waits for the I/O threads.
---@param conn moongate.Conn
---@param reason "kicked"|"banned"
function Court:close(conn, reason)
  local _, problem = conn:close(4504, reason)
  if problem == "full" then
    self.gate:after_ms(RETRY_MS, function() self:close(conn, reason) end)
  end
end

--- Sends a user away with all connections, which may ask for nothing more.
---@param user moongate.User
function Court:send_away(user)
  for _, conn in pairs(user.conns) do
    conn.state.ended = conn.state.ended or "kicked"
    self:close(conn, "kicked")
  end
end

--- Lets a connection that is not banned everywhere, or no longer, go on as any other.
---@param conn moongate.Conn
---@return boolean is_free
function Court:release(conn)
  if self.everywhere:ban_of(conn) then return false end
  local state = conn.state
  if state.appeal then state.appeal = nil end
  if state.is_banned then state.is_banned = nil end -- see presence.lua
  return true
end

--- Closes connections that are banned everywhere, and releases those that are no longer.
---@param are_all? boolean also those that have their time to appeal
function Court:apply_bans(are_all)
  for _, conn in self.gate:conns() do
    local is_meant = conn.is_open and not self:release(conn) and (are_all or not conn.state.appeal)
    if is_meant then self:close(conn, "banned") end
  end
end

return court
