--- Users: who has connections, under the name that conn:admit has given.
local membrane = require "moongate.membrane"

---@class moongate.User
---@field name string
---@field state table data of the plugins about this user; survives a reload, and ends with the
--- closed hooks of the last connection
---@field conns table<integer, moongate.Conn> connection id -> connection; read only, and live: a
--- loop that waits needs a copy
---@field private count integer
local user = {}
local user_mt = { __index = user }

membrane.seal(user_mt, {
  name = "user",
  methods = user,
  fields = { name = true, state = true, conns = membrane.view },
  takes = { send = { membrane.message, membrane.how } },
})

local all = {} -- name -> user with at least one connection whose closed hooks have not run

---@param name string
---@return moongate.User?
---@return "gone"? reason the user has no connection
local function find(name)
  if all[name] then return all[name] end
  return nil, "gone"
end

--- What it returns; raises in the name of who called the caller.
local function call(method, ...)
  local ok, result, reason = pcall(method, ...)
  if not ok then error(result, 3) end
  return result, reason
end

--- Queues a message for each of the user's connections, but not twice for any.
---@param message table|string as for conn:send
---@param how? moongate.HowToAll|false
---@return integer? count of connections that it was queued for; nil: for none
---@return string? reason of the last one that refused it
function user:send(message, how)
  local count, reason = 0, "gone"
  local except = type(how) == "table" and how.except
  for _, conn in pairs(self.conns) do
    if conn ~= except then
      local queued, why = call(conn.send, conn, message, how)
      if queued then count = count + 1 else reason = why end
    end
  end
  if count > 0 then return count end
  return nil, reason
end

--- Closes all connections of the user.
---@param code? integer as for conn:close
---@param reason? string
---@return integer? count of connections that are closed now; nil: none
---@return string? problem of the last one that was not
function user:close(code, reason)
  local count, problem = 0, "gone"
  for _, conn in pairs(self.conns) do
    local is_closed, why = call(conn.close, conn, code, reason)
    if is_closed then count = count + 1 else problem = why end
  end
  if count > 0 then return count end
  return nil, problem
end

---@return integer connections
function user:size() return self.count end

--- For conn.lua and loop.lua: the connection belongs to nobody any more.
---@param conn moongate.Conn
local function leave(conn)
  local old = conn.user and all[conn.user]
  if not old or not old.conns[conn.id] then return end
  old.conns[conn.id] = nil
  old.count = old.count - 1
  if old.count == 0 then all[old.name] = nil end
end

local users = {
  all = all, find = find, leave = leave,
  on_enter = function(_) end, ---@type fun(conn: moongate.Conn) set by loop.lua
}

--- For conn.lua: the connection belongs to this user from now on.
---@param conn moongate.Conn
---@param name string
function users.enter(conn, name)
  leave(conn)
  local found = all[name]
  if not found then
    found = setmetatable({ name = name, state = {}, conns = {}, count = 0 }, user_mt)
    all[name] = found
  end
  conn.user = name
  found.conns[conn.id] = conn
  found.count = found.count + 1
  users.on_enter(conn)
end

return users
