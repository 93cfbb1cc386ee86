--- Saved rooms: what the stores have of durable rooms, and how these are opened again.
--
-- A room has the key "room:<kind>:<name>" in the store of the plugin that declares its kind.
local log = require "moongate.log"
local request = require "moongate.request"
local storable = require "moongate.storable"
local store = require "moongate.store"
local task = require "moongate.task"
local timer = require "moongate.timer"

local PAGE = 100       -- entries of one look at the store
local RETRY_MS = 10000 -- after which a store that has failed is read again

---@class moongate.Found a room as it was saved
---@field entry { version: integer, state: table }
---@field bytes string the same
---@field space string name of the plugin in whose store it is

---@class moongate.Reading the saved rooms of a kind
---@field kind string
---@field plugin moongate.Plugin
---@field open fun(name: string, found: moongate.Found): string?
---@field closed table<string, true> names of rooms that have closed since it began
---@field waiters fun()[] to be called when it is done, or has failed

local reading = {}   -- kind -> moongate.Reading, while it is under way
local was_read = {}  -- kind -> name of the plugin that declared it then
local held = {}      -- kind -> { name -> space }: those in the store that could not be opened
local homes = {}     -- kind -> set of the plugins that have declared it
local unsaved = {}   -- kind -> { count of rooms that end with it and are to be saved, waiters }

local saved = {
  again = nil, ---@type fun(kind: string) restores it if it is still there; set by kind_swap.lua
}

--- Of the keys of a kind, and of no other: "a" has none of the rooms of "a:b".
---@param kind string
---@return string
function saved.prefix_of(kind)
  if kind:find(":", 1, true) then return ("rooms:%d:%s:"):format(#kind, kind) end
  return ("room:%s:"):format(kind)
end

--- The store of a plugin that may be no more.
---@param space string its name
---@param plugin moongate.Plugin for the log
---@return moongate.Store
function saved.store_of(space, plugin) return store.new { name = space, label = plugin.label } end

--- A room is about to end with its kind: until it is saved, nobody is to read what the store has.
---@param kind string
function saved.hold(kind)
  unsaved[kind] = unsaved[kind] or { count = 0, waiters = {} }
  unsaved[kind].count = unsaved[kind].count + 1
end

--- It is saved.
---@param kind string
function saved.release(kind)
  local those = unsaved[kind]
  those.count = those.count - 1
  if those.count > 0 then return end
  unsaved[kind] = nil
  for _, done in ipairs(those.waiters) do done() end
end

--- A room has closed: who is reading shall not open it again.
---@param kind string
---@param name string
function saved.forget(kind, name)
  if reading[kind] then reading[kind].closed[name] = true end
end

local function open_entry(mine, space, name, entry)
  if mine.closed[name] then return end
  local problem = entry.problem or mine.open(name, { entry = entry.value, space = space,
    bytes = storable.encode(entry.value) })
  if not problem then return end
  held[mine.kind][name] = space
  log.error(mine.plugin.label, "%s %q is not opened, and stays in the store: %s", mine.kind, name,
    problem)
end

--- Opens the rooms of all entries of one plugin. True, or nil and why they could not be read; nil:
--- somebody else has begun to read.
local function read_space(mine, space)
  local prefix, after = saved.prefix_of(mine.kind), nil
  repeat
    local entries, cursor = saved.store_of(space, mine.plugin):scan(prefix,
      { limit = PAGE, after = after })
    if reading[mine.kind] ~= mine then return nil end
    if not entries then return nil, cursor end
    for _, entry in ipairs(entries) do
      open_entry(mine, space, entry.key:sub(#prefix + 1), entry)
    end
    after = cursor
  until not after
  return true
end

--- Of all plugins: those of one that has had the kind before may not all have been opened. That
--- which has it now comes first.
local function read(mine)
  local those = unsaved[mine.kind]
  if those then
    task.wait("restoring rooms", function(done) table.insert(those.waiters, done) end)
    if reading[mine.kind] ~= mine then return nil end
  end
  local spaces = { mine.plugin.name }
  for space in pairs(homes[mine.kind]) do
    if space ~= mine.plugin.name then spaces[#spaces + 1] = space end
  end
  for _, space in ipairs(spaces) do
    local is_read, reason = read_space(mine, space)
    if not is_read then return nil, reason end
  end
  return true
end

local function end_reading(kind)
  local mine = reading[kind]
  reading[kind] = nil
  for _, done in ipairs(mine and mine.waiters or {}) do done() end
end

--- Calls open() for each room of the kind that was saved, as a task, unless that has been done. It
--- returns why the room cannot be opened, if so: the next generation tries again.
---@param kind string
---@param plugin moongate.Plugin
---@param open fun(name: string, found: moongate.Found): string?
function saved.restore(kind, plugin, open)
  homes[kind] = homes[kind] or {}
  homes[kind][plugin.name] = true
  if was_read[kind] == plugin.name and not next(held[kind]) then return end
  local mine = { kind = kind, plugin = plugin, open = open, closed = {},
    waiters = reading[kind] and reading[kind].waiters or {} }
  reading[kind], held[kind], was_read[kind] = mine, {}, nil
  task.run(function()
    local ok, is_read, reason = request.serve(plugin, "restoring rooms", read, mine)
    if reading[kind] ~= mine then return end
    was_read[kind] = ok and is_read and plugin.name or nil
    if not was_read[kind] then
      log.error(plugin.label, "rooms of kind %s are not opened: %s; next try in %d s", kind,
        ok and reason or is_read or "cancelled", RETRY_MS / 1000)
      timer.start(RETRY_MS, function()
        if not was_read[kind] and not reading[kind] then saved.again(kind) end
      end)
    end
    end_reading(kind)
  end)
end

--- The kind is no more: when it comes back the store is read again.
---@param kind string
function saved.unload(kind)
  was_read[kind] = nil
  end_reading(kind)
end

--- Whether a room of this name would overwrite none that was saved. Waits, in a task, until the
--- store has been read, and looks once more for an entry that was held back.
---@param kind string
---@param name string
---@param plugin moongate.Plugin
---@return boolean
function saved.is_free(kind, name, plugin)
  while reading[kind] and task.here() do
    task.wait("gate:open_room", function(done) table.insert(reading[kind].waiters, done) end)
  end
  if not was_read[kind] then return false end
  local names = held[kind]
  if not names[name] then return true end
  if not task.here() then return false end
  local found, reason = saved.store_of(names[name], plugin):get(saved.prefix_of(kind) .. name)
  if found ~= nil or reason then return false end
  names[name] = nil
  return saved.is_free(kind, name, plugin) -- that may have taken a while
end

return saved
