--- Rooms of kinds when code is replaced: their states are brought up to it or put back, and rooms
--- come and go with their kinds.
local durable = require "moongate.durable"
local kind = require "moongate.kind"
local memory = require "moongate.memory"
local migration = require "moongate.migration"
local request = require "moongate.request"
local room = require "moongate.room"
local runs = require "moongate.run"
local saved = require "moongate.saved"
local state = require "moongate.state"

local kind_swap = {}

---@alias moongate.RoomStates table<moongate.Room, { version: integer, state: table,
--- copies: moongate.Copies }>

--- For what kind_swap.migrate() will have changed. It does not keep rooms from being collected.
---@return moongate.RoomStates
function kind_swap.snapshot() return setmetatable({}, { __mode = "k" }) end

local function problem_of(self, entry, snapshot)
  local newest = migration.newest(entry.steps)
  if self.version == newest or self.last then return end -- or it ends with the code it has
  if self.version > newest then
    return ('its state is of version %d, and this code knows %d: "moongate ctl rollback" brings '
      .. "back states and code, or declare a step to version %d"):format(self.version, newest,
      self.version + 1)
  end
  local problem = state.not_table(self.state, "room.state")
  if problem then return problem end
  local ok, copies = memory.lend(migration.copy, self.state)
  if not ok then return copies end
  snapshot[self] = { version = self.version, state = self.state, copies = copies }
  self.version = newest
  return migration.run(entry.plugin, entry.steps, snapshot[self].version, self.state)
    or state.not_data(self.state, "room.state")
end

--- Runs the steps that open rooms have not seen yet. Raises; the caller restores.
---@param registry table that takes over
---@param names string[] of the plugins whose code is new
---@param snapshot moongate.RoomStates gets what is changed, as it was
function kind_swap.migrate(registry, names, snapshot)
  for _, plugin_name in ipairs(names) do
    local plugin = registry.plugins[plugin_name]
    for name, entry in pairs(plugin.kinds) do
      for self in kind.rooms(name) do
        local problem = problem_of(self, entry, snapshot)
        if problem then
          error(("%s: %s %q: %s"):format(plugin.file, name, self.name, problem), 0)
        end
      end
    end
  end
end

--- Puts back the states of those rooms that have not closed since.
---@param snapshot moongate.RoomStates
---@return string[] kinds of these rooms
function kind_swap.restore(snapshot)
  local kinds, seen = {}, {}
  for self, was in pairs(snapshot) do
    if not self.is_gone and not self.last then
      migration.put_back(was.copies)
      self.state, self.version = was.state, was.version
      if not seen[self.kind] then kinds[#kinds + 1] = self.kind end
      seen[self.kind] = true
    end
  end
  table.sort(kinds)
  return kinds
end

-- ---- kinds come and go ----

--- In a coroutine of its own, so that no step can wait: other code might come meanwhile.
local function migrate(declared, version, its_state)
  local alone, outer, outer_doing = coroutine.create(migration.run), runs.plugin, runs.doing
  local _, problem = coroutine.resume(alone, declared.plugin, declared.steps, version, its_state)
  if coroutine.status(alone) == "dead" then return problem end
  runs.leave(outer, outer_doing) -- in place of what will never go on
  return "a step of its migrations yields"
end

--- Opens a room as it was saved, unless it is open.
---@param name string of the kind
---@param room_name string
---@param found moongate.Found
---@return string? problem
local function open_saved(name, room_name, found)
  local entry = found.entry
  local is_saved = type(entry) == "table" and type(entry.version) == "number"
    and type(entry.state) == "table"
  if not is_saved then return "it is not what a room has saved" end
  if room.find(room_name).kind == name then return end
  local declared = request.current().kinds[name]
  local newest = migration.newest(declared.steps)
  if entry.version > newest then
    return ("its state is of version %d, and this code knows %d"):format(entry.version, newest)
  end
  local problem = migrate(declared, entry.version, entry.state)
    or state.not_data(entry.state, "room.state")
  if problem then return problem end
  local made, reason = kind.begin(name, room_name, newest, found, "restored")
  return not made and reason or nil
end

local function restore(name)
  local entry = request.current().kinds[name]
  if not entry or not entry.spec.durable then return end
  saved.restore(name, entry.plugin, function(...) return open_saved(name, ...) end)
end

saved.again = restore

--- The plugin has come into force. What its rooms were before the start of the process is there
--- again.
---@param plugin moongate.Plugin
function kind_swap.enter(plugin)
  for name, entry in pairs(plugin.kinds) do
    if entry.spec.durable then
      for self in kind.rooms(name) do durable.keep(self) end
      restore(name)
    end
  end
end

--- The plugin has gone, and its kinds with it, or code has come back that is older than the states:
--- those rooms close. The durable ones stay in the store, and open again when their code does.
---@param plugin moongate.Plugin
---@param find fun(name: string): table? the kind as it is declared now
function kind_swap.leave(plugin, find)
  for name, entry in pairs(plugin.kinds) do
    local now = find(name)
    if not now then saved.unload(name) end
    for self in kind.rooms(name) do
      if not now then
        kind.unload(self, entry, ("its kind %q is no more"):format(name))
      elseif self.version > migration.newest(now.steps) then
        kind.unload(self, entry, "its state is newer than the code")
        saved.unload(name) -- it is looked for when that code is back
      end
    end
  end
end

return kind_swap
