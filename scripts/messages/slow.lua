--- The slow mode of rooms: who has spoken when, where that is limited.
--
-- Knows no gate; time is given, and all is in the table that it is given.

---@class messages.Slow
---@field private said_at table<string, table<string, integer>> room -> user -> when
local Slow = {}
local slow_mt = { __index = Slow }

--- How long the user has to wait; nil: not at all.
---@param room string
---@param user string
---@param slow_mode_ms integer of the room
---@param now_ms integer
---@return integer? wait_ms
function Slow:wait_ms(room, user, slow_mode_ms, now_ms)
  local users = self.said_at[room]
  local at_ms = users and users[user]
  local wait_ms = at_ms and at_ms + slow_mode_ms - now_ms or 0
  return wait_ms > 0 and wait_ms or nil
end

---@param room string
---@param user string
---@param now_ms integer
function Slow:said(room, user, now_ms)
  local users = self.said_at[room] or {}
  users[user], self.said_at[room] = now_ms, users
end

--- The room is no more.
---@param room string
function Slow:forget(room) self.said_at[room] = nil end

--- The room has another name.
---@param old string
---@param name string
function Slow:rename(old, name)
  if old ~= name then self.said_at[name], self.said_at[old] = self.said_at[old], nil end
end

--- Forgets who has spoken long enough ago.
---@param now_ms integer
---@param slow_mode_of fun(room: string): integer in milliseconds
function Slow:sweep(now_ms, slow_mode_of)
  for room, users in pairs(self.said_at) do
    local slow_mode_ms = slow_mode_of(room)
    for user, at_ms in pairs(users) do
      if at_ms + slow_mode_ms <= now_ms then users[user] = nil end
    end
    if not next(users) then self.said_at[room] = nil end
  end
end

local slow = {}

---@param state table of earlier code, or empty
---@return messages.Slow
function slow.over(state) return setmetatable({ said_at = state }, slow_mt) end

return slow
