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
local reports = require "moderation.reports"
local sanctions = require "moderation.sanctions"
local verbs = require "moderation.verbs"

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
  gate:needs("auth", "rooms", "messages")
  gate:tells "banned_everywhere" -- user
  local court = courts.open(gate)
  local appeal, report = appeals.open(gate, court), reports.open(gate, court)
  guard.open(gate, court, appeal)

  for name, verb in pairs(verbs) do
    gate:on(name, function(conn, message)
      return shown(gate, verb(court, conn, room_of(gate, message), data_of(gate, message)))
    end)
  end

  -- ---- what anybody may ask ----

  gate:every(SWEEP_MS, function()
    sanctions.sweep(court.everywhere.book, gate:now_ms())
  end, "sweep")

  gate:on("report", function(conn, message)
    return report:make(conn, message, data_of(gate, message))
  end)

  gate:on("appeal", function(conn, message)
    return appeal:make(conn, room_of(gate, message), data_of(gate, message))
  end)

  -- ---- slash commands ----

  --- What is wrong with a command is told as its usage: of data nobody has typed anything.
  local function with_usage(about, data, code, text, ...)
    if code ~= "bad_request" then return data, code, text, ... end
    return nil, code, "usage: " .. about
  end

  local function command(name, about, read, verb)
    gate:command(name, function(conn, words, message)
      return with_usage(about, shown(gate, verbs[verb or name](court, conn, message.room,
        read(words.text))))
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

  local REPORT = "/report MESSAGE-ID WHY: tells the moderators"
  gate:command("report", function(conn, words, message)
    return with_usage(REPORT, report:make(conn, message, fields.of_report(words.text)))
  end, REPORT)

  local APPEAL = "/appeal TEXT: tells the moderators why you should be heard again"
  gate:command("appeal", function(conn, words, message)
    return with_usage(APPEAL, appeal:make(conn, message.room, { text = words.text }))
  end, APPEAL)

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
