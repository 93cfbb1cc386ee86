--- Who is there: the states of users by their connections, and who watches whom.
--
-- It knows no gate and no clock: time is given. All of it is data in one table, so that it outlives
-- the code. Who has no connection is away, in a list by when they went: its first is the next to be
-- offline. Who is offline takes no memory.

---@class presence.Person
---@field devices integer connections; 0: away
---@field gone_ms? integer when the last one went
---@field previous? string who went before, among those who are away
---@field following? string who went after
---@field choice? "busy"|"invisible" what the user wants to be shown as, instead of online
---@field text? string of the status
---@field emoji? string

---@class presence.People
---@field private state table
---@field private grace_ms integer
local people = {}
local people_mt = { __index = people }

-- ---- as others see them ----

local function shown(person)
  if not person or person.choice == "invisible" then return "offline" end
  if person.devices == 0 then return "away" end
  return person.choice or "online"
end

--- All that is shown, as one value that can be compared.
local function look_of(person)
  local state = shown(person)
  if state == "offline" then return state end
  return ("%s\0%s\0%s"):format(state, person.text or "", person.emoji or "")
end

--- What watchers are told of a user.
---@param name string
---@return { user: string, state: "online"|"busy"|"away"|"offline", status: table? }
function people:view(name)
  local person = self.state.people[name]
  local state, status = shown(person), nil
  if state ~= "offline" and (person.text or person.emoji) then
    status = { text = person.text, emoji = person.emoji }
  end
  return { user = name, state = state, status = status }
end

--- Before anything about a user changes: what watchers have been told last.
local function note(self, name)
  local state = self.state
  if state.watchers[name] and not state.changed[name] then
    state.changed[name] = look_of(state.people[name])
  end
end

-- ---- those who are away, by when they went ----

local function append(state, name, person, now_ms)
  local last = state.last
  person.gone_ms, person.previous, person.following = now_ms, last, nil
  if last then state.people[last].following = name else state.first = name end
  state.last = name
end

local function unlink(state, person)
  local previous, following = person.previous, person.following
  if previous then state.people[previous].following = following else state.first = following end
  if following then state.people[following].previous = previous else state.last = previous end
  person.gone_ms, person.previous, person.following = nil, nil, nil
end

-- ---- coming and going ----

--- One more connection of the user.
---@param name string
---@return "offline"|"away"|nil was nil: online already
function people:arrive(name)
  local state = self.state
  local person = state.people[name]
  if person and person.devices > 0 then
    person.devices = person.devices + 1
    return nil
  end
  note(self, name)
  if person then
    unlink(state, person)
    person.devices = 1
    return "away"
  end
  state.people[name] = { devices = 1 }
  return "offline"
end

--- One connection less.
---@param name string
---@param now_ms integer
---@param is_final boolean the user has said goodbye: it is no accident
---@return "away"|"offline"|nil is nil: there are others
function people:depart(name, now_ms, is_final)
  local state = self.state
  local person = state.people[name]
  if not person or person.devices == 0 then return nil end
  if person.devices > 1 then
    person.devices = person.devices - 1
    return nil
  end
  note(self, name)
  person.devices = 0
  if is_final then
    state.people[name] = nil
    return "offline"
  end
  append(state, name, person, now_ms)
  return "away"
end

--- Ends the grace of one who is not wanted back.
---@param name string
---@return boolean was_away
function people:end_grace(name)
  local state = self.state
  local person = state.people[name]
  if not person or person.devices > 0 then return false end
  note(self, name)
  unlink(state, person)
  state.people[name] = nil
  return true
end

--- Takes one whose grace is over out of those who are away.
---@param now_ms integer
---@return string? name who is offline now; nil: none is due
function people:expire(now_ms)
  local state = self.state
  local name = state.first
  local person = name and state.people[name]
  if not person then return nil end
  if person.gone_ms > now_ms then person.gone_ms = now_ms end -- the clock has been set back
  if now_ms - person.gone_ms < self.grace_ms then return nil end
  self:end_grace(name)
  return name
end

