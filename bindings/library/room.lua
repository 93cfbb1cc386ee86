---@meta
-- Written by ./dev docs from bindings/moongate/*.lua, for editors: nothing runs this.
-- luacheck: ignore

---@class moongate.Room
---@field name string
---@field state table data of the plugins about this room; survives a reload
---@field members table<integer, moongate.Conn> connection id -> connection; read only, and live: a
--- loop that waits needs a copy
---@field kind? string
local room = {}

--- Makes the connection a member: it gets what is published from now on. Of a kind with
--- `may_join`, when all earlier events of the room are done: then only in a task, and waits, but
--- not within a hook of the room.
---@param member moongate.Conn
---@return true? added
---@return "gone"|"already"|"full"|"too_many_rooms"|"too_many_members"|"too_many_requests"|
--- "timeout"|"internal"|string? reason the last four only in a room of a kind, which may have its
--- own
---@return string? text
---@return boolean? temporary
---@return number? retry_after_ms
function room:add(member) end

--- The connection gets what was published until now, and nothing more.
---@param member moongate.Conn
---@return boolean was_member
function room:remove(member) end

--- Queues one message for all members.
---@param message table|string a table goes to each member by its codec, JSON or MessagePack; a
--- string as text (UTF-8)
---@param how? moongate.HowToAll|false
---@return true? queued
---@return "full"|"too_big"|"bad_utf8"|"invalid"|"gone"? reason nobody gets it, also if only members
--- of one codec could not be told; "gone": it was of a kind, and has closed
function room:publish(message, how) end

--- What a member says in a room of a kind: its `said` decides. Waits for the reply; only in a
--- task, and not within a hook of the room. Who is no member by then has said nothing.
---@param member moongate.Conn
---@param data any
---@return any reply nil when refused
---@return string? code
---@return string? text
---@return boolean? temporary
---@return number? retry_after_ms
function room:say(member, data) end

--- Closes a room of a kind: all leave it, and its `closed` is told.
---@param reason string
---@return true? closing nil: it has been closed already
---@return "gone"? problem
function room:close(reason) end

---@return integer members connections, not users
function room:size() end

---@param member moongate.Conn
---@return boolean
function room:has(member) end
