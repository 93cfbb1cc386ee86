--- How far each user has read in each room.
--
-- Knows no gate; all is in the table that it is given. Those that were moved last are young; when
-- these are half of what may be kept they become the old ones, and the old ones are forgotten.

---@class messages.Markers
---@field private state { young: table, old: table, count: integer } room -> user -> id
local Markers = {}
local markers_mt = { __index = Markers }

local function of(generation, room, user)
  local users = generation[room]
  return users and users[user]
end

---@param room string
---@param user string
---@return integer? id of the last message that the user has read
function Markers:of(room, user)
  return of(self.state.young, room, user) or of(self.state.old, room, user)
end

--- Moves it forward.
---@param room string
---@param user string
---@param id integer
---@return boolean has_moved
---@return integer id where it is now
function Markers:move(room, user, id)
  local state = self.state
  local before = self:of(room, user)
  if before and before >= id then return false, before end
  if not of(state.young, room, user) then
    if state.count >= self.max_young then
      state.young, state.old, state.count = {}, state.young, 0
    end
    state.count = state.count + 1
  end
  local users = state.young[room] or {}
  users[user], state.young[room] = id, users
  return true, id
end

--- The room is no more.
---@param room string
function Markers:forget(room)
  local state = self.state
  for _ in pairs(state.young[room] or {}) do state.count = state.count - 1 end
  state.young[room], state.old[room] = nil, nil
end

--- The room has another name. Markers of an earlier room of that name go.
---@param old string
---@param name string
function Markers:rename(old, name)
  local state = self.state
  if old == name then return end
  self:forget(name)
  state.young[name], state.young[old] = state.young[old], nil
  state.old[name], state.old[old] = state.old[old], nil
end

local markers = {}

---@param state table of earlier code, or empty
---@param max_markers integer
---@return messages.Markers
function markers.over(state, max_markers)
  state.young, state.old, state.count = state.young or {}, state.old or {}, state.count or 0
  local max_young = math.max(1, math.floor(max_markers / 2))
  return setmetatable({ state = state, max_young = max_young }, markers_mt)
end

return markers
