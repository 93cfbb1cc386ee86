---@meta
-- Written by ./dev docs from bindings/moongate/*.lua, for editors: nothing runs this.
-- luacheck: ignore

---@class moongate.Conn
---@field id integer never used again
---@field path string as asked for, without the query: "/relay/tea"
---@field query string what followed the question mark, percent-encoded where it would be
--- ambiguous; ends at an empty part
---@field params table<string, string> what the braces of the route matched: { room = "tea" };
--- read only, connections to the same path share it
---@field route string the pattern of the route: "/relay/{room}"
---@field protocol string the subprotocol agreed on, or ""
---@field address string the peer's IP address
---@field host string the Host header of the handshake
---@field token? string that the handshake brought
---@field codec moongate.Codec what the tables sent to it are encoded with; follows from `protocol`
---@field is_open boolean
---@field close_reason? string why it has ended: "client", "lost", "slow", ...
---@field user? string who this is: set by conn:admit
---@field state table data of the plugins about this connection; survives a reload
---@field rooms table<moongate.Room, true>
local conn = {}

--- Queues a message for this client. Returns before it is written; what was sent before it
--- arrives before it.
---@param message table|string a table goes by the connection's codec, JSON or MessagePack; a
--- string as text (UTF-8)
---@param how? moongate.How|false
---@return true? queued nil when refused
---@return "gone"|"full"|"too_big"|"bad_utf8"|"invalid"? reason
function conn:send(message, how) end

--- How the connection is doing, as its I/O thread sees it now. Waits for that; only in a task.
---@return moongate.Figures? figures
---@return "gone"|"full"? reason
function conn:figures() end

--- Says who this is: sets conn.user, and lifts the deadline for it on routes with `auth`.
---@param name string of the user, who may have many connections: see gate:user
---@return true? admitted
---@return "gone"|"full"? reason
function conn:admit(name) end

--- Changes what this connection may cost. What is not given stays as it is.
---@param given moongate.Limits
---@return true? accepted
---@return "gone"|"full"|"invalid"? reason
function conn:limit(given) end

--- The rate of what the client may send counts so many messages more: of one message that stands
--- for many.
---@param messages integer 1 to 1,000,000
---@return true? accepted
---@return "gone"|"full"? reason
function conn:charge(messages) end

--- Closes the connection after what is queued. Its `closed` hooks run a little later.
---@param code? integer 1000, or 4000 to 4499 (the client shall reconnect), 4500 to 4999 (not)
---@param reason? string for the client, at most 123 bytes
---@return true? accepted
---@return "gone"|"full"|"invalid"|"bad_utf8"? problem
function conn:close(code, reason) end
