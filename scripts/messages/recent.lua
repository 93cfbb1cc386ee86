--- The messages that were said last: who has said which, and who has reacted to them. That is what
--- it takes to edit, to delete and to react; what was said is not kept.
--
-- Knows no gate. All is in the table that it is given, which is data and survives a reload: for
-- each room a ring of ids and names, and the rooms as a chain from the one that has spoken last to
-- the one that has been silent longest, which is forgotten first. What only its sender has heard is
-- in rings and a chain of its own, of the same size (state.hidden): it takes no place of others.

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

--- Ids go on from here, also in a room that is forgotten.
local function drop(state, name)
  local room = state.rooms[name]
  for id in pairs(room.reactions or {}) do forget_reactions(state, room, id) end
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
    forget_reactions(state, room, room[2 * place - 1])
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
  return { size = size, count = 0, next = 1, last = state.floor }
end

--- With another limit than before the newest are taken along; not what earlier code has had among
--- them that others have not heard.
local function resize(state, name, size)
  local old, room = state.rooms[name], new_room(state, size)
  for n = 1, old.count do
    local place = place_of(old, n)
    local id, user = old[2 * place - 1], old[2 * place]
    if n > old.count - size and not (old.hidden and old.hidden[id]) then
      push(state, room, id, user)
    else
      forget_reactions(state, old, id)
    end
  end
  room.reactions, room.last = old.reactions, old.last
  room.newer, room.older = old.newer, old.older
  state.total = state.total - old.count
  state.rooms[name] = room
end

-- ---- what is remembered ----

--- The room of a message and its place in the ring there; nil: it is not remembered.
local function locate(state, name, id)
  local room = state.rooms[name]
  local place = room and find(room, id)
  if place then return room, place end
end

--- The last message before this one that is remembered.
local function last_before(state, name, id)
  local room = state.rooms[name]
  for n = room and room.count or 0, 1, -1 do
    local found = room[2 * place_of(room, n) - 1]
    if found < id then return found end
  end
end

local function last_id(state, name)
  local room = state.rooms[name]
  return room and room.last or state.floor
end

--- The id of the next message of the room.
---@param name string
---@param now_ms integer
---@return integer
function Recent:next_id(name, now_ms)
  local last = math.max(last_id(self.state, name), last_id(self.state.hidden, name))
  return math.max(last + 1, now_ms * PER_MS)
end

--- The id of the room's last message that this user has heard; nil: none is remembered.
---@param name string
---@param user string
---@return integer?
function Recent:last(name, user)
  local last, hidden = last_before(self.state, name, math.huge), self.state.hidden
  local id = last_before(hidden, name, math.huge)
  while id and (not last or id > last) do
    if self:author(name, id, true) == user then return id end
    id = last_before(hidden, name, id)
  end
  return last
end

--- The message itself, if all have heard it or nobody knows; else the last one before that all have
--- heard.
---@param name string
---@param id integer
---@return integer? id nil: none is remembered
function Recent:heard_by_all(name, id)
  if locate(self.state, name, id) then return id end
  local before = last_before(self.state, name, id)
  if before or locate(self.state.hidden, name, id) then return before end
  return id
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
  local state = is_hidden and self.state.hidden or self.state
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
  while state.total > self.limits.all do drop(state, state.newer) end
end

--- Who has said this; nil: it is not remembered, or was deleted.
---@param name string of the room
---@param id integer
---@param of_deleted? boolean also of what was deleted
---@return string? user
---@return boolean? is_hidden
function Recent:author(name, id, of_deleted)
  local room, place = locate(self.state, name, id)
  local is_hidden = not room
  if is_hidden then room, place = locate(self.state.hidden, name, id) end
  local user = room and room[2 * place]
  if user and user:byte() == 0 then user = of_deleted and user:sub(2) end
  if not user then return nil end
  return user, is_hidden
end

--- The state that has a message which author() knows, its room there and the place.
local function found_in(self, name, id)
  local state = locate(self.state, name, id) and self.state or self.state.hidden
  return state, locate(state, name, id)
end

