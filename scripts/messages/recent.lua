--- The messages that were said last: who has said which, and who has reacted to them. That is what
--- it takes to edit, to delete and to react; what was said is not kept.
--
-- Knows no gate. All is in the table that it is given, which is data and survives a reload: for
-- each room a ring of ids and names, and the rooms as a chain from the one that has spoken last to
-- the one that has been silent longest, which is forgotten first.

-- An id is the time in tenths of a millisecond, or one more than the last: it has 14 digits, which
-- JSON is written fastest with.
local PER_MS = 10

-- Before the name of who has said what is deleted, which reports may ask for: no name has it.
local DELETED = "\0"

---@class messages.RecentLimits
---@field room integer messages remembered of a room
---@field all integer messages remembered of all rooms; not fewer
---@field emoji integer different ones of a message
---@field reactions_of_one integer reactions of a message, whatever they are
---@field reactions_of_all integer

---@class messages.Recent
---@field private state table
---@field private limits messages.RecentLimits
local Recent = {}
local recent_mt = { __index = Recent }

-- ---- the chain of rooms ----

--- The next in line on that side, or the end of the chain.
local function link(state, name, side, other)
  if name then state.rooms[name][side] = other else state[side] = other end
end

local function take_out(state, room)
  link(state, room.newer, "older", room.older)
  link(state, room.older, "newer", room.newer)
  room.newer, room.older = nil, nil
end

-- The chain as a whole hangs between state.older, its newest room, and state.newer, its oldest.
local function put_first(state, name, room)
  room.older = state.older
  link(state, room.older, "newer", name)
  state.older = name
end

local function forget_reactions(state, room, id)
  local found = room.reactions and room.reactions[id]
  if not found then return end
  state.reactions = state.reactions - found.total
  room.reactions[id] = nil
end

--- Forgets all of a message but who has said it.
local function strip(state, room, id)
  forget_reactions(state, room, id)
  if room.hidden then room.hidden[id] = nil end
end

--- Ids go on from here, also in a room that is forgotten.
local function drop(state, name)
  local room = state.rooms[name]
  for id in pairs(room.reactions or {}) do strip(state, room, id) end
  state.floor = math.max(state.floor, room.last)
  state.total = state.total - room.count
  take_out(state, room)
  state.rooms[name] = nil
end

-- ---- the ring of a room ----

--- Where its nth message from the oldest is: the id is at 2 * place - 1, the name behind it.
local function place_of(room, n) return (room.next - room.count + n - 2) % room.size + 1 end

local function push(state, room, id, user)
  local place = room.next
  if room.count < room.size then
    room.count, state.total = room.count + 1, state.total + 1
  else
    strip(state, room, room[2 * place - 1])
  end
  room[2 * place - 1], room[2 * place], room.last = id, user, id
  room.next = place < room.size and place + 1 or 1
end

--- The place of a message: ids ascend.
local function find(room, id)
  local low, high = 1, room.count
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local place = place_of(room, middle)
    local found = room[2 * place - 1]
    if found == id then return place end
    if found < id then low = middle + 1 else high = middle - 1 end
  end
end

local function new_room(state, size)
  return { size = size, count = 0, next = 1, last = state.floor, visible = false }
end

--- With another limit than before the newest are taken along.
local function resize(state, name, size)
  local old, room = state.rooms[name], new_room(state, size)
  for n = 1, old.count do
    local place = place_of(old, n)
    local id, user = old[2 * place - 1], old[2 * place]
    if n > old.count - size then
      push(state, room, id, user)
    else
      strip(state, old, id)
    end
  end
  room.reactions, room.hidden = old.reactions, old.hidden
  room.last, room.visible = old.last, old.visible
  room.newer, room.older = old.newer, old.older
  state.total = state.total - old.count
  state.rooms[name] = room
end

-- ---- what is remembered ----

--- The id of the next message of the room.
---@param name string
---@param now_ms integer
---@return integer
function Recent:next_id(name, now_ms)
  local room = self.state.rooms[name]
  return math.max((room and room.last or self.state.floor) + 1, now_ms * PER_MS)
end

--- The id of the room's last message that this user has heard; nil: none is remembered.
---@param name string
---@param user string
---@return integer?
function Recent:last(name, user)
  local room = self.state.rooms[name]
  local last = room and room.visible or nil
  for id in pairs(room and room.hidden or {}) do
    if (not last or id > last) and self:author(name, id, true) == user then last = id end
  end
  return last
end

--- The message itself, if all have heard it; else the last one before that all have heard.
---@param name string
---@param id integer
---@return integer? id nil: none is remembered
function Recent:heard_by_all(name, id)
  local room = self.state.rooms[name]
  local hidden = room and room.hidden
  if not hidden or not hidden[id] then return id end
  for n = room.count, 1, -1 do
    local found = room[2 * place_of(room, n) - 1]
    if found < id and not hidden[found] then return found end
  end
end

--- When a message was said, by its id.
---@param id integer
---@return integer at_ms
function Recent.at_ms(_, id) return math.floor(id / PER_MS) end

--- Remembers a message.
---@param name string of the room
---@param id integer what next_id() has said
---@param user string
---@param is_hidden? boolean only who has said it knows of it
function Recent:add(name, id, user, is_hidden)
  local state = self.state
  local room = state.rooms[name]
  if not room then
    room = new_room(state, self.limits.room)
    state.rooms[name] = room
    put_first(state, name, room)
  elseif state.older ~= name then
    take_out(state, room)
    put_first(state, name, room)
  end
  push(state, room, id, user)
  if is_hidden then
    room.hidden = room.hidden or {}
    room.hidden[id] = true
  else
    room.visible = id
  end
  while state.total > self.limits.all do drop(state, state.newer) end
end

