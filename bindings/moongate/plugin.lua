--- The generations of the app: which is in force, how the next takes over, and the way back.
local accounts = require "moongate.account"
local loader = require "moongate.loader"
local log = require "moongate.log"
local core = require "moongate.ffi"
local kind_swap = require "moongate.kind_swap"
local memory = require "moongate.memory"
local metric = require "moongate.metric"
local overrun = require "moongate.overrun"
local request = require "moongate.request"
local sources = require "moongate.source"
local state = require "moongate.state"
local state_check = require "moongate.state_check"
local task = require "moongate.task"
local timer = require "moongate.timer"

local MAX_BEFORE = 3        -- generations kept to go back to
local RETRY_MS = 1000       -- when the way back is barred
local LEAST_RATE = 0.01     -- errors per call that are no reason to go back

-- After a swap errors are counted; init.lua may set other numbers.
local TRIAL = {
  within_ms = 10000,
  min_errors = 10, -- and a rate of so many times that before the swap:
  factor = 5,
}

local plugin = {
  on_swap = function(_, _) end, ---@type fun(old?: table, new: table) registries; set by loop.lua
}

local heap = core.C.moon_heap()

local app             -- path of the folder or file
local current         -- registry in force
local last_generation = 0
local before = {}     -- stack of { registry, snapshot, rooms }: how to go back to it
local rejected = {}   -- path -> { bad, good }: the text on the disk, and that in force instead
local slots = {}      -- plugin name -> timer name -> { token, turn }
local trial           -- { until_ms, min_errors, factor } after a swap, while it lasts
-- The last swap: how many calls there were before it, the rate of errors among them, and the errors
-- since, of what is in force and has been called since.
local since = { calls = 0, errors = 0, rate = 0 }

-- ---- timers ----

--- A run that has not ended when the next is due makes it wait for the one after, also when other
--- code has taken over meanwhile: timers of one name have one `turn`.
local function start_timer(owner, entry, delay_ms, turn)
  local slot = { turn = turn }
  local function ended() turn.is_running = false end
  local function run()
    turn.is_running = true
    task.if_given_up(ended)
    request.guard(owner, entry.doing, entry.fn)
    ended()
  end
  local function fire()
    local is_due = not entry.is_due or entry.is_due()
    slot.token = not entry.is_once and timer.start(entry.delay_ms(), fire, owner) or nil
    if is_due and not turn.is_running then task.run(run) end
  end
  slot.token = timer.start(delay_ms, fire, owner)
  return slot
end

--- Those of the plugin's new code; one that had the name before keeps what was left of its
--- time, or a file that is saved every minute would never see its hour.
local function start_timers(owner, old)
  slots[owner.name] = {}
  for _, entry in ipairs(owner.timers) do
    local was, delay_ms = old[entry.name] or { turn = {} }, entry.delay_ms()
    if not entry.is_due then delay_ms = math.min(delay_ms, was.left_ms or delay_ms) end
    local turn = entry.is_once and {} or was.turn -- there is no next one to wait for
    slots[owner.name][entry.name] = start_timer(owner, entry, delay_ms, turn)
  end
end

--- What the timers of this plugin leave to those that come after them.
local function stop_timers(name)
  local old = slots[name] or {}
  for _, slot in pairs(old) do
    slot.left_ms = slot.token and timer.left_ms(slot.token)
    if slot.token then timer.cancel(slot.token) end
  end
  slots[name] = nil
  return old
end

-- ---- the swap ----

local function is_in_force(owner) return current.plugins[owner.name] == owner end

