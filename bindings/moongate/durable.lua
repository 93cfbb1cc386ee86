--- Rooms whose states outlive the process: kept in the store of the plugin that declares the kind.
--
-- A state is looked at when a hook of its room has run, and in turn with those of the other rooms:
-- anything may write into it. It is saved when its bytes are others than those saved last.
local core = require "moongate.ffi"
local log = require "moongate.log"
local request = require "moongate.request"
local storable = require "moongate.storable"
local store = require "moongate.store"
local task = require "moongate.task"
local timer = require "moongate.timer"

local SAVE_MS = 1000 -- changes of so long are saved together
local LOOK_MS = 5    -- of a beat, for rooms whose hooks have not run
local PAGE = 100     -- entries of one look at the store

---@class moongate.Kept what is known of a room that is kept
---@field saved? string bytes that the store was given last: it keeps the order
---@field space? string name of the plugin whose entry that is
---@field refused? string bytes that the store will never take
---@field problem? string that the log has already

local kept = {}      -- room -> moongate.Kept
local dirty = {}     -- set of rooms whose hooks have run
local is_due, is_stopping = false, false
local at             -- the room that was looked at last in turn

local durable = {
  owner_of = nil, ---@type fun(self: moongate.Room): moongate.Plugin? set by kind.lua
}

local LASTING = { too_big = true, bad_key = true }

local function key_of(self) return ("room:%s:%s"):format(self.kind, self.name) end

local function complain(self, plugin, its, problem)
  if problem ~= its.problem then
    log.error(plugin.label, "%s %q: its state is not saved: %s", self.kind, self.name, problem)
  end
  its.problem = problem
end

local function put(self, plugin, its, text)
  its.saved, its.space = text, plugin.name
  local is_saved, reason = store.new(plugin):put(key_of(self), self.state)
  if is_saved then
    its.refused, its.problem = nil, nil
  else
    if its.saved == text then its.saved = nil end
    its.refused = LASTING[reason] and text or nil
    complain(self, plugin, its, reason)
  end
end

--- Saves the room if that is to be done, also while it is being saved: the server may end.
local function look(self)
  local its, plugin = kept[self], durable.owner_of(self)
  if not plugin then
    kept[self] = nil -- its kind is durable no longer
    return
  end
  local text, problem = storable.encode(self.state)
  if not text then return complain(self, plugin, its, problem) end
  its.space = its.space or plugin.name -- of one that was restored
  local is_there = text == its.saved and its.space == plugin.name
  if not is_there and text ~= its.refused then
    task.run(request.guard, plugin, "saving a room", put, self, plugin, its, text)
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
    look(at)
    if not kept[first] then first = nil end
  until core.C.moon_clock_ms() > stop
end

--- Saves those that hooks have changed.
function durable.flush()
  local rooms = dirty
  dirty = {}
  for self in pairs(rooms) do
    if kept[self] then look(self) end
  end
end

function durable.beat()
  is_due = false
  durable.flush()
  look_around()
  begin_beat()
end

--- The server ends, and a room has just lost its last member: what hooks have changed is saved now,
--- because there may be no later, and then, once for many such rooms, all that others have.
function durable.stop()
  durable.flush()
  if is_stopping then return end
  is_stopping = true
  timer.start(0, function()
    is_stopping = false
    for self in pairs(kept) do look(self) end
  end)
end

--- From now on the room's state is kept.
---@param self moongate.Room
---@param state? table as it is in the store
function durable.keep(self, state)
  kept[self] = kept[self] or { saved = state and storable.encode(state) }
  begin_beat()
end

--- A hook of the room has run.
---@param self moongate.Room
function durable.mark(self) dirty[self] = true end

--- The room ends with its kind; its state stays in the store, for when the kind comes back.
---@param self moongate.Room
---@param plugin moongate.Plugin whose code is no longer in force
function durable.leave(self, plugin)
  local its = kept[self]
  kept[self] = nil
  local text = its and storable.encode(self.state)
  if text and text ~= its.saved then
    task.run(request.guard, plugin, "saving a room", put, self, plugin, its, text)
  end
end

--- The room has closed.
---@param self moongate.Room
---@param plugin moongate.Plugin
function durable.forget(self, plugin)
  kept[self] = nil
  task.run(request.guard, plugin, "forgetting a room", function()
    store.new(plugin):delete(key_of(self))
  end)
end

--- Calls open(name, state) for each room of the kind that was saved, as a task.
---@param kind string
---@param plugin moongate.Plugin
---@param open fun(name: string, state: table)
function durable.restore(kind, plugin, open)
  local prefix = ("room:%s:"):format(kind)
  task.run(request.guard, plugin, "restoring rooms", function()
    local entries_of, after = store.new(plugin), nil
    repeat
      local entries, cursor = entries_of:scan(prefix, { limit = PAGE, after = after })
      if not entries then return log.error(plugin.label, "rooms are not restored: %s", cursor) end
      for _, entry in ipairs(entries) do open(entry.key:sub(#prefix + 1), entry.value) end
      after = cursor
    until not after
  end)
end

return durable
