--- Names states that hold what could not outlive the code: after each hook in development mode, and
--- some at each reload.
local conns = require "moongate.conn"
local core = require "moongate.ffi"
local log = require "moongate.log"
local rooms = require "moongate.room"
local state = require "moongate.state"
local users = require "moongate.user"

local MAX_LOOKED = 100 -- rooms, connections and users at a reload, rooms after a hook
local LOOK_MS = 2      -- at a reload

local state_check = {}

-- state -> what has been said of it: the hook that is named is the one that has done it
local said_of = setmetatable({}, { __mode = "k" })

--- What is wrong with it and has not been said yet.
local function news_of(owner, name)
  local found = owner and rawget(owner, "state")
  if found == nil then return end
  local problem = state.not_table(found, name) or state.not_data(found, name)
  local is_news = problem ~= said_of[found]
  said_of[found] = problem
  return is_news and problem or nil
end

local function check(plugin, doing, owner, name)
  local problem = news_of(owner, name)
  if problem then log.error(plugin.label, "%s: %s", doing, problem) end
end

--- In development mode: a state that could not outlive the code is named with the hook that has
--- left it so.
---@param plugin moongate.Plugin
---@param doing string
---@param subject any what the hook is about: a room, a connection
function state_check.after_hook(plugin, doing, subject)
  check(plugin, doing, { state = state.of(plugin.name) }, "gate.state")
  local looked = 0
  for _, room in pairs(rooms.all) do -- it may have looked up any of them
    check(plugin, doing, room, "room.state")
    looked = looked + 1
    if looked == MAX_LOOKED then break end
  end
  if type(subject) ~= "table" then return end
  local is_room = rawget(subject, "members")
  check(plugin, doing, subject, is_room and "room.state" or "conn.state")
  check(plugin, doing, users.find(rawget(subject, "user")), "user.state")
end

-- ---- at a reload ----

local KINDS = {
  { all = rooms.all, state = "room.state", label = "room %q" },
  { all = conns.all, state = "conn.state", label = "connection %d" },
  { all = users.all, state = "user.state", label = "user %q" },
}

--- Looks at the states that come after those of the last time.
local function look_at(kind, stop_ms)
  local key = kind.at ~= nil and kind.all[kind.at] and kind.at or nil
  for _ = 1, MAX_LOOKED do
    local owner
    key, owner = next(kind.all, key)
    kind.at = key
    if key == nil or core.C.moon_clock_ms() > stop_ms then return end
    local problem = news_of(owner, kind.state)
    if problem then log.warn("plugin", "%s: %s", kind.label:format(key), problem) end
  end
end

--- What is wrong goes on as it is: who has written it is not known. Not all are looked at.
function state_check.look_around()
  local stop_ms = core.C.moon_clock_ms() + LOOK_MS
  for _, kind in ipairs(KINDS) do look_at(kind, stop_ms) end
end

return state_check
