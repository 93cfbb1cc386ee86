--- Who is who. Guests choose a name; others show a token, with the handshake or later.
--
-- Each method is a module in auth/; what becomes of a connection once it is known who it is, is
-- in auth/sessions.lua. Tokens and passwords are in no log and in no error.
local names = require "auth.names"
local new_backend = require "auth.backend"
local new_guest = require "auth.guest"
local new_jwt = require "auth.jwt"
local new_password = require "auth.password"
local new_sessions = require "auth.sessions"
local new_static = require "auth.static"
local read_options = require "auth.options"

local MAX_TOKEN = 8192 -- bytes
local MAX_FAILED = 3   -- tokens of one connection that are worth nothing

--- Methods of tokens in their order: { check =, forget = }.
local function token_methods(gate, options, sessions)
  local makers = {
    static = function() return new_static(gate, options) end,
    jwt = function() return new_jwt(gate, options) end,
    backend = function()
      return new_backend(gate, { url = options.backend_url, headers = options.backend_headers,
        cache_ms = options.cache_ms, retry_ms = options.retry_ms,
        deadline_ms = options.deadline_ms }, sessions)
    end,
  }
  local list = {}
  for _, name in ipairs(options.methods) do
    if makers[name] then list[#list + 1] = makers[name]() end
  end
  return list
end

local function data_of(gate, message)
  local data = type(message.data) == "table" and message.data or {}
  for _, name in ipairs { "key", "token", "device" } do
    if data[name] == gate.json.null then data[name] = nil end
  end
  return data
end

local function is_token(token)
  return type(token) == "string" and token ~= "" and #token <= MAX_TOKEN
end

---@param gate moongate.Gate
return function(gate)
  gate:tells("name_wanted", -- { user }: who listens may set `refused` to say why not
    "logged_out") -- user, with all connections, and also if there was none
  local options, chosen = read_options(gate)
  local guest = new_guest(gate, { prefix = options.guest_prefix, hold_ms = options.hold_ms,
    max_held = options.max_held })
  local sessions = new_sessions(gate, guest, options)
  local methods = token_methods(gate, options, sessions)
  local password = chosen.password and new_password(gate, {
    attempts_per_user = options.attempts_per_user,
    attempts_per_address = options.attempts_per_address,
    guest_prefix = chosen.guest and options.guest_prefix or nil })
  local may_register = password and options.register
  local refused = gate:counter("refused_total",
    { about = "names and tokens that were refused", labels = { "code" } })

  --- Who has this token; nil and the error.
  local function identify_token(data, conn)
    local token = data.token
    if not is_token(token) then
      return nil, "bad_request",
        ("data.token: expected a string of 1 to %d bytes"):format(MAX_TOKEN)
    end
    for _, method in ipairs(methods) do
      local identity, code, text, temporary, retry_after_ms = method.check(token, conn)
      if identity and chosen.guest
        and identity.user:sub(1, #options.guest_prefix) == options.guest_prefix then
        return nil, "bad_token", "its user has the name of a guest"
      end
      if identity ~= false then return identity, code, text, temporary, retry_after_ms end
    end
    return nil, "bad_token", "this token is worth nothing"
  end

  local function identify(data, conn)
    local has_password = data.user ~= nil or data.password ~= nil
    if password and (has_password or not (methods[1] or chosen.guest)) then
      return password.login(data, conn)
    end
    if methods[1] and (data.token ~= nil or not chosen.guest) then
      return identify_token(data, conn)
    end
    return guest.identify(data)
  end

  --- After some tokens that are worth nothing the connection is closed.
  local function count_failure(conn, code)
    refused:add(1, code)
    if code ~= "bad_token" then return end
    conn.state.failed = (conn.state.failed or 0) + 1
    if conn.state.failed >= MAX_FAILED then sessions.finish_later(conn, "bad_token") end
  end

  -- What may be asked for by somebody who is nobody yet.
  local is_open = { auth = true, ping = true, register = may_register }

  gate:before("*", function(conn, message)
    local ended = conn.state.ended
    if ended then return nil, ended, "this connection is about to be closed" end
    if conn.user or is_open[message.type] then return true end
    return nil, "not_authenticated", "take a name first"
  end)

  --- The connection becomes what `find` says, or goes on as that.
  local function authenticate(conn, data, find, take)
    local stamp = sessions.stamp()
    local identity, code, text, temporary, retry_after_ms = find(data, conn)
    local reply
    if identity then
      reply, code, text, temporary = take(conn, identity, stamp, data.device)
      if reply then return reply end
    end
    count_failure(conn, code)
    return nil, code, text, temporary, retry_after_ms
  end

  --- The connection gets a name.
  local function enter(conn, message, find)
    local data = data_of(gate, message)
    if conn.user then return nil, "already_authenticated", "you are " .. conn.user end
    if not names.is_device(data.device) then
      return nil, "bad_request", "data.device: expected a string of 1 to 64 bytes"
    end
    return authenticate(conn, data, find, sessions.enter)
  end

  gate:on("auth", function(conn, message) return enter(conn, message, identify) end)

  if methods[1] then
    gate:on("refresh", function(conn, message)
      return authenticate(conn, data_of(gate, message), identify_token, sessions.renew)
    end)
  end

  --- There is no account of a name that nobody may have.
  local function register(data, conn)
    local code, text
    if type(data.user) == "string" then code, text = sessions.problem_of_name(data.user) end
    if code then return nil, code, text end
    return password.register(data, conn)
  end

  if may_register then
    gate:on("register", function(conn, message) return enter(conn, message, register) end)
  end

  local function log_out(user, reason)
    for _, method in ipairs(methods) do
      if method.forget then method.forget(user) end
    end
    return sessions.log_out(user, reason)
  end

  gate:on("logout", function(conn, message)
    local user, is_for_all = conn.user, data_of(gate, message).everywhere == true
    sessions.finish_later(conn, "logged_out")
    if is_for_all then gate:after_ms(0, function() log_out(user) end) end
    return true
  end)

  local CLOSES = { bad_token = "bad_token", bad_request = "bad_token", -- it is too long
    bad_name = "bad_token",
    expired_token = "token_expired", early_token = "token_expired", logged_out = "logged_out" }

  --- The token of a handshake, as a request of its own: what the client asks for waits behind it.
  gate:after("opened", function(conn)
    if not methods[1] or not conn.token or conn.user then return end
    local is_ours = false
    for _, path in ipairs(options.token_paths) do is_ours = is_ours or path == conn.route end
    if not is_ours then return end
    local message = { type = "auth", data = { token = conn.token } }
    gate:request(conn, message, function(data, code)
      if data then
        conn:send { type = "authenticated", user = data.user, expires_at = data.expires_at,
          admin = data.admin }
      elseif code ~= "already_authenticated" then
        sessions.finish(conn, CLOSES[code] or "unavailable")
      end
    end, #conn.token)
  end)

  gate:after("closed", function(conn, _, code) guest.release(conn, code) end)

  gate:provide("1.0", {
    --- Ends all connections of a user; tokens that are still good stay so.
    logout = log_out,
    --- How a connection was authenticated, and since when:
    --- { since, method, expires_at, device, guest, admin, info }.
    info = function(conn) return conn.state.auth end,
    --- Makes an account with a password, or gives one another; in a task. Nil where there are none.
    set_password = password and password.set or nil,
  })
end
