--- Who is typing where, and when others are told of it.
--
-- Knows no gate; time is given, and all is in the table that it is given. Others are told of
-- changes only, and of one user at most once in PUSH_MS, whatever the rooms: what comes sooner is
-- told by tick(), if it still is so.

local PUSH_MS = 1000

---@class messages.Typing
---@field private rooms table<string, table<string, { until_ms: integer, is_told: boolean }>>
---@field private told_at table<string, integer> user -> when others were told
local Typing = {}
local typing_mt = { __index = Typing }

local function forget(self, room, user)
  local users = self.rooms[room]
  users[user] = nil
  self.state.count = self.state.count - 1
  if not next(users) then self.rooms[room] = nil end
end

--- What others are to be told now; nil: nothing.
local function news(self, room, user, entry, now_ms)
  local is_on = entry.until_ms > now_ms
  local is_due = is_on ~= entry.is_told
    and now_ms - (self.told_at[user] or -PUSH_MS) >= PUSH_MS
  if is_due then entry.is_told, self.told_at[user] = is_on, now_ms end
  if not is_on and not entry.is_told then forget(self, room, user) end
  if is_due then return is_on end
end

--- A user types, or has stopped.
---@param room string
---@param user string
---@param is_on boolean
---@param now_ms integer
---@return boolean? is_on what others are to be told
---@return "full"? reason too many are typing
function Typing:set(room, user, is_on, now_ms)
  local users = self.rooms[room]
  local entry = users and users[user]
  if not entry then
    if not is_on then return nil end
    if self.state.count >= self.max_users then return nil, "full" end
    entry = { until_ms = 0, is_told = false }
    users = users or {}
    users[user], self.rooms[room] = entry, users
    self.state.count = self.state.count + 1
  end
  entry.until_ms = is_on and now_ms + self.lasts_ms or now_ms
  return news(self, room, user, entry, now_ms)
end

--- The user has said something, which tells others that they type no longer.
---@param room string
---@param user string
function Typing:said(room, user)
  local users = self.rooms[room]
  if users and users[user] then forget(self, room, user) end
end

--- What others are to be told after a while.
---@param now_ms integer
---@return { room: string, user: string, is_on: boolean }[]
function Typing:tick(now_ms)
  local list = {}
  for room, users in pairs(self.rooms) do
    for user, entry in pairs(users) do
      local is_on = news(self, room, user, entry, now_ms)
      if is_on ~= nil then list[#list + 1] = { room = room, user = user, is_on = is_on } end
    end
  end
  for user, at_ms in pairs(self.told_at) do
    if now_ms - at_ms >= PUSH_MS then self.told_at[user] = nil end
  end
  return list
end

--- The room is no more.
---@param room string
function Typing:forget(room)
  for user in pairs(self.rooms[room] or {}) do forget(self, room, user) end
end

--- The room has another name.
---@param old string
---@param name string
function Typing:rename(old, name)
  if old == name or not self.rooms[old] then return end
  self:forget(name)
  self.rooms[old], self.rooms[name] = nil, self.rooms[old]
end

local typing = { PUSH_MS = PUSH_MS }

---@param state table of earlier code, or empty
---@param lasts_ms integer how long one types who says no more of it
---@param max_users integer in all rooms
---@return messages.Typing
function typing.over(state, lasts_ms, max_users)
  state.rooms, state.told_at, state.count = state.rooms or {}, state.told_at or {}, state.count or 0
  return setmetatable({ state = state, rooms = state.rooms, told_at = state.told_at,
    lasts_ms = lasts_ms, max_users = max_users }, typing_mt)
end

return typing
