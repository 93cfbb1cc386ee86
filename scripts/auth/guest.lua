--- Guests: whoever comes chooses a name. A name belongs to the key it was taken with for as
--- long as somebody is connected under it.
--
-- Reload: who holds a name is in gate.state, one table for all generations, because a task of
-- the old code may still be about to take or free one.
local names = require "auth.names"

--- nil when name and key will do, else the code and what is wrong.
local function problem_of(gate, data)
  if type(data.name) ~= "string" then
    return "bad_request", "data.name: expected a string"
  end
  if not names.is_key(data.key) then
    return "bad_request", "data.key: expected a string of 1 to 64 bytes"
  end
  if not gate:is_utf8(data.name) or not names.is_guest(data.name) then
    return "bad_name", "1 to 32 characters of UTF-8, no control characters, no space at the ends"
  end
end

---@param gate moongate.Gate
---@param prefix string what the names of guests begin with
return function(gate, prefix)
  gate.state.holders = gate.state.holders or {} -- user -> { key, connections }
  local holders = gate.state.holders
  local guest = {}

  local function hold(user, key)
    local holder = holders[user] or { key = key, connections = 0 }
    holders[user] = holder
    holder.connections = holder.connections + 1
  end

  -- Counted anew: this plugin may have been away for a while.
  for user in pairs(holders) do holders[user] = nil end
  for _, conn in gate:conns() do
    if conn.state.holds_name then hold(conn.user, conn.state.key) end
  end

  --- Who this would be; nil and the error when it cannot.
  ---@param data table of the request
  function guest.identify(data)
    local code, text = problem_of(gate, data)
    if code then return nil, code, text end
    local user = prefix .. data.name
    local holder = holders[user]
    if holder and (holder.key == nil or holder.key ~= data.key) then
      return nil, "name_taken", "somebody else is here under this name", true
    end
    return { user = user, method = "guest", is_guest = true, key = data.key }
  end

  --- The connection has been admitted.
  function guest.hold(conn, key)
    hold(conn.user, key)
    conn.state.key, conn.state.holds_name = key, true
  end

  --- The connection has gone, or may not be that user any more.
  function guest.release(conn)
    local holder = conn.state.holds_name and holders[conn.user]
    conn.state.holds_name = nil
    if not holder then return end
    holder.connections = holder.connections - 1
    if holder.connections == 0 then holders[conn.user] = nil end
  end

  return guest
end
