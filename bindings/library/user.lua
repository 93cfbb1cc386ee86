---@meta
-- Written by ./dev docs from bindings/moongate/*.lua, for editors: nothing runs this.
-- luacheck: ignore

---@class moongate.User
---@field name string
---@field state table data of the plugins about this user; survives a reload, and ends with the
--- closed hooks of the last connection
---@field conns table<integer, moongate.Conn> connection id -> connection; read only, and live: a
--- loop that waits needs a copy
local user = {}

--- Queues a message for each of the user's connections, but not twice for any.
---@param message table|string as for conn:send
---@param how? moongate.HowToAll|false
---@return integer? count of connections that it was queued for; nil: for none
---@return string? reason of the last one that refused it
function user:send(message, how) end

--- Closes all connections of the user.
---@param code? integer as for conn:close
---@param reason? string
---@return integer? count of connections that are closed now; nil: none
---@return string? problem of the last one that was not
function user:close(code, reason) end

---@return integer connections
function user:size() end
