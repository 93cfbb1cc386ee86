--- Presence: who is online, away or offline, for those who watch them, whatever rooms they are in.
--
-- Who loses the last connection is away at once, and offline when the grace is over and nobody has
-- come back; who says goodbye is offline at once. Other plugins hear of it by gate:after, of
-- "online" (user, was), "away" (user) and "offline" (user, was).
--
-- Reload: all is in gate.state. What has happened while this plugin was not in the list is found
-- by counting the connections when it comes into force.
local people = require "presence.people"

local TICK_MS = 100    -- changes of so long go to a watcher as one message
local MAX_DUE = 1000   -- users who become offline in a tick
local MAX_TOLD = 1000  -- users whose watchers are told in a tick
local MAX_NAME = 128   -- bytes: 32 characters
local MAX_TEXT = 128   -- bytes
local MAX_EMOJI = 32   -- bytes

-- Close codes of an end that is meant: by the client, or by who has logged or thrown it out.
local IS_FINAL = { [1000] = true, [4502] = true, [4504] = true }
local IS_MEANT = { logged_out = true, kicked = true } -- words in conn.state.ended
local CHOICES = { online = true, busy = true, invisible = true }

---@param gate moongate.Gate
return function(gate)
  gate:needs "auth"
  gate:tells("online", "away", "offline")
  local grace_ms = gate:option("grace_ms", { default = 30000, min = 0, max = 3600000,
    about = "how long who has lost the connection is away before they are offline" })
  local max_watched = gate:option("max_watched", { default = 100, min = 1, max = 500,
    about = "users that one connection may watch" })
  local refused = gate:counter("refused_total", { labels = { "code" },
    about = "requests that were over a limit" })
  local who = people.over(gate.state, grace_ms)

  --- Who hears of it may wait, and hold up nobody.
  local function announce(event, user, was)
    gate:spawn(function() gate:tell(event, user, was) end)
  end

  -- ---- coming and going ----

  local function depart(conn, is_final)
    local user = conn.state.present_as
    conn.state.present_as = nil
    local is = user and who:depart(user, gate:now_ms(), is_final)
    if is then announce(is, user, is == "offline" and "online" or nil) end
  end

  gate:after("admitted", function(conn)
    if conn.state.present_as == conn.user then return end
    if not conn.is_open then return end -- a hook before this one has waited
    depart(conn, false) -- it has had another name
    who:unwatch(conn.id)
    conn.state.present_as = conn.user
    local was = who:arrive(conn.user)
    if was then announce("online", conn.user, was) end
  end)

  --- Whether the connection's end was meant, also when another close has crossed that.
  local function is_final(conn, code)
    return IS_FINAL[code] or IS_MEANT[conn.state.ended] or conn.state.is_banned or false
  end

  gate:after("closed", function(conn, _, code)
    who:unwatch(conn.id)
    depart(conn, is_final(conn, code))
  end)

  --- Who is logged out, or banned everywhere, is not waited for either.
  local function end_grace(user)
    if who:end_grace(user) then announce("offline", user, "away") end
  end

  gate:after("logged_out", end_grace)
  gate:after("banned_everywhere", function(user)
    local found = gate:user(user)
    for _, conn in pairs(found and found.conns or {}) do conn.state.is_banned = true end
    end_grace(user)
  end)

  local function forget_watches(is_there)
    local gone = {}
    for id in who:watches() do
      if not is_there[id] then gone[#gone + 1] = id end
    end
    for _, id in ipairs(gone) do who:unwatch(id) end
  end

  local function count_anew()
    local counts, is_there = {}, {}
    for id, conn in gate:conns() do
      local user = conn.is_open and conn.user or nil -- of others `closed` has been told, perhaps
      is_there[id], conn.state.present_as = conn.is_open, user
      if user then counts[user] = (counts[user] or 0) + 1 end
    end
    forget_watches(is_there)
    for _, change in ipairs(who:recount(counts, gate:now_ms())) do
      announce(change.is, change.user, change.is == "online" and change.was or nil)
    end
  end

  gate:spawn(count_anew)

  local function tell_watchers(now_ms)
    for id, changes in pairs(who:take_changes(MAX_TOLD)) do
      local user = gate:user(who:watcher(id))
      local conn = user and user.conns[id]
      if conn then conn:send { type = "presence", changes = changes, at = now_ms } end
    end
  end

  gate:every(TICK_MS, function()
    local now_ms = gate:now_ms()
    for _ = 1, MAX_DUE do
      local user = who:expire(now_ms)
      if not user then break end
      announce("offline", user, "away")
    end
    tell_watchers(now_ms)
  end, "tick")

  -- ---- requests ----

  local function is_text(value, max_bytes)
    return type(value) == "string" and value ~= "" and #value <= max_bytes
      and gate:is_utf8(value)
      and not value:find "%c" and not value:find "\194[\128-\159]" -- control characters
  end

  --- The names that a request is about, or nil and what is wrong.
  local function users_of(message)
    local users = message.users
    if type(users) ~= "table" or #users < 1 or #users > max_watched then
      return nil, ("users: expected a list of 1 to %d names"):format(max_watched)
    end
    for i = 1, #users do
      if not is_text(users[i], MAX_NAME) then
        return nil, ("users: number %d is no name of a user"):format(i)
      end
    end
    return users
  end

  --- Absent and null are the same.
  local function given(value)
    if value ~= gate.json.null then return value end
  end

  --- nil, or what is wrong with a status.
  local function problem_of(status)
    if status.state ~= nil and not CHOICES[status.state] then
      return 'data.state: expected "online", "busy" or "invisible"'
    elseif status.text ~= nil and not is_text(status.text, MAX_TEXT) then
      return "data.text: expected 1 to 128 bytes of UTF-8 without control characters"
    elseif status.emoji ~= nil and not is_text(status.emoji, MAX_EMOJI) then
      return "data.emoji: expected 1 to 32 bytes of UTF-8 without control characters"
    end
  end

  gate:on("status", function(conn, message)
    local data = message.data
    if type(data) ~= "table" then return nil, "bad_request", "data: expected an object" end
    local status = { state = given(data.state) or "online", text = given(data.text),
      emoji = given(data.emoji) }
    local problem = problem_of(status)
    if problem then return nil, "bad_request", problem end
    who:choose(conn.user, status)
    return status
  end)

  gate:on("watch", function(conn, message)
    local users, problem = users_of(message)
    if not users then return nil, "bad_request", problem end
    if not who:watch(conn.id, conn.user, users, max_watched) then
      refused:add(1, "too_many_watched")
      return nil, "too_many_watched", ("at most %d users"):format(max_watched)
    end
    local views = {}
    for i = 1, #users do views[i] = who:view(users[i]) end
    return { users = views }
  end)

  gate:on("unwatch", function(conn, message)
    if given(message.users) == nil then return { count = who:unwatch(conn.id) } end
    local users, problem = users_of(message)
    if not users then return nil, "bad_request", problem end
    return { count = who:unwatch(conn.id, users) }
  end)

  gate:provide("1.1", {
    --- "online", "away" or "offline", whatever the user wants to be shown as.
    state_of = function(user) return who:state_of(user) end,
    --- As watchers see the user: { user, state, status = { text, emoji } }.
    view = function(user) return who:view(user) end,
    grace_ms = grace_ms, -- this and the next since 1.1: rooms count it for each room
    is_final = function(code, conn) -- that was closed with it
      return conn and is_final(conn, code) or IS_FINAL[code] or false
    end,
  })
end
