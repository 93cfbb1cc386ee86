--- Of the gate: who is there. Connections, users, and the rooms they are in.
local checks = require "moongate.check"
local conn = require "moongate.conn"
local room = require "moongate.room"
local user = require "moongate.user"

local check, check_called = checks.kind, checks.called

---@class moongate.Gate
local gate = {}

--- Goes through what is in a table now, without what has gone when its turn comes: a loop may wait,
--- and others come and go meanwhile.
local function each(all, is_meant)
  local keys, i = {}, 0
  for key in pairs(all) do keys[#keys + 1] = key end
  return function()
    local found
    repeat
      i = i + 1
      found = all[keys[i]]
    until keys[i] == nil or (found and is_meant(found))
    return keys[i], found
  end
end

local function has_members(found) return found.count > 0 end
local function is_there() return true end

--- The room of this name. Plugins share the names: raw plugins prefix theirs with something
--- of their own.
---@param name string
---@return moongate.Room
function gate:room(name)
  check_called(self, "gate:room")
  check(name, "string", "gate:room")
  return room.find(name)
end

--- All rooms that have members, in no order: for name, room in gate:rooms(). The loop may wait;
--- rooms that are new then are not in it.
---@return fun(): string?, moongate.Room?
function gate:rooms() return each(room.all, has_members) end -- luacheck: no unused args

--- The user of this name.
---@param name string
---@return moongate.User?
---@return "gone"? reason no connection has been admitted under this name, or all have closed
function gate:user(name)
  check_called(self, "gate:user")
  check(name, "string", "gate:user")
  return user.find(name)
end

--- All users with a connection, in no order: for name, user in gate:users(). The loop may wait, as
--- that of gate:rooms.
---@return fun(): string?, moongate.User?
function gate:users() return each(user.all, is_there) end -- luacheck: no unused args

--- All connections whose closed hooks have not run, in no order: for id, conn in gate:conns(). The
--- loop may wait, as that of gate:rooms.
---@return fun(): integer?, moongate.Conn?
function gate:conns() return each(conn.all, is_there) end -- luacheck: no unused args

return { methods = gate }
