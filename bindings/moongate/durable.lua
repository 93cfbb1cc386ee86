--- Rooms whose states outlive the process: kept in the store of the plugin that declares the kind.
local log = require "moongate.log"
local request = require "moongate.request"
local store = require "moongate.store"
local task = require "moongate.task"
local timer = require "moongate.timer"

local SAVE_MS = 1000 -- changes of so long are saved together
local PAGE = 100     -- entries of one look at the store

local dirty = {}     -- room -> the plugin whose store it goes to
local is_due = false

local durable = {}

local function prefix_of(kind) return "room:" .. kind .. ":" end

local function save(self, plugin)
  local saved, reason = store.new(plugin):put(prefix_of(self.kind) .. self.name, self.state)
  if saved or self.is_gone then return end
  log.error(plugin.label, "room %q: its state is not saved: %s", self.name, reason)
  if reason ~= "too_big" and reason ~= "bad_key" then durable.mark(self, plugin) end
end

--- Saves what has changed. A room that waits for its answer may change meanwhile: then it is
--- saved again.
function durable.flush()
  is_due = false
  local rooms = dirty
  dirty = {}
  for self, plugin in pairs(rooms) do
    task.run(request.guard, plugin, "saving a room", save, self, plugin)
  end
end

--- The room's state may have changed.
---@param self moongate.Room
---@param plugin moongate.Plugin
function durable.mark(self, plugin)
  dirty[self] = plugin
  if is_due then return end
  is_due = true
  timer.start(SAVE_MS, durable.flush)
end

--- The room has closed.
function durable.forget(self, plugin)
  dirty[self] = nil
  task.run(request.guard, plugin, "forgetting a room", function()
    store.new(plugin):delete(prefix_of(self.kind) .. self.name)
  end)
end

--- Calls open(name, state) for each room of the kind that was saved, as a task.
---@param kind string
---@param plugin moongate.Plugin
---@param open fun(name: string, state: table)
function durable.restore(kind, plugin, open)
  local prefix = prefix_of(kind)
  task.run(request.guard, plugin, "restoring rooms", function()
    local kept, after = store.new(plugin), nil
    repeat
      local entries, cursor = kept:scan(prefix, { limit = PAGE, after = after })
      if not entries then return log.error(plugin.label, "rooms are not restored: %s", cursor) end
      for _, entry in ipairs(entries) do open(entry.key:sub(#prefix + 1), entry.value) end
      after = cursor
    until not after
  end)
end

return durable
