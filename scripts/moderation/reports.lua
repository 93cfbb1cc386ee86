--- What members of a room tell its moderators of a message, and admins of all rooms: the latter is
--- kept when the room is not.

local fields = require "moderation.fields"

local HOUR_MS = 3600000
local SWEEP_MS = 60000
local MAX_YOUNG = 10000 -- reports that are known again; after as many more they are forgotten

---@class moderation.Reports
---@field private court moderation.Court
---@field private messages table the API of the plugin messages
---@field private per_hour integer
---@field private reporters table<string, { count: integer, until_ms: integer }>
---@field private seen { young: table<string, true>, old: table<string, true>, count: integer }
local Reports = {}
local reports_mt = { __index = Reports }

--- nil when this user may report, and has now; else when they may.
local function wait_before(self, user)
  local now_ms, made = self.court.gate:now_ms(), self.reporters[user]
  if not made or made.until_ms <= now_ms then
    made = { count = 0, until_ms = now_ms + HOUR_MS }
    self.reporters[user] = made
  end
  if made.count >= self.per_hour then return made.until_ms - now_ms end
  made.count = made.count + 1
end

local function note(self, key)
  local seen = self.seen
  if seen.count >= MAX_YOUNG then seen.young, seen.old, seen.count = {}, seen.young, 0 end
  seen.young[key], seen.count = true, seen.count + 1
end

--- What is reported, if it may be: the record and the report; else nil and the error.
local function read(self, conn, message, data)
  local court = self.court
  local given, problem = fields.report(data, court.is_utf8)
  if not given then return nil, "bad_request", problem end
  local room, record, text = court.rooms.in_room(conn, message)
  if not room then return nil, record, text end
  if not record then return nil, "not_allowed", "in this room its plugin decides" end
  local author, is_hidden = self.messages.author(room.name, given.message_id, true)
  if not author or (is_hidden and author ~= conn.user) then
    return nil, "too_old", "there is no such message, or it is not remembered any more"
  end
  return record, { at = court.gate:now_ms(), by = conn.user, room = room.name,
    message_id = given.message_id, author = author, why = given.why }
end

--- In the journals of the room and of the house.
local function append(self, log, report)
  local court, for_all = self.court, {}
  for name, value in pairs(report) do for_all[name] = value end
  court.gate:spawn(function() court.all_reports:append(court.HOUSE, for_all) end)
  return court.reports:append(log, report)
end

--- The key of the room's journals.
local function log_of(self, record)
  local is_new = not record.moderation
  local log = self.court:open_book(record).log
  if is_new then self.court.rooms.changed(record) end
  return log
end

--- The handler of `report`.
---@param conn moongate.Conn
---@param message table
---@param data table
---@return { id: integer }? data
---@return string? code
---@return string? text
---@return boolean? temporary
---@return integer? retry_after_ms
function Reports:make(conn, message, data)
  local record, report, text = read(self, conn, message, data)
  if not record then return nil, report, text end
  local log = log_of(self, record)
  local key = ("%s\0%s\0%.0f"):format(conn.user, log, report.message_id)
  if self.seen.young[key] or self.seen.old[key] then
    return nil, "already_reported", "once each message"
  end
  local wait_ms = wait_before(self, conn.user)
  if wait_ms then
    self.court.refused:add(1, "too_many_reports")
    return nil, "too_many_reports", ("at most %d an hour"):format(self.per_hour), true, wait_ms
  end
  note(self, key)
  local id, reason = append(self, log, report)
  if id then return { id = id } end
  self.seen.young[key], self.seen.old[key] = nil, nil
  return nil, "unavailable", reason, true
end

local reports = {}

---@param gate moongate.Gate
---@param court moderation.Court
---@return moderation.Reports
function reports.open(gate, court)
  local state = gate.state
  state.reporters = state.reporters or {}
  state.reported = state.reported or { young = {}, old = {}, count = 0 }
  local self = setmetatable({ court = court, messages = gate:use("messages", "1.0"),
    reporters = state.reporters, seen = state.reported }, reports_mt)
  self.per_hour = gate:option("reports_per_hour", { default = 10, min = 1, max = 1000,
    about = "reports of one user" })
  gate:every(SWEEP_MS, function()
    local now_ms = gate:now_ms()
    for user, made in pairs(self.reporters) do
      if made.until_ms <= now_ms then self.reporters[user] = nil end
    end
  end, "reporters")
  return self
end

return reports