--- Cancels the plugin's tasks, or those that do this.
local function cancel_all(owner, why, doing)
  local found = {}
  for worker in task.waiting() do
    local is_meant = worker.plugin == owner and (not doing or worker.doing == doing)
    if is_meant then found[#found + 1] = worker end
  end
  for _, worker in ipairs(found) do task.cancel(worker, why) end
end

--- What is under way may end, but not for ever: see task.why_over.
local function leave(owner)
  owner.replaced_ms = core.C.moon_clock_ms()
  kind_swap.leave(owner, function(name) return current.kinds[name] end)
  if current.plugins[owner.name] then return end
  metric.forget(owner.name)
  accounts.forget(owner.name)
  overrun.forget(owner)
  for token, entry in timer.waiting() do -- it is in the list no longer
    if entry.plugin and entry.plugin.name == owner.name then timer.cancel(token) end
  end
end

--- One that comes back begins again what it began when it was loaded.
local function enter(owner, old_timers)
  owner.replaced_ms = nil
  overrun.switch_on(owner)
  cancel_all(owner, "it begins again with its code", task.BEGUN)
  start_timers(owner, old_timers)
  metric.enter(owner)
  accounts.enter(owner)
  kind_swap.enter(owner)
  for _, begin in ipairs(owner.begins) do begin() end
end

local function begin_trial()
  local calls = request.calls - since.calls
  local settings = current.settings.rollback
  -- So few calls say nothing: what was known before them holds.
  local rate = calls >= 100 and since.errors / calls or since.rate
  since = { calls = request.calls, errors = 0, rate = rate }
  trial = nil
  if settings == false or not before[1] then return end
  trial = {}
  for name, default in pairs(TRIAL) do
    trial[name] = type(settings) == "table" and settings[name] or default
  end
  trial.until_ms = core.C.moon_clock_ms() + trial.within_ms
end

--- The one moment at which other code takes over.
local function swap(registry)
  local old = current and current.plugins or {}
  plugin.on_swap(current, registry)
  current = registry
  registry.heap_bytes = heap.bytes
  sources.use(registry.sources)
  request.use(registry)
  begin_trial()
  local old_timers = {}
  for name, owner in pairs(old) do
    if not is_in_force(owner) then
      old_timers[name] = stop_timers(name)
      leave(owner)
    end
  end
  for _, name in ipairs(registry.names) do
    local owner = registry.plugins[name]
    if old[name] ~= owner then enter(owner, old_timers[name] or {}) end
  end
end

-- ---- forth ----

--- First line of a traceback: file, line and reason.
local function first_line(problem) return tostring(problem):match "^[^\n]*" end

--- What is new, and why; what stays is only counted.
local function describe(registry, old)
  local words, kept = {}, 0
  for _, name in ipairs(registry.order) do
    local reason = registry.reasons[name]
    if reason then words[#words + 1] = ("%s (%s)"):format(name, reason) else kept = kept + 1 end
  end
  for _, name in ipairs(old.order) do
    if not registry.plugins[name] then words[#words + 1] = name .. " (removed)" end
  end
  words[#words + 1] = kept .. " as before"
  return table.concat(words, ", ")
end

--- Loads the app for the first time.
---@param path string
---@return true? ok
---@return string? problem one line: file, line, reason
function plugin.start(path)
  app = path
  local registry, problem = loader.load(app, 1)
  if not registry then return nil, first_line(problem) end
  last_generation = 1
  swap(registry)
  log.info("plugin", "generation 1: %s", table.concat(registry.names, ", "))
  return true
end

local function remember(snapshot, rooms)
  before[#before + 1] = { registry = current, snapshot = snapshot, rooms = rooms }
  if #before > MAX_BEFORE then table.remove(before, 1) end
end

--- Files whose texts a rollback has taken out of force, for a message; forgets the others.
local function held_back()
  local paths, files = {}, current:files()
  for path, texts in pairs(rejected) do
    local is_held = files[path] == texts.good and texts.good ~= texts.bad
    if is_held then paths[#paths + 1] = path else rejected[path] = nil end
  end
  table.sort(paths)
  return paths[1] and " but what was rolled back (" .. table.concat(paths, ", ") .. ")" or ""
end

--- When memory is short what is not in the list, since when ever, keeps no state, and there is no
--- way back: that would hold old code with all it has, and states as they were.
local function let_go(new)
  if current ~= new then return end
  state.forget_others(new.plugins)
  before, trial = {}, nil
  memory.settle()
  log.warn("plugin", "memory is short: what is older than generation %d is let go of, and there is "
    .. "no way back to it", new.generation)
end

--- Loads what has changed. If anything is wrong with the new code, the old goes on.
---@return boolean ok
---@return string text what has become of it
function plugin.reload()
  local begun_ms = core.C.moon_clock_ms()
  local registry, problem, snapshot, rooms = loader.load(app, last_generation + 1, current,
    rejected)
  if registry then
    last_generation = registry.generation
    remember(snapshot, rooms)
    local text = ("generation %d: %s"):format(last_generation, describe(registry, current))
    swap(registry)
    memory.settle(function() let_go(registry) end)
    state_check.look_around()
    log.info("plugin", "%s; took %.1f ms", text, core.C.moon_clock_ms() - begun_ms)
    return true, text
  end
  memory.settle()
  local text = ("nothing has changed%s, generation %d goes on"):format(held_back(),
    current.generation)
  if problem then
    text = ("not reloaded, generation %d goes on: %s"):format(current.generation,
      first_line(problem))
    log.error("plugin", "%s", text)
    log.debug("plugin", "the refused reload took %.1f ms: %s", core.C.moon_clock_ms() - begun_ms,
      problem)
  else
    log.info("plugin", "%s", text)
  end
  return problem == nil, text
end

-- ---- and back ----

--- What is on the disk stays out of force until somebody changes it: for a file that is gone, until
--- it is there again.
local function reject(bad, good)
  local bad_files = bad:files()
  for path, text in pairs(good:files()) do
    local bad_text, held = bad_files[path], rejected[path]
    if held and held.good == bad_text then
      held.good = text
    elseif text ~= bad_text then
      rejected[path] = { bad = bad_text or false, good = text }
    end
  end
end

--- Brings the generation before back into force, with the states that were migrated since.
---@return boolean ok
---@return string text what has become of it
function plugin.rollback()
  local from, way = current, before[#before]
  if not way then
    return false, ("there is no generation before %d to go back to"):format(from.generation)
  end
  local routes = way.registry:route_table()
  if core.C.moon_route(routes, #routes) ~= 0 then
    return false, "not rolled back: the I/O threads are too far behind"
  end
  before[#before] = nil
  reject(from, way.registry)
  way.registry.sources:come_back(way.registry.plugins, from.sources)
  state.restore(way.snapshot)
  local names = kind_swap.restore(way.rooms)
  for i, name in ipairs(names) do names[i] = "rooms of kind " .. name end
  swap(way.registry)
  trial = nil
  for name in pairs(way.snapshot) do table.insert(names, 1, name) end
  local text = ("generation %d is in force again instead of %d%s"):format(current.generation,
    from.generation, names[1] and "; state as before its migration, of: "
      .. table.concat(names, ", ") or "")
  log.warn("plugin", "%s", text)
  return true, text
end

--- Unless something else has come into force meanwhile.
local function go_back(from)
  if current ~= from then return end
  local ok, problem = plugin.rollback()
  if ok then return end
  log.error("plugin", "%s", problem)
  timer.start(RETRY_MS, function() go_back(from) end)
end

--- Whether the new code is so much worse that the old comes back.
local function judge()
  local calls, errors = request.calls - since.calls, since.errors
  if core.C.moon_clock_ms() > trial.until_ms then
    trial = nil
  elseif errors >= trial.min_errors
    and errors / calls > trial.factor * math.max(since.rate, LEAST_RATE) then
    log.error("plugin", "%d of %d calls have failed since generation %d came, %.1f %% before: "
      .. 'rolling back; "rollback = false" in init.lua leaves that to you',
      errors, calls, current.generation, since.rate * 100)
    trial = nil
    local from = current
    timer.start(0, function() go_back(from) end) -- not under the feet of what has failed
  end
end

request.on_error = function(owner, call)
  if call <= since.calls or not is_in_force(owner) then return end
  since.errors = since.errors + 1
  if trial then judge() end
end

--- What is under way ends, too, unless the plugin is on again.
function overrun.on_off(owner)
  if owner.is_off then cancel_all(owner, "its plugin was switched off") end
end

function overrun.of_index(index)
  for _, owner in pairs(current.plugins) do
    if owner.index == index and index > 0 then return owner end
  end
end

-- ---- looking ----

---@return table registry in force
function plugin.current() return current end

--- What has outlived its generation: { plugin, kind, doing, ms }.
---@return table[]
function plugin.leaks()
  local found, now_ms = {}, core.C.moon_clock_ms()
  for worker in task.waiting() do
    if worker.plugin and not is_in_force(worker.plugin) then
      found[#found + 1] = { plugin = worker.plugin.label, kind = "task",
        doing = worker.doing or nil, ms = math.floor(now_ms - (worker.since_ms or now_ms)) }
    end
  end
  for _, entry in timer.waiting() do
    if entry.plugin and not is_in_force(entry.plugin) then
      found[#found + 1] = { plugin = entry.plugin.label, kind = "timer", doing = "gate:after_ms",
        ms = math.floor(entry.due_ms - now_ms) }
    end
  end
  return found
end

return plugin
