--- Rooms whose states outlive the process: kept in the store of the plugin that declares the kind.
--
-- A state is looked at when a hook of its room has run, and in turn with those of the other rooms:
-- anything may write into it. It is saved when its bytes are others than those saved last.
-- An entry is { version = integer, state = table }, see the kind's migrations. It is deleted where
-- it was written, also when the kind has another plugin by now.
local core = require "moongate.ffi"
local log = require "moongate.log"
local request = require "moongate.request"
local room = require "moongate.room"
local saved = require "moongate.saved"
local state = require "moongate.state"
local storable = require "moongate.storable"
local store = require "moongate.store"
local task = require "moongate.task"
local timer = require "moongate.timer"

local SAVE_MS = 1000 -- changes of so long are saved together
local LOOK_MS = 5    -- of a beat, for rooms whose hooks have not run
local SAVERS = 64    -- rooms that are saved at a time: the store takes no more than so many
local FULL_MS = 5    -- after which it is asked again when the server ends

---@class moongate.Kept what is known of a room that is kept
---@field saved? string bytes that the store was given last: it keeps the order
---@field space? string name of the plugin whose entry that is
---@field spaces table<string, true> those that may have an entry of it
---@field refused? string bytes that the store will never take
---@field problem? string that the log has already
---@field closed_by? moongate.Plugin whose room has closed: its entries have to go
---@field is_left? boolean its kind has gone: it is kept until it is saved
---@field under_way integer times that it is being saved

local kept = {}      -- room -> moongate.Kept
local marked = {}    -- set of rooms to be looked at,
local queue = {}     -- and the same as a list
local savers = 0     -- tasks that look at them
local is_due, is_ending = false, false
local at             -- the room that was looked at last in turn

local durable = {
  owner_of = nil, ---@type fun(self: moongate.Room): moongate.Plugin? set by kind.lua
}

local LASTING = { too_big = true, bad_key = true }

local function key_of(self) return saved.prefix_of(self.kind) .. self.name end

local function complain(self, plugin, its, what, problem)
  if problem ~= its.problem then
    log.error(plugin.label, "%s %q: its state is not %s: %s", self.kind, self.name, what, problem)
  end
  its.problem = problem
end

local function entry_of(self) return { version = self.version, state = self.state } end

---@return string? bytes
---@return string? problem
local function encode(self)
  local problem = state.not_table(self.state, "room.state")
  if problem then return nil, problem end
  local text
  text, problem = storable.encode(entry_of(self))
  return text, problem and problem:gsub('^value%["state"%]', "room.state")
end

