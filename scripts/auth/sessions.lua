--- Sessions: a connection that has become somebody, until it is ended.
--
-- One that is ended (fenced by a newer connection of its device, logged out, of a token that has
-- run out) may not ask for anything more, though its socket takes a moment to close.

local FORGET_MS = 60000 -- longer than any request runs
local RETRY_MS = 100

local ENDED = "this connection is about to be closed"

local CODES = {
  token_expired = 4401, -- come back with another token
  bad_token = 4501, logged_out = 4502, replaced = 4503, -- do not come back
  unavailable = 4012,
}

--- Of what may be kept for the next connection: states are for all plugins to change.
local function copy_of(info)
  if type(info) ~= "table" then return info end
  local copy = {}
  for key, value in pairs(info) do copy[key] = copy_of(value) end
  return copy
end

---@param gate moongate.Gate
---@param guest table of auth.guest
---@param options { grace_ms: integer, max_connections_per_user: integer }
return function(gate, guest, options)
  local state = gate.state
  state.logouts, state.logged_out = state.logouts or 0, state.logged_out or {}
  local accepted = gate:counter("accepted_total",
    { about = "connections that were authenticated", labels = { "method" } })
  local ended = gate:counter("ended_total",
    { about = "connections that were closed for what they are worth", labels = { "reason" } })
  local sessions = {}

  --- Tries again when too much waits for the I/O threads.
  local function close(conn, code, reason)
    local _, problem = conn:close(code, reason)
    if problem == "full" then
      gate:after_ms(RETRY_MS, function() close(conn, code, reason) end)
    end
  end

  --- Closes a connection that is marked as ended.
  local function conclude(conn, word, reason)
    guest.release(conn)
    if word == "logged_out" then guest.forget(conn.user) end
    ended:add(1, word)
    close(conn, CODES[word], reason and (word .. ": " .. reason):sub(1, 120) or word)
  end

  --- Ends the connection: it may ask for nothing more.
  ---@param conn moongate.Conn
  ---@param word "token_expired"|"bad_token"|"logged_out"|"replaced"|"unavailable"
  ---@param reason? string for people
  function sessions.finish(conn, word, reason)
    if conn.state.ended then return end
    conn.state.ended = word
    conclude(conn, word, reason)
  end

  --- The same, but it is closed after what the running handler replies.
  function sessions.finish_later(conn, word)
    if conn.state.ended then return end
    conn.state.ended = word
    gate:after_ms(0, function() conclude(conn, word) end)
  end

  local expiry = require "auth.expiry"(gate, options.grace_ms, function(conn)
    sessions.finish(conn, "token_expired")
  end)

  --- What was found out since then may be out of date.
  ---@return integer stamp
  function sessions.stamp() return state.logouts end

  ---@param user string
  ---@param stamp integer
  ---@return boolean whether the user has been logged out since
  function sessions.is_stale(user, stamp)
    local entry = state.logged_out[user]
    return entry ~= nil and entry.number > stamp
  end

  gate:every(FORGET_MS, function()
    local now_ms = gate:now_ms()
    for user, entry in pairs(state.logged_out) do
      if now_ms - entry.at >= FORGET_MS then state.logged_out[user] = nil end
    end
  end, "forget logouts")

  --- An older connection of the same device is closed.
  local function fence(conn, user, device)
    local found = device and gate:user(user)
    for _, other in pairs(found and found.conns or {}) do
      local auth = other.state.auth
      local is_older = other ~= conn and auth and auth.device == device
      if is_older then sessions.finish(other, "replaced") end
    end
  end

  --- Those that were ended do not count, though their sockets take a moment to close.
  local function is_full(user)
    local found, count = gate:user(user), 0
    for _, other in pairs(found and found.conns or {}) do
      if not other.state.ended then count = count + 1 end
    end
    return count >= options.max_connections_per_user
  end

  local function take(conn, identity, device)
    local before = conn.state.auth
    conn.state.auth = {
      since = before and before.since or gate:now_ms(),
      method = identity.method, expires_at = identity.expires_at, device = device,
      guest = identity.is_guest or false, admin = identity.admin or false,
      info = copy_of(identity.info),
    }
    conn.state.admin = identity.admin or nil
    if identity.expires_at then expiry.watch(conn) end
  end

  --- What a client is told of who it is.
  local function shown(conn)
    local auth = conn.state.auth
    return { user = conn.user, expires_at = auth.expires_at, admin = auth.admin or nil }
  end

  --- nil when the user may be called so, else the code and the text. Plugins may take time for it.
  ---@param user string
  ---@return string? code
  ---@return string? text
  function sessions.problem_of_name(user)
    local wish = { user = user }
    gate:tell("name_wanted", wish)
    if wish.refused then return "bad_name", tostring(wish.refused) end
  end

  --- nil when what was found out is still so, else the error.
  local function problem_of_now(conn, identity, stamp)
    if conn.state.ended then return conn.state.ended, ENDED end
    if conn.user then return "already_authenticated", "you are " .. conn.user end
    if sessions.is_stale(identity.user, stamp) then
      return "logged_out", "the user was logged out meanwhile", true
    end
    if identity.is_guest then return guest.problem_of_key(identity.user, identity.key) end
  end

  --- The connection becomes this user.
  ---@param identity table { user, method, expires_at?, admin?, info?, is_guest?, key? }
  ---@param stamp integer of when it was asked for
  ---@param device? string
  ---@return table? data of the reply; nil and the error
  function sessions.enter(conn, identity, stamp, device)
    local code, text = sessions.problem_of_name(identity.user)
    local temporary
    if not code then code, text, temporary = problem_of_now(conn, identity, stamp) end
    if code then return nil, code, text, temporary end
    fence(conn, identity.user, device)
    if is_full(identity.user) then
      return nil, "too_many_connections", ("at most %d of one user"):format(
        options.max_connections_per_user), true
    end
    local admitted, reason = conn:admit(identity.user)
    if not admitted then return nil, "internal", reason, true end
    take(conn, identity, device)
    if identity.is_guest then guest.hold(conn, identity.key) end
    accepted:add(1, identity.method)
    return shown(conn)
  end

  --- The connection goes on as the same user, by another token.
  ---@return table? data of the reply; nil and the error
  function sessions.renew(conn, identity, stamp)
    if identity.user ~= conn.user then
      return nil, "wrong_user", "the token is of another user than this connection"
    end
    if conn.state.ended then return nil, conn.state.ended, ENDED end
    if sessions.is_stale(conn.user, stamp) then
      return nil, "logged_out", "the user was logged out meanwhile"
    end
    local auth = conn.state.auth
    take(conn, identity, auth and auth.device)
    return shown(conn)
  end

  --- Ends all connections of the user, and what is under way to become one.
  ---@param user string
  ---@param reason? string
  ---@return integer count of connections
  function sessions.log_out(user, reason)
    state.logouts = state.logouts + 1
    state.logged_out[user] = { number = state.logouts, at = gate:now_ms() }
    local found, conns = gate:user(user), {}
    for _, conn in pairs(found and found.conns or {}) do conns[#conns + 1] = conn end
    for _, conn in ipairs(conns) do sessions.finish(conn, "logged_out", reason) end
    guest.forget(user)
    gate:spawn(function() gate:tell("logged_out", user) end) -- who hears of it may wait
    return #conns
  end

  return sessions
end
