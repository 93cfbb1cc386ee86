--- The end of what tokens are good for: a warning, and some time later the connection closes.
--
-- Connections are filed under the second in which something is due. That is in gate.state, so that
-- a task of the code before files them where the new code looks; a connection that has gone, or
-- whose token was refreshed, is only left out when its second comes.

local WARN_AT = 0.8 -- of the lifetime
local LOOK_MS = 1000

---@param gate moongate.Gate
---@param grace_ms integer between the end and the close
---@param close fun(conn: moongate.Conn) its time is over
return function(gate, grace_ms, close)
  gate.state.due = gate.state.due or {} -- second -> { connection id -> user }
  local due, state = gate.state.due, gate.state
  local expiry = {}

  local function file(conn, at_ms)
    local second = math.max(math.ceil(at_ms / LOOK_MS), state.looked + 1)
    conn.state.auth.due = second
    due[second] = due[second] or {}
    due[second][conn.id] = conn.user
  end

  --- The connection has another token, or its first one.
  ---@param conn moongate.Conn
  function expiry.watch(conn)
    local auth, now_ms = conn.state.auth, gate:now_ms()
    auth.due, auth.is_warned = nil, nil
    if not auth.expires_at then return end
    auth.warn_at = now_ms + (auth.expires_at - now_ms) * WARN_AT
    auth.ends_at = math.max(auth.expires_at, now_ms) + grace_ms
    file(conn, auth.warn_at)
  end

  local function visit(conn, now_ms)
    local auth = conn.state.auth
    if now_ms >= auth.ends_at then return close(conn) end
    if not auth.is_warned then
      conn:send { type = "token_expiring", expires_at = auth.expires_at }
      auth.is_warned = true
    end
    file(conn, auth.ends_at)
  end

  local function look(second, now_ms)
    local filed = due[second]
    due[second] = nil
    for id, name in pairs(filed or {}) do
      local user = gate:user(name)
      local conn = user and user.conns[id]
      local is_due = conn and conn.is_open and conn.state.auth.due == second
      if is_due then visit(conn, now_ms) end
    end
  end

  gate:every(LOOK_MS, function()
    local now_ms = gate:now_ms()
    local until_second = math.floor(now_ms / LOOK_MS)
    for second = state.looked + 1, until_second do
      state.looked = second
      look(second, now_ms)
    end
    state.looked = until_second -- also when the clock was set back
  end, "expiry")

  -- Filed anew: this plugin may have been away for a while.
  state.looked = math.floor(gate:now_ms() / LOOK_MS)
  for second in pairs(due) do due[second] = nil end
  for _, conn in gate:conns() do
    local auth = conn.state.auth
    if auth and auth.expires_at then file(conn, auth.is_warned and auth.ends_at or auth.warn_at) end
  end

  return expiry
end