---@param name string of the room
---@param id integer that author() knows
function Recent:delete(name, id)
  local state, room, place = found_in(self, name, id)
  room[2 * place] = DELETED .. room[2 * place]
  forget_reactions(state, room, id)
end

--- The room is no more. Ids of a later one of its name go on from here.
---@param name string
function Recent:forget(name)
  for _, state in ipairs { self.state, self.state.hidden } do
    if state.rooms[name] then drop(state, name) end
  end
end

--- The room has another name; of what was there under that nothing is known any more.
---@param old string
---@param name string
function Recent:rename(old, name)
  if old == name then return end
  self:forget(name)
  for _, state in ipairs { self.state, self.state.hidden } do
    local room = state.rooms[old]
    if room then
      take_out(state, room)
      state.rooms[old], state.rooms[name] = nil, room
      room.last = math.max(room.last, state.floor)
      put_first(state, name, room)
    end
  end
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
local function problem_of_one_more(state, limits, found, emoji, different)
  if not found.counts[emoji] and different >= limits.emoji then
    return ("at most %d different ones"):format(limits.emoji)
  elseif found.total >= limits.reactions_of_one then
    return ("at most %d of one message"):format(limits.reactions_of_one)
  elseif state.reactions >= limits.reactions_of_all then
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
local function react_alone(state, limits, found, user, emoji, is_on)
  local key = emoji .. "\0" .. user
  local was_on, is_on_for_all = is_on_for(found, key), found.users[key] or false
  if is_on and not was_on and not is_on_for_all then
    local different = different_for(found, user)
    local problem = problem_of_one_more(state, limits, found, emoji, different)
    if problem then return nil, problem end
  end
  local own
  if is_on ~= is_on_for_all then own = is_on end
  set_own(state, found, key, own)
  local count = found.counts[emoji] or 0
  return was_on ~= is_on, count + ONE_IF[is_on] - ONE_IF[is_on_for_all]
end

local function react(state, limits, found, user, emoji, is_on)
  local key = emoji .. "\0" .. user
  if found.own and found.own[key] ~= nil then set_own(state, found, key, nil) end
  if (found.users[key] or false) == is_on then return false, found.counts[emoji] or 0 end
  local problem = is_on and problem_of_one_more(state, limits, found, emoji, found.different)
  if problem then return nil, problem end
  return true, change(state, found, emoji, key, is_on)
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
  local state, room = found_in(self, name, id)
  local all = room.reactions or {}
  local found = all[id] or { total = 0, different = 0, counts = {}, users = {} }
  local carry_out = is_hidden and react_alone or react
  local has_changed, count = carry_out(state, self.limits, found, user, emoji, is_on)
  all[id], room.reactions = found.total > 0 and found or nil, all
  return has_changed, count
end

--- Who sees another count of an emoji than all do.
---@param name string of the room
---@param id integer that author() knows
---@param emoji string
---@return table<string, integer> counts by user
function Recent:own_counts(name, id, emoji)
  local _, room = found_in(self, name, id)
  local found = room.reactions and room.reactions[id]
  local counts, before = {}, emoji .. "\0"
  for key, is_on in pairs(found and found.own or {}) do
    if key:sub(1, #before) == before then
      counts[key:sub(#before + 1)] = (found.counts[emoji] or 0) + (is_on and 1 or -1)
    end
  end
  return counts
end

local recent = { PER_MS = PER_MS }

local function open(state, limits)
  state.rooms, state.floor = state.rooms or {}, state.floor or 0
  state.total, state.reactions = state.total or 0, state.reactions or 0
  for name, room in pairs(state.rooms) do
    if room.size ~= limits.room or room.hidden then resize(state, name, limits.room) end
  end
  while state.total > limits.all do drop(state, state.newer) end
end

---@param state table of earlier code, or empty
---@param limits messages.RecentLimits
---@return messages.Recent
function recent.over(state, limits)
  state.hidden = state.hidden or {}
  open(state, limits)
  open(state.hidden, limits)
  return setmetatable({ state = state, limits = limits }, recent_mt)
end

return recent
