--- Moderation: kicks, bans, mutes, reports, and words that are not to be said. docs/protocol.md has
--- the requests, docs/operations.md the options.
--
-- Who may do what in a room the plugin rooms knows. Bans and mutes of a room are in its record, so
-- they go where it goes, and end with it; those that hold everywhere, what was done and what was
-- reported are in the store.

local appeals = require "moderation.appeals"
local courts = require "moderation.court"
local fields = require "moderation.fields"
local guard = require "moderation.guard"
local sanctions = require "moderation.sanctions"
local verbs = require "moderation.verbs"

local HOUR_MS = 3600000
local SWEEP_MS = 60000

--- What a request has brought; absent and null are the same.
local function data_of(gate, message)
  local data = {}
  for name, value in pairs(type(message.data) == "table" and message.data or {}) do
    if value ~= gate.json.null then data[name] = value end
  end
  return data
end

--- What a verb has returned, as it goes to clients.
local function shown(gate, data, ...)
  if data and data.list then data.list = gate.json.list(data.list) end
  return data, ...
end

local function room_of(gate, message)
  if message.room ~= gate.json.null then return message.room end
end

---@param gate moongate.Gate
return function(gate)
  gate:needs("auth", "rooms")
  local court = courts.open(gate)
  local appeal = appeals.open(gate, court)
  guard.open(gate, court, appeal)

  for name, verb in pairs(verbs) do
    gate:on(name, function(conn, message)
      return shown(gate, verb(court, conn, room_of(gate, message), data_of(gate, message)))
    end)
  end

  -- ---- what anybody may ask ----

  local reports_per_hour = gate:option("reports_per_hour", { default = 10, min = 1, max = 1000,
    about = "reports of one user" })
  gate.state.reporters = gate.state.reporters or {} -- user -> { count, until_ms }
  local reporters = gate.state.reporters

  --- nil when this user may report, and has now; else when they may.
  local function wait_before_report(user)
    local now_ms, made = gate:now_ms(), reporters[user]
    if not made or made.until_ms <= now_ms then
      made = { count = 0, until_ms = now_ms + HOUR_MS }
      reporters[user] = made
    end
    if made.count >= reports_per_hour then return made.until_ms - now_ms end
    made.count = made.count + 1
  end

  gate:every(SWEEP_MS, function()
    local now_ms = gate:now_ms()
    for user, made in pairs(reporters) do
      if made.until_ms <= now_ms then reporters[user] = nil end
    end
    sanctions.sweep(court.everywhere.book, now_ms)
  end, "sweep")

  local function report(conn, message, data)
    local given, problem = fields.report(data, court.is_utf8)
    if not given then return nil, "bad_request", problem end
    local room, record, text = court.rooms.in_room(conn, message)
    if not room then return nil, record, text end
    if not record then return nil, "not_allowed", "in this room its plugin decides" end
    local wait_ms = wait_before_report(conn.user)
    if wait_ms then
      court.refused:add(1, "too_many_reports")
      return nil, "too_many_reports", ("at most %d an hour"):format(reports_per_hour), true, wait_ms
    end
    local is_new = not record.moderation
    local log = court:open_book(record).log
    if is_new then court.rooms.changed(record) end
    local id, reason = court.reports:append(log, { at = gate:now_ms(), by = conn.user,
      room = room.name, message_id = given.message_id, why = given.why })
    if not id then return nil, "unavailable", reason, true end
    return { id = id }
  end

  gate:on("report", function(conn, message)
    return report(conn, message, data_of(gate, message))
  end)

  gate:on("appeal", function(conn, message)
    return appeal:make(conn, room_of(gate, message), data_of(gate, message))
  end)

  -- ---- slash commands ----

  local function command(name, about, read, verb)
    gate:command(name, function(conn, words, message)
      return shown(gate, verbs[verb or name](court, conn, message.room, read(words.text)))
    end, about)
  end

  local function of_command(text) return fields.of_command(text) end
  local function of_timed(text) return fields.of_command(text, true) end

  command("kick", "/kick NAME [REASON]: out of this room", of_command)
  command("ban", "/ban NAME [10m|2h|7d] [REASON]: out, and does not come in again", of_timed)
  command("unban", "/unban NAME [REASON]", of_command)
  command("bans", "/bans: who is banned or muted here", function() return {} end)
  command("mute", "/mute NAME [10m|2h|7d] [REASON]: says nothing here", of_timed)
  command("shadow_mute", "/shadow_mute NAME [10m|2h|7d] [REASON]: nobody else hears", of_timed)
  command("unmute", "/unmute NAME [REASON]", of_command)
  command("slow", "/slow SECONDS|off: all wait so long between messages", fields.of_slow,
    "slow_mode")

  gate:command("report", function(conn, words, message)
    return report(conn, message, fields.of_report(words.text))
  end, "/report MESSAGE-ID WHY: tells the moderators")

  gate:command("appeal", function(conn, words, message)
    return appeal:make(conn, message.room, { text = words.text })
  end, "/appeal TEXT: tells the moderators why you should be heard again")

  -- ---- API ----

  --- The verbs for other plugins: verb(by, room, data), with the rights of an admin. `by` is a word
  --- for the journal; room nil is everywhere. They return as handlers do, and wait where they read.
  local API = {}
  for name, verb in pairs(verbs) do
    API[name] = function(by, room, data)
      return verb(court, { user = by, state = { admin = true } }, room, data or {})
    end
  end
  gate:provide("1.0", API)
end