--- Puts the numbers of connections right, when nobody has counted for a while.
---@param counts table<string, integer> user -> connections that there are
---@param now_ms integer
---@return { user: string, is: "online"|"away", was: "offline"|"away"|"online" }[] changes
function people:recount(counts, now_ms)
  local state, changes = self.state, {}
  for name, person in pairs(state.people) do
    if not counts[name] and person.devices > 0 then
      person.devices = 1
      self:depart(name, now_ms, false)
      changes[#changes + 1] = { user = name, is = "away", was = "online" }
    end
  end
  for name, count in pairs(counts) do
    local person = state.people[name]
    local was = not (person and person.devices > 0) and self:arrive(name)
    state.people[name].devices = count
    if was then changes[#changes + 1] = { user = name, is = "online", was = was } end
  end
  return changes
end

--- What the user wants to be shown as; what is not given is no longer.
---@param name string of one who is not offline
---@param status { state: "online"|"busy"|"invisible"|nil, text: string?, emoji: string? }
function people:choose(name, status)
  local person = self.state.people[name]
  if not person then return end
  note(self, name)
  person.choice = status.state ~= "online" and status.state or nil
  person.text, person.emoji = status.text, status.emoji
end

--- How it is, whatever the user wants to be shown as.
---@param name string
---@return "online"|"away"|"offline"
function people:state_of(name)
  local person = self.state.people[name]
  if not person then return "offline" end
  return person.devices > 0 and "online" or "away"
end

-- ---- watching ----

local function count_new(names, wanted)
  local count, seen = 0, {}
  for _, name in ipairs(wanted) do
    if not names[name] and not seen[name] then count, seen[name] = count + 1, true end
  end
  return count
end

--- A connection wants to be told of these users.
---@param id integer of the connection
---@param user string whose it is
---@param wanted string[]
---@param max integer that one connection may watch
---@return boolean watches false: that would be too many, and none of these is watched
function people:watch(id, user, wanted, max)
  local state = self.state
  local watch = state.watches[id] or { names = {}, count = 0 }
  local count = watch.count + count_new(watch.names, wanted)
  if count > max then return false end
  state.watches[id], watch.user, watch.count = watch, user, count
  for _, name in ipairs(wanted) do
    watch.names[name] = true
    state.watchers[name] = state.watchers[name] or {}
    state.watchers[name][id] = true
    -- This one is told how it is now, others know how it was: all have to hear how it will be.
    if state.changed[name] then state.changed[name] = "" end
  end
  return true
end

local function forget_watcher(state, name, id)
  local ids = state.watchers[name]
  ids[id] = nil
  if next(ids) == nil then state.watchers[name], state.changed[name] = nil, nil end
end

--- It does not want to be told of these any more.
---@param id integer
---@param names? string[] nil: of nobody, as when the connection has gone
---@return integer count of those that it still watches
function people:unwatch(id, names)
  local state = self.state
  local watch = state.watches[id]
  if not watch then return 0 end
  if not names then
    for name in pairs(watch.names) do forget_watcher(state, name, id) end
    state.watches[id] = nil
    return 0
  end
  for _, name in ipairs(names) do
    if watch.names[name] then
      watch.names[name], watch.count = nil, watch.count - 1
      forget_watcher(state, name, id)
    end
  end
  if watch.count == 0 then state.watches[id] = nil end
  return watch.count
end

--- The connections that watch, in no order: for id, watch in people:watches().
---@return fun(): integer?, { user: string }?
function people:watches() return pairs(self.state.watches) end

--- Whose connection it is that watches.
---@param id integer
---@return string? user
function people:watcher(id)
  local watch = self.state.watches[id]
  return watch and watch.user
end

--- What watchers have not been told yet. Of who has changed and changed back there is nothing.
---@param max integer users
---@return table<integer, table[]> changes connection id -> what view() gives of each user
function people:take_changes(max)
  local state, found, count = self.state, {}, 0
  for name, before in pairs(state.changed) do
    state.changed[name] = nil
    if look_of(state.people[name]) ~= before then
      local view = self:view(name)
      for id in pairs(state.watchers[name]) do
        found[id] = found[id] or {}
        table.insert(found[id], view)
      end
    end
    count = count + 1
    if count == max then break end
  end
  return found
end

--- Over a state that is empty, or has been one of these before.
---@param state table
---@param grace_ms integer that one who has gone is away before they are offline
---@return presence.People
local function over(state, grace_ms)
  state.people = state.people or {}     -- user -> presence.Person
  state.watchers = state.watchers or {} -- user -> set of ids of connections
  state.watches = state.watches or {}   -- id -> { user, names = set, count }
  state.changed = state.changed or {}   -- user -> how they looked to all watchers, or "": to some
  return setmetatable({ state = state, grace_ms = grace_ms }, people_mt)
end

return { over = over }
