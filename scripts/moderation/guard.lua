--- What is asked of each request before it is carried out: whether its sender is banned or muted,
--- and whether what they say is fit to be heard.

local sanctions = require "moderation.sanctions"
local words = require "moderation.words"

local RANK = { guest = 1, member = 2, moderator = 3, owner = 4, admin = 5 }
local LEAST = { allow = 1, members = 2, moderators = 3, deny = 6 } -- who may send links

-- What muted users cannot do, whether or not there is a plugin that handles it.
local IS_SAYING = { say = true, edit = true, react = true, typing = true }

-- Commands that muted users have, in the shadow, too: of these only they hear, or those whom they
-- moderate. What others do the room may hear of, whoever has said them.
local IS_QUIET = { help = true, appeal = true, report = true, kick = true, ban = true,
  unban = true, bans = true, mute = true, shadow_mute = true, unmute = true, slow = true }

---@class moderation.Guard
---@field private court moderation.Court
---@field private appeals moderation.Appeals
---@field private words moderation.Words
---@field private least integer rank of those who may send links
---@field private masks boolean
local Guard = {}
local guard_mt = { __index = Guard }

function Guard:refuse(code, ...)
  self.court.refused:add(1, code)
  return ...
end

--- The record of the room that a message is about; nil also when it is about none.
---@param conn moongate.Conn
---@param message table
---@return table?
function Guard:record_of(conn, message)
  local name, data, rooms = message.room, message.data, self.court.rooms
  if message.type == "direct" and conn.user and type(data) == "table" then
    name = type(data.user) == "string" and rooms.direct_name(conn.user, data.user)
  end
  return type(name) == "string" and rooms.find(name) or nil
end

-- ---- bans ----

--- Of a connection that is banned everywhere: closes it, unless it has its time to appeal.
---@param conn moongate.Conn
---@param message? table
function Guard:everywhere(conn, message)
  local ban = self.court.everywhere:ban_of(conn)
  if not ban or message and self.appeals:lets(conn, message) then return true end
  if not conn.state.appeal then self.court:close(conn, "banned") end
  return self:refuse("banned", sanctions.refusal("banned", ban, self.court.gate:now_ms()))
end

--- Who is banned in a room may ask for nothing there, but may appeal; who is muted says nothing.
---@param conn moongate.Conn
---@param message table
function Guard:in_room(conn, message)
  local record = self:record_of(conn, message)
  local book = record and record.moderation
  if not book or conn.state.admin then return true end
  local now_ms = self.court.gate:now_ms()
  local ban = message.type ~= "appeal" and sanctions.ban(book, conn.user, conn.address, now_ms)
  if ban then return self:refuse("banned", sanctions.refusal("banned", ban, now_ms)) end
  if IS_SAYING[message.type] then return self:mute(conn, message, book, now_ms) end
  return true
end

--- Who has joined while the rooms were being read was not known to be banned.
---@param conn moongate.Conn
---@param message table
function Guard:joined(conn, message)
  local record = self:record_of(conn, message)
  local book = record and record.moderation
  if not book or conn.state.admin then return end
  if sanctions.ban(book, conn.user, conn.address, self.court.gate:now_ms()) then
    self.court.rooms.evict(record, conn.user, "banned")
  end
end

-- ---- mutes ----

--- Text that is said, or is in the field `text` of what is.
local function text_of(message)
  local data = message.data
  if type(data) == "table" then data = data.text end
  return type(data) == "string" and data or nil
end

--- The command that is said; nil: none is.
local function command_of(message)
  local text = message.type == "say" and text_of(message)
  return text and text:lower():match "^/([%w_-]+)" or nil
end

---@param conn moongate.Conn
---@param message table
---@param book table
---@param now_ms integer
function Guard:mute(conn, message, book, now_ms)
  local mute = sanctions.mute(book, conn.user, now_ms)
  if not mute then return true end
  local command = command_of(message)
  if command and IS_QUIET[command] then return true end
  if mute.is_shadow and command and self.court.gate:has_command(command) then
    return self:refuse("muted", nil, "unavailable", "try again later", true)
  end
  if mute.is_shadow then
    message.only_sender = true
    return true
  end
  return self:refuse("muted", sanctions.refusal("muted", mute, now_ms))
end

-- ---- words and links ----

local function may_link(self, conn, message)
  if self.least == 1 then return true end
  local record = self:record_of(conn, message)
  local role = conn.state.admin and "admin" or record and self.court.rooms.role(conn, record)
  return RANK[role or "guest"] >= self.least
end

local function has_word(self) return function(text) return self.words:has_word(text) end end
local function has_link(self) return function(text) return self.words:has_link(text) end end

--- What is said must be fit to be heard, or is made so.
---@param conn moongate.Conn
---@param message table
function Guard:saying(conn, message)
  local data = message.data
  if words.each(data, self.has_word) then
    if not self.masks then
      return self:refuse("refused_word", nil, "refused_word", "a word in it is not wanted here")
    end
    data = words.map(data, self.mask_words)
  end
  if words.each(data, self.has_link) and not may_link(self, conn, message) then
    if not self.masks then
      return self:refuse("refused_link", nil, "refused_link", "no links from you in this room")
    end
    data = words.map(data, self.mask_links)
  end
  message.data = data
  return true
end

--- Nor are there words in a reaction; what is left of one that is masked would be none.
---@param message table
function Guard:reacting(message)
  if not words.each(message.emoji, self.has_word) then return true end
  return self:refuse("refused_word", nil, "refused_word", "a word in it is not wanted here")
end

local guard = {}

local function words_option(gate)
  local list = gate:option("words", { default = {}, about = "words that are not to be said" })
  local problem = words.problem_of(list)
  if problem then error(('option "words": %s'):format(problem), 0) end
  return words.of(list), next(list) ~= nil
end

---@param gate moongate.Gate
---@param court moderation.Court
---@param appeals moderation.Appeals
function guard.open(gate, court, appeals)
  local list, has_words = words_option(gate)
  local self = setmetatable({ court = court, appeals = appeals, words = list }, guard_mt)
  self.least = LEAST[gate:option("links", { default = "allow",
    enum = { "allow", "members", "moderators", "deny" }, about = "who may send links" })]
  self.masks = gate:option("action", { default = "refuse", enum = { "refuse", "mask" },
    about = "what becomes of words and links that are not wanted" }) == "mask"
  self.has_word, self.has_link = has_word(self), has_link(self)
  self.mask_words = function(text) return list:mask_words(text) end
  self.mask_links = function(text) return list:mask_links(text) end

  gate:before("*", function(conn, message)
    if court.everywhere:ban_of(conn) then return self:everywhere(conn, message) end
    return self:in_room(conn, message)
  end)
  -- Once more behind the filter of rooms, which waits for a password to be looked at.
  gate:before("join", function(conn, message) return self:in_room(conn, message) end)
  gate:after("join", function(conn, message) self:joined(conn, message) end)
  gate:after("direct", function(conn, message) self:joined(conn, message) end)
  if has_words or self.least > 1 then
    for _, name in ipairs { "say", "edit" } do
      gate:before(name, function(conn, message) return self:saying(conn, message) end)
    end
  end
  if has_words then
    gate:before("react", function(_, message) return self:reacting(message) end)
  end
  gate:after("opened", function(conn) self:everywhere(conn) end)
  gate:after("admitted", function(conn)
    appeals:open_window(conn)
    self:everywhere(conn)
  end)
end

return guard
