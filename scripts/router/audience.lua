--- Which connections of a user a push is for. Knows no gate.
--
-- Others may be under the user's name: those of plugins with routes of their own, who speak what
-- these like, and those that are about to be closed.

local ROUTE = "/ws" -- where router.lua takes all that come as speaking the protocol

local audience = {}

--- Whether the connection speaks the protocol: it came by its route, or has agreed on it elsewhere.
---@param conn moongate.Conn
---@return boolean
function audience.speaks(conn)
  local route = conn.route
  return route == ROUTE or route == "" or conn.protocol == conn.codec.protocol
end

--- Whether what is said is for this connection: not when it has ended, or has but its time to
--- appeal.
---@param conn moongate.Conn
---@return boolean
function audience.hears(conn)
  local state = conn.state
  return conn.is_open and not state.ended and not state.appeal and audience.speaks(conn)
end

--- Sends it to all connections of a user that hear.
---@param user moongate.User
---@param push table
---@return boolean is_told by one of them at least
function audience.tell(user, push)
  local is_told = false
  for _, conn in pairs(user.conns) do
    if audience.hears(conn) and conn:send(push) then is_told = true end
  end
  return is_told
end

return audience
