--- What a plugin declares of a room kind, and whether it may.
local fields = require "moongate.fields"

local MAX_TICK_HZ = 60

---@class moongate.RoomKind
---@field opened? fun(room: moongate.Room, options: table)
---@field may_join? fun(room: moongate.Room, conn: moongate.Conn): any, string?, string?,
--- boolean?, number? refuses as a filter does
---@field joined? fun(room: moongate.Room, conn: moongate.Conn)
---@field left? fun(room: moongate.Room, conn: moongate.Conn, reason: string) "left", or why its
--- connection has ended: with "shutdown" it may come back after a restart
---@field said? fun(room: moongate.Room, conn: moongate.Conn, data: any): any, string?, string?,
--- boolean?, number? what a member says; returns the reply as the handler of a request does
---@field tick? fun(room: moongate.Room, passed_ms: number) since the last one, or since it opened
---@field closed? fun(room: moongate.Room, reason: string) "empty", "unloaded", or what room:close
--- was given
---@field durable? boolean room.state is kept in the plugin's store, a second after a hook has
--- changed it (of what others change, some hundred rooms are looked at each second), until the room
--- closes; it is there again after a restart, and when a kind that was "unloaded" comes back
---@field restored? fun(room: moongate.Room) in place of `opened`, when it is there again
---@field migrations? table<integer, fun(state: table)> version, from 1 -> step that brings
--- room.state from the version before to this one, as gate:migrate does; a room opens with the
--- newest
---@field tick_hz? number ticks a second, at most 60
---@field max_members? integer connections
---@field empty_ms? integer a room of nobody closes after so long; 60000

local SPEC = { opened = "function", may_join = "function", joined = "function", left = "function",
  said = "function", tick = "function", closed = "function", tick_hz = "number",
  max_members = "number", empty_ms = "number", durable = "boolean", restored = "function",
  migrations = "table" }

local function is_whole(value) return value == nil or (value >= 1 and value % 1 == 0) end

local function are_steps(migrations)
  for version, fn in pairs(migrations or {}) do
    if type(version) ~= "number" or not is_whole(version) or type(fn) ~= "function" then
      return false
    end
  end
  return true
end

local function problem_of_types(spec)
  for name, value in pairs(spec) do
    if type(value) ~= SPEC[name] then
      return ("%s: expected a %s, got %s"):format(name, SPEC[name], type(value))
    end
  end
end

--- nil, or what is wrong with it.
---@param spec moongate.RoomKind
---@return string? problem
local function problem_of(spec)
  local problem = fields.unknown(spec, SPEC) or problem_of_types(spec)
  if problem then return problem end
  if not are_steps(spec.migrations) then
    return "migrations: expected functions by version, whole numbers from 1"
  end
  local hz = spec.tick_hz
  if (hz ~= nil) ~= (spec.tick ~= nil) then return "tick and tick_hz: both or none" end
  if hz and not (hz > 0 and hz <= MAX_TICK_HZ) then
    return ("tick_hz: expected more than 0, at most %d, got %s"):format(MAX_TICK_HZ, tostring(hz))
  end
  if not is_whole(spec.max_members) or not is_whole(spec.empty_ms) then
    return "max_members and empty_ms: expected whole numbers from 1"
  end
end

return { problem_of = problem_of }