--- Someone has to look at the room.
---@param self moongate.Room
function durable.mark(self)
  if marked[self] then return end
  marked[self] = true
  queue[#queue + 1] = self
end

-- ---- saving ----

--- An entry that is the room's own, or that of the next one with its name.
local function is_needed(self, its, space)
  if not its.closed_by then return space == its.space end
  local heir = room.all[self.name]
  local of_heir = heir and heir ~= self and heir.kind == self.kind and kept[heir]
  return of_heir and of_heir.spaces[space]
end

--- Deletes all entries that are not needed.
---@return string? problem
local function erase(self, plugin, its)
  local spaces = {}
  for space in pairs(its.spaces) do spaces[#spaces + 1] = space end
  for _, space in ipairs(spaces) do
    if not is_needed(self, its, space) then
      its.spaces[space] = nil
      local is_deleted, problem = saved.store_of(space, plugin):delete(key_of(self))
      if not is_deleted then
        its.spaces[space] = true
        return problem
      end
    end
  end
end

---@return string? problem
local function put(self, plugin, its, text)
  its.saved, its.space = text, plugin.name
  its.spaces[plugin.name] = true
  local is_saved, reason = store.new(plugin):put(key_of(self), entry_of(self))
  if is_saved then
    its.refused, its.problem = nil, nil
    erase(self, plugin, its)
    return
  end
  if its.saved == text then its.saved = nil end
  its.refused = LASTING[reason] and text or nil
  if reason ~= "full" then complain(self, plugin, its, "saved", reason) end
  return reason
end

---@return string? problem
local function forget(self, plugin, its)
  local problem = erase(self, plugin, its)
  if not problem then
    kept[self] = nil
  elseif problem ~= "full" then
    complain(self, plugin, its, "deleted, though it has closed", problem)
  end
  return problem
end

--- What is to be saved, also while the room is being saved: the server may end.
---@return moongate.Plugin? plugin nil: nothing
---@return string text
local function due(self)
  local its, plugin = kept[self], durable.owner_of(self)
  if not plugin then return end -- its kind is durable no longer
  local text, problem = encode(self)
  if not text then return complain(self, plugin, its, "saved", problem) end
  local is_there = text == its.saved and its.space == plugin.name
  if is_there or text == its.refused then return end
  return plugin, text
end

--- Calls fn(self, plugin, its, ...) and returns the problem that it returns.
local function serve(self, plugin, doing, fn, ...)
  local ok, problem = request.serve(plugin, doing, fn, self, plugin, kept[self], ...)
  return ok and problem or nil
end

--- Does for the room what there is to do.
---@return string? problem
local function look_at(self)
  local its, problem = kept[self], nil
  if not its then return end
  if its.closed_by then return serve(self, its.closed_by, "forgetting a room", forget) end
  local plugin, text = due(self)
  if plugin then
    its.under_way = its.under_way + 1
    problem = serve(self, plugin, "saving a room", put, text)
    its.under_way = its.under_way - 1
  end
  local is_over = its.is_left and its.under_way == 0 and kept[self]
  if is_over and not due(self) then
    kept[self] = nil
    saved.release(self.kind)
  end
  return problem
end

local function look_at_now(self)
  if look_at(self) then durable.mark(self) end
end

--- One after the other, as long as the store has room for more.
local function save()
  savers = savers + 1
  while queue[1] do
    local self = table.remove(queue)
    marked[self] = nil
    task.begin_anew(task.current "saving rooms")
    if look_at(self) == "full" then
      durable.mark(self)
      if not is_ending then break end
      task.sleep(FULL_MS)
    end
  end
  savers = savers - 1
end

--- Saves those that are marked.
function durable.flush()
  for _ = savers + 1, SAVERS do
    if queue[1] then task.run(save) end
  end
end

local function begin_beat()
  if is_due or not next(kept) then return end
  is_due = true
  timer.start(SAVE_MS, durable.beat)
end

--- Looks at the rooms after the last one, until the time is over or all have been looked at.
local function look_around()
  local stop, first = core.C.moon_clock_ms() + LOOK_MS, nil
  repeat
    local was = kept[at] and at or nil
    at = next(kept, was) or next(kept)
    if at == nil or at == first then return end
    first = first or at
    if kept[at].closed_by or due(at) then durable.mark(at) end
  until core.C.moon_clock_ms() > stop
end

function durable.beat()
  is_due = false
  look_around()
  durable.flush()
  begin_beat()
end

--- The server ends: all are saved.
function durable.stop()
  is_ending = true
  for self in pairs(kept) do durable.mark(self) end
  durable.flush()
end

--- From now on the room's state is kept.
---@param self moongate.Room
---@param found? moongate.Found
function durable.keep(self, found)
  local its = kept[self] or { spaces = {}, under_way = 0 }
  kept[self] = its
  if found then
    its.saved, its.space = found.bytes, found.space
    its.spaces[found.space] = true
  end
  local plugin = durable.owner_of(self)
  if plugin and plugin.name ~= its.space then durable.mark(self) end
  begin_beat()
end

--- It has ended with its kind, and saved.hold() was called before; its state stays in the store.
---@param self moongate.Room
function durable.leave(self)
  kept[self].is_left = true
  task.run(look_at_now, self)
end

--- The room has closed.
---@param self moongate.Room
---@param plugin moongate.Plugin
function durable.forget(self, plugin)
  saved.forget(self.kind, self.name)
  if not kept[self] then return end
  kept[self].closed_by = plugin
  task.run(look_at_now, self)
end

return durable