--- Who has said this; nil: it is not remembered, or was deleted.
---@param name string of the room
---@param id integer
---@param of_deleted? boolean also of what was deleted
---@return string? user
---@return boolean? is_hidden
function Recent:author(name, id, of_deleted)
  local room = self.state.rooms[name]
  local place = room and find(room, id)
  local user = place and room[2 * place]
  if user and user:byte() == 0 then user = of_deleted and user:sub(2) end
  if not user then return nil end
  return user, room.hidden ~= nil and room.hidden[id] or false
end

---@param name string of the room
---@param id integer that author() knows
function Recent:delete(name, id)
  local room = self.state.rooms[name]
  local place = 2 * find(room, id)
  room[place] = DELETED .. room[place]
  forget_reactions(self.state, room, id)
end

--- The room is no more. Ids of a later one of its name go on from here.
---@param name string
function Recent:forget(name)
  if self.state.rooms[name] then drop(self.state, name) end
end

--- The room has another name.
---@param old string
---@param name string
function Recent:rename(old, name)
  local state = self.state
  local room = state.rooms[old]
  if not room or old == name then return end
  if state.rooms[name] then drop(state, name) end
  take_out(state, room)
  state.rooms[old], state.rooms[name] = nil, room
  room.last = math.max(room.last, state.floor)
  put_first(state, name, room)
end

-- ---- reactions ----

-- What a user does whom nobody else hears is in a set of its own, found.own: emoji and user ->
-- whether they react so as they see it themselves, where that is another than what all see.

local ONE_IF = { [true] = 1, [false] = 0 }

--- How many different ones there are, as this user sees it.
local function different_for(found, user)
  local count, behind = found.different, "\0" .. user
  for key, is_on in pairs(found.own or {}) do
    local is_of_user = is_on and key:sub(-#behind) == behind
    if is_of_user and not found.counts[key:sub(1, -#behind - 1)] then count = count + 1 end
  end
  return count
end

--- nil when one more is within the limits, else what there is too much of.
local function problem_of_one_more(self, found, emoji, different)
  if not found.counts[emoji] and different >= self.limits.emoji then
    return ("at most %d different ones"):format(self.limits.emoji)
  elseif found.total >= self.limits.reactions_of_one then
    return ("at most %d of one message"):format(self.limits.reactions_of_one)
  elseif self.state.reactions >= self.limits.reactions_of_all then
    return "too many reactions of all are remembered"
  end
end

local function change(state, found, emoji, key, is_on)
  local step = is_on and 1 or -1
  local before = found.counts[emoji] or 0
  local count = before + step
  found.users[key] = is_on or nil
  found.counts[emoji] = count > 0 and count or nil
  found.total, state.reactions = found.total + step, state.reactions + step
  if before == 0 or count == 0 then found.different = found.different + step end
  return count
end

local function set_own(state, found, key, is_on)
  local own = found.own or {}
  local step = (is_on == nil and 0 or 1) - (own[key] == nil and 0 or 1)
  own[key] = is_on
  found.own = next(own) ~= nil and own or nil
  found.total, state.reactions = found.total + step, state.reactions + step
end

--- Whether a user reacts so, as they see it themselves.
local function is_on_for(found, key)
  local own = found.own and found.own[key]
  if own ~= nil then return own end
  return found.users[key] or false
end

--- As react(), for the user alone.
local function react_alone(self, found, user, emoji, is_on)
  local key = emoji .. "\0" .. user
  local was_on, is_on_for_all = is_on_for(found, key), found.users[key] or false
  if is_on and not was_on and not is_on_for_all then
    local problem = problem_of_one_more(self, found, emoji, different_for(found, user))
    if problem then return nil, problem end
  end
  local own
  if is_on ~= is_on_for_all then own = is_on end
  set_own(self.state, found, key, own)
  local count = found.counts[emoji] or 0
  return was_on ~= is_on, count + ONE_IF[is_on] - ONE_IF[is_on_for_all]
end

local function react(self, found, user, emoji, is_on)
  local key = emoji .. "\0" .. user
  if found.own and found.own[key] ~= nil then set_own(self.state, found, key, nil) end
  if (found.users[key] or false) == is_on then return false, found.counts[emoji] or 0 end
  local problem = is_on and problem_of_one_more(self, found, emoji, found.different)
  if problem then return nil, problem end
  return true, change(self.state, found, emoji, key, is_on)
end

--- A user reacts with this emoji, or no longer.
---@param name string of the room
---@param id integer that author() knows
---@param user string
---@param emoji string without NUL
---@param is_on boolean
---@param is_hidden? boolean nobody else hears of it: then it is so for this user only
---@return boolean? has_changed nil: there are too many
---@return integer|string count of those who react so, or what there is too much of
function Recent:react(name, id, user, emoji, is_on, is_hidden)
  local room = self.state.rooms[name]
  local all = room.reactions or {}
  local found = all[id] or { total = 0, different = 0, counts = {}, users = {} }
  local carry_out = is_hidden and react_alone or react
  local has_changed, count = carry_out(self, found, user, emoji, is_on)
  all[id], room.reactions = found.total > 0 and found or nil, all
  return has_changed, count
end

local recent = { PER_MS = PER_MS }

---@param state table of earlier code, or empty
---@param limits messages.RecentLimits
---@return messages.Recent
function recent.over(state, limits)
  state.rooms, state.floor = state.rooms or {}, state.floor or 0
  state.total, state.reactions = state.total or 0, state.reactions or 0
  for name, room in pairs(state.rooms) do
    if room.visible == nil then room.visible = room.last end
    if room.size ~= limits.room then resize(state, name, limits.room) end
  end
  while state.total > limits.all do drop(state, state.newer) end
  return setmetatable({ state = state, limits = limits }, recent_mt)
end

return recent
