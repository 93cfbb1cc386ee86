--- Rooms whose states outlive the process: kept in the store of the plugin that declares the kind.
--
-- A state is looked at when a hook of its room has run, and in turn with those of the other rooms:
-- anything may write into it. It is saved when its bytes are others than those saved last.
-- An entry is { version = integer, state = table }, see the kind's migrations.
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
local SAVERS = 64    -- rooms that are saved at a time when the server ends
local RETRY_MS = 10000 -- after which a store that has failed is read again

---@class moongate.Kept what is known of a room that is kept
---@field saved? string bytes that the store was given last: it keeps the order
---@field space? string name of the plugin whose entry that is
---@field refused? string bytes that the store will never take
---@field problem? string that the log has already

local kept = {}      -- room -> moongate.Kept
local dirty = {}     -- set of rooms whose hooks have run
local is_due = false
local at             -- the room that was looked at last in turn

local reading = {}   -- kind -> { fn } to be called when the store has been read, or has failed
local was_read = {}  -- set of kinds
local held = {}      -- kind -> set of names: those in the store that could not be opened

local durable = {
  owner_of = nil, ---@type fun(self: moongate.Room): moongate.Plugin? set by kind.lua
  again = nil,    ---@type fun(kind: string) restores it if it is still there; set by kind_swap.lua
}

local LASTING = { too_big = true, bad_key = true }

local function key_of(self) return ("room:%s:%s"):format(self.kind, self.name) end

local function complain(self, plugin, its, problem)
  if problem ~= its.problem then
    log.error(plugin.label, "%s %q: its state is not saved: %s", self.kind, self.name, problem)
  end
  its.problem = problem
end

local function entry_of(self) return { version = self.version, state = self.state } end

---@return string? bytes
---@return string? problem
local function encode(self)
  local text, problem = storable.encode(entry_of(self))
  return text, problem and problem:gsub('^value%["state"%]', "room.state")
end

local function put(self, plugin, its, text)
  its.saved, its.space = text, plugin.name
  local is_saved, reason = store.new(plugin):put(key_of(self), entry_of(self))
  if is_saved then
    its.refused, its.problem = nil, nil
  else
    if its.saved == text then its.saved = nil end
    its.refused = LASTING[reason] and text or nil
    complain(self, plugin, its, reason)
  end
end

--- What is to be done, also while the room is being saved: the server may end.
---@return moongate.Plugin? plugin nil: nothing
---@return moongate.Kept its
---@return string text
local function due(self)
  local its, plugin = kept[self], durable.owner_of(self)
  if not plugin then kept[self] = nil end -- its kind is durable no longer
  if not plugin or not its then return end
  local text, problem = encode(self)
  if not text then return complain(self, plugin, its, problem) end
  its.space = its.space or plugin.name -- of one that was restored
  local is_there = text == its.saved and its.space == plugin.name
  if is_there or text == its.refused then return end
  return plugin, its, text
end

local function look(self)
  local plugin, its, text = due(self)
  if plugin then task.run(request.guard, plugin, "saving a room", put, self, plugin, its, text) end
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

--- The server ends: all are saved, some at a time, because the store takes no more than so many.
function durable.stop()
  local rooms = {}
  for self in pairs(kept) do rooms[#rooms + 1] = self end
  local function save()
    while rooms[1] do
      local self = table.remove(rooms)
      local plugin, its, text = due(self)
      if plugin then request.guard(plugin, "saving a room", put, self, plugin, its, text) end
    end
  end
  for _ = 1, SAVERS do task.run(save) end
end

--- From now on the room's state is kept.
---@param self moongate.Room
---@param bytes? string its entry in the store
function durable.keep(self, bytes)
  kept[self] = kept[self] or { saved = bytes }
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
  local text = its and encode(self)
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

-- ---- what the store has ----

--- Opens the rooms of all entries. True, or nil and why the store could not be read; nil: somebody
--- else has begun to read it.
local function read(kind, plugin, open, mine)
  local prefix, after = ("room:%s:"):format(kind), nil
  repeat
    local entries, cursor = store.new(plugin):scan(prefix, { limit = PAGE, after = after })
    if reading[kind] ~= mine then return nil end
    if not entries then return nil, cursor end
    for _, entry in ipairs(entries) do
      local name = entry.key:sub(#prefix + 1)
      local problem = entry.problem or open(name, entry.value, storable.encode(entry.value))
      if problem then
        held[kind][name] = true
        log.error(plugin.label, "%s %q is not opened, and stays in the store: %s", kind, name,
          problem)
      end
    end
    after = cursor
  until not after
  return true
end

local function end_reading(kind)
  local waiters = reading[kind]
  reading[kind] = nil
  for _, done in ipairs(waiters or {}) do done() end
end

--- Calls open() for each room of the kind that was saved, as a task, unless that has been done. It
--- returns why the room cannot be opened, if so: the next generation tries again.
---@param kind string
---@param plugin moongate.Plugin
---@param open fun(name: string, entry: any, bytes: string): string?
function durable.restore(kind, plugin, open)
  if was_read[kind] and not next(held[kind]) then return end
  local mine = reading[kind] and { unpack(reading[kind]) } or {}
  reading[kind], held[kind], was_read[kind] = mine, {}, nil
  task.run(function()
    local ok, is_read, reason = request.guard(plugin, "restoring rooms", read, kind, plugin, open,
      mine)
    if reading[kind] ~= mine then return end
    was_read[kind] = ok and is_read or nil
    if not was_read[kind] then
      log.error(plugin.label, "rooms of kind %s are not opened: %s; next try in %d s", kind,
        reason or "cancelled", RETRY_MS / 1000)
      timer.start(RETRY_MS, function()
        if not was_read[kind] and not reading[kind] then durable.again(kind) end
      end)
    end
    end_reading(kind)
  end)
end

--- The kind is no more: when it comes back the store is read again.
---@param kind string
function durable.unload(kind)
  was_read[kind] = nil
  end_reading(kind)
end

--- Whether a room of this name would overwrite none that was saved. Waits, in a task, until the
--- store has been read.
---@param kind string
---@param name string
---@return boolean
function durable.is_free(kind, name)
  while reading[kind] and task.here() do
    task.wait("gate:open_room", function(done) table.insert(reading[kind], done) end)
  end
  return was_read[kind] and not held[kind][name] or false
end

return durable
