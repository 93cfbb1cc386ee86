--- Guests: whoever comes chooses a name. A name belongs to the key it was taken with for as
--- long as somebody is connected under it, and for a while after that; who says goodbye lets it go.
--
-- Reload: who holds a name is in gate.state, one table for all generations, because a task of
-- the old code may still be about to take or free one.
local held = require "auth.held"
local names = require "auth.names"

local SWEEP_MS, MAX_SWEPT = 60000, 20000 -- and whenever somebody wants a name
local GOODBYE = 1000 -- the code of a close that is meant

--- nil when name and key will do, else the code and what is wrong.
local function problem_of(gate, data)
  if type(data.name) ~= "string" then
    return "bad_request", "data.name: expected a string"
  end
  if not names.is_key(data.key) then
    return "bad_request", "data.key: expected a string of 1 to 64 bytes"
  end
  if not gate:is_utf8(data.name) or not names.is_guest(data.name) then
    return "bad_name", "1 to 32 characters of UTF-8, single blanks between them, " .. names.RULE
  end
end

---@param gate moongate.Gate
---@param given { prefix: string, hold_ms: integer, max_held: integer }
return function(gate, given)
  gate.state.holders = gate.state.holders or {} -- user -> { key, connections }
  gate.state.held = gate.state.held or held.new()
  local holders, gone = gate.state.holders, gate.state.held
  local freed = gate:counter("names_freed_total",
    { about = "names of guests that were let go before their time: too many were held" })
  local guest = {}

  --- Nobody is connected under it any more. Without a key nobody could come back to it.
  local function let_go(user, is_goodbye)
    local holder = holders[user]
    if is_goodbye or holder.key == nil or given.hold_ms == 0 then
      holders[user] = nil
      return
    end
    local oldest = held.add(gone, user, gate:now_ms() + given.hold_ms, given.max_held)
    if oldest then
      holders[oldest] = nil
      freed:add(1)
    end
  end

  local function hold(user, key)
    local holder = holders[user] or { key = key, connections = 0 }
    holders[user] = holder
    holder.connections = holder.connections + 1
    held.drop(gone, user)
  end

  local function sweep()
    local now_ms = gate:now_ms()
    for _ = 1, MAX_SWEPT do
      local user = held.expire(gone, now_ms)
      if not user then return end
      holders[user] = nil
    end
  end

  gate:every(SWEEP_MS, sweep, "names of guests")

  -- Counted anew: this plugin may have been away for a while.
  for _, holder in pairs(holders) do holder.connections = 0 end
  for _, conn in gate:conns() do
    if conn.state.holds_name then hold(conn.user, conn.state.key) end
  end
  local empty = {}
  for user, holder in pairs(holders) do
    if holder.connections == 0 and not gone.places[user] then empty[#empty + 1] = user end
  end
  for _, user in ipairs(empty) do let_go(user) end

  --- nil when the name is free, or held by this key; else the error.
  ---@param user string
  ---@param key? string
  ---@return string? code
  ---@return string? text
  ---@return boolean? temporary
  function guest.problem_of_key(user, key)
    local holder = holders[user]
    if holder and (holder.key == nil or holder.key ~= key) then
      return "name_taken", "somebody else is here under this name, or was a moment ago", true
    end
  end

  --- Who this would be; nil and the error when it cannot.
  ---@param data table of the request
  function guest.identify(data)
    local code, text = problem_of(gate, data)
    if code then return nil, code, text end
    sweep()
    local user = given.prefix .. data.name
    local taken, why, temporary = guest.problem_of_key(user, data.key)
    if taken then return nil, taken, why, temporary end
    return { user = user, method = "guest", is_guest = true, key = data.key }
  end

  --- The connection has been admitted.
  function guest.hold(conn, key)
    hold(conn.user, key)
    conn.state.key, conn.state.holds_name = key, true
  end

  --- The connection has gone, or may not be that user any more.
  ---@param conn moongate.Conn
  ---@param code? integer how it was closed
  function guest.release(conn, code)
    local holder = conn.state.holds_name and holders[conn.user]
    conn.state.holds_name = nil
    if not holder then return end
    holder.connections = holder.connections - 1
    if holder.connections == 0 then let_go(conn.user, code == GOODBYE) end
  end

  --- The user has logged out: what was held for them is anybody's.
  ---@param user string
  function guest.forget(user)
    local holder = holders[user]
    if not holder or holder.connections > 0 then return end
    held.drop(gone, user)
    holders[user] = nil
  end

  return guest
end
