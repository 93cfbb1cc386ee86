--- Appeals: what who is banned or muted may say against it, once, and how who is banned everywhere
--- comes to say it.
--
-- A connection that gets the name of a banned user is told of the ban, and stays for a while, in
-- which it may do nothing but appeal. Its window is in conn.state.appeal: "open", or "made" when
-- there was an appeal; when the ban is over it goes on as any other. Timers do not survive a
-- reload; then whoever is banned is closed at once.

local audience = require "router.audience"
local fields = require "moderation.fields"
local sanctions = require "moderation.sanctions"

local LOOK_MS = 1000 -- another ban may have taken the place of one, and end sooner

---@class moderation.Appeals
---@field private court moderation.Court
---@field private window_ms integer
local Appeals = {}
local appeals_mt = { __index = Appeals }

--- The ban everywhere of the connection's user; none of its address.
local function own_ban(self, conn)
  local ban = self.court.everywhere:ban_of(conn)
  return ban and self.court.everywhere.book.users[conn.user] == ban and ban or nil
end

--- The ban or the mute that a user knows of, and its record, if it is of a room.
local function known_sanction(self, conn, name)
  if name == nil then return own_ban(self, conn) end
  local record, now_ms = self.court.rooms.find(name), self.court.gate:now_ms()
  local book = self.court:book_of(record)
  if not book then return nil end
  local ban = sanctions.ban(book, conn.user, conn.address, now_ms)
  local mute = sanctions.mute(book, conn.user, now_ms)
  return ban or mute and not mute.is_shadow and mute or nil, record
end

local function make(self, conn, name, data)
  if name ~= nil and type(name) ~= "string" then
    return nil, "bad_request", "room: expected a string"
  end
  local text, problem = fields.appeal(data, self.court.is_utf8)
  if not text then return nil, "bad_request", problem end
  local its, record = known_sanction(self, conn, name)
  if not its then return nil, "nothing_to_appeal", "you are neither banned nor muted" end
  if its.appeal then return nil, "already_appealed", "once each ban or mute" end
  its.appeal = { by = conn.user, at = self.court.gate:now_ms(), text = text }
  if record and not self.court.rooms.fits(record) then
    its.appeal = nil
    return nil, "unavailable", "the room keeps no more appeals for now", true
  end
  if record then
    self.court.rooms.changed(record)
  else
    self.court.everywhere:mark("users", conn.user)
  end
  return { room = name, at = its.appeal.at }
end

--- Closes the connection after a while, if it is banned still; it is free as soon as it is not.
local function close_later(self, conn, delay_ms)
  local court = self.court
  local ban, now_ms = court.everywhere:ban_of(conn), court.gate:now_ms()
  local step_ms = math.min(delay_ms, LOOK_MS, ban and ban.expires_at
    and math.max(1, ban.expires_at - now_ms) or LOOK_MS)
  court.gate:after_ms(step_ms, function()
    if not conn.is_open or court:release(conn) then return end
    if delay_ms > step_ms then return close_later(self, conn, delay_ms - step_ms) end
    court:close(conn, "banned")
  end)
end

--- The handler of `appeal`.
---@param conn moongate.Conn
---@param name any of the room; nil: everywhere
---@param data table
---@return table? data
---@return string? code
---@return string? text
---@return boolean? temporary
function Appeals:make(conn, name, data)
  local answer, code, text, temporary = make(self, conn, name, data)
  if conn.state.appeal == "made" then close_later(self, conn, 0) end -- once it has the reply
  return answer, code, text, temporary
end

--- Whether this is what a connection in its window may ask for, now and not again.
---@param conn moongate.Conn
---@param message table
---@return boolean
function Appeals:lets(conn, message)
  local is_meant = message.type == "appeal"
    and (message.room == nil or message.room == self.court.gate.json.null)
  if conn.state.appeal ~= "open" or not is_meant then return false end
  conn.state.appeal = "made"
  return true
end

--- Of a connection that has got the name of a banned user: tells it so, and opens its window.
---@param conn moongate.Conn
---@return boolean is_open not where a plugin would go on serving it
function Appeals:open_window(conn)
  local ban = own_ban(self, conn)
  if not ban or self.window_ms == 0 or not audience.speaks(conn) then return false end
  conn:send { type = "moderated", action = "ban", reason = ban.reason,
    expires_at = ban.expires_at, at = ban.at }
  conn.state.appeal = "open"
  close_later(self, conn, self.window_ms)
  return true
end

local appeals = {}

---@param gate moongate.Gate
---@param court moderation.Court
---@return moderation.Appeals
function appeals.open(gate, court)
  return setmetatable({ court = court, window_ms = gate:option("appeal_ms", { default = 10000,
    min = 0, max = 600000, about = "how long who is banned everywhere may appeal, once there is "
      .. "a name" }) }, appeals_mt)
end

return appeals
