--- What becomes of plugins whose code runs for too long, or needs too much memory: it is reported,
-- and they are switched off when it happens again and again.
local core = require "moongate.ffi"
local errors = require "moongate.errors"
local log = require "moongate.log"
local memory = require "moongate.memory"
local metric = require "moongate.metric"
local repeats = require "moongate.repeats"
local run = require "moongate.run"
local timer = require "moongate.timer"

local SOFT, WHOLE, MEMORY = 1, 3, 4 -- enum moon_stage
local WHOLE_BUDGETS = 4 -- as in bindings/watchdog.c
local MB = 1048576
local MOST_ON = 2 -- of the limit of memory: then who has it is not switched on

local overrun = {
  CONSOLE = "console", -- what runs when an operator has code evaluated
  on_off = function(_) end, ---@type fun(plugin: moongate.Plugin) set by plugin.lua
  of_index = function(_) end, ---@type fun(index?: integer): moongate.Plugin? also set there
}

local count = metric.runtime("counter", "script_overruns_total",
  { about = "Runs over a time budget", labels = { "plugin", "budget" } })
local off = metric.runtime("gauge", "script_plugin_off",
  { about = "1: the plugin is switched off", labels = { "plugin" } })

local heap = core.C.moon_heap()

local is_shown = {} -- set of plugin names: as off, in the metrics
local aborts = {}   -- plugin name -> times of its aborts, oldest first
local suspects = {} -- plugin name -> plugin that was aborted for want of memory, until it is free

-- ---- off and on ----

--- The plugin's code is not called any more; what asks for it is told `unavailable`.
---@param plugin moongate.Plugin
function overrun.switch_off(plugin)
  if plugin.is_off == true then return end
  plugin.is_off = true
  off:set(1, plugin.name)
  is_shown[plugin.name] = true
  timer.start(0, function() overrun.on_off(plugin) end) -- not under the feet of what runs
end

--- Also of new code, which begins with a clean record.
---@param plugin moongate.Plugin
function overrun.switch_on(plugin)
  if is_shown[plugin.name] then off:set(0, plugin.name) end
  is_shown[plugin.name], aborts[plugin.name], plugin.is_off, plugin.is_new = nil, nil, nil, nil
  local was = suspects[plugin.name]
  if not was then return end
  if was.is_off == "for now" then was.is_off = nil end -- replaced, and what waits is to end
  suspects[plugin.name] = plugin
end

--- It is in the list no longer.
---@param plugin moongate.Plugin
function overrun.forget(plugin)
  overrun.switch_on(plugin)
  suspects[plugin.name] = nil
end

--- What there is to say against switching it on, or nil.
---@param plugin moongate.Plugin
---@return string? problem
function overrun.why_off(plugin)
  local used_mb, limit_mb = memory.in_mb()
  if not suspects[plugin.name] or used_mb <= limit_mb * MOST_ON then return end
  return ("%s stays off: %d MB are in use, of %d, since it was aborted for want of memory; load "
    .. "a version that frees what it has, or take it out of the list"):format(plugin.label,
    used_mb, limit_mb)
end

local function count_abort(plugin)
  local times, now_ms, its = aborts[plugin.name] or {}, core.C.moon_clock_ms(), plugin.budget
  aborts[plugin.name] = times
  times[#times + 1] = now_ms
  while times[1] <= now_ms - its.within_ms do table.remove(times, 1) end
  if #times < its.aborts or plugin.is_off then return end
  log.error(plugin.label, "switched off: aborted %d times within %d s; its requests are answered "
    .. '"unavailable" until it is loaded again, or "moongate ctl on %s"', #times,
    its.within_ms / 1000, plugin.name)
  overrun.switch_off(plugin)
end

-- ---- memory ----

local function switch_off_for_memory(plugin)
  local used_mb, limit_mb = memory.in_mb()
  memory.make_room() -- first of all: the log needs some, too
  log.error(plugin.label, "switched off: it was aborted for want of memory, and %d of %d MB are "
    .. "still in use", used_mb, limit_mb)
  overrun.switch_off(plugin)
end

--- Switches off who was aborted and has been switched on again, or goes on.
---@return boolean is_any
local function switch_off_suspects()
  local is_any = false
  for _, plugin in pairs(suspects) do
    if plugin.is_off ~= true then
      switch_off_for_memory(plugin)
      is_any = true
    end
  end
  return is_any
end

--- Whether it was all there before the run, and is not more than the scripts were given: else one
--- that keeps a little more each time could do so without end.
local function is_others(begun_bytes)
  local used_mb, limit_mb = memory.in_mb()
  return heap.bytes <= begun_bytes and used_mb <= limit_mb
end

--- A run of it has been aborted for want of memory. What it holds all the same it may keep, or
--- state would be lost; but it gets no more, and the others get what they need to go on. What it
--- holds is known when its garbage has been collected, which takes a second for a gigabyte: until
--- then it is off, or would take the rest meanwhile.
function run.on_memory(plugin, is_collected)
  if plugin.is_new or plugin.is_off then return end -- if new: the loader says it
  memory.finish()
  local most, begun = memory.most(), heap.begun
  if heap.bytes <= most then return end
  if suspects[plugin.name] then return switch_off_for_memory(plugin) end
  if switch_off_suspects() then return end
  suspects[plugin.name], plugin.is_off = plugin, "for now"
  memory.make_room()
  memory.collect(function()
    if suspects[plugin.name] ~= plugin or plugin.is_off == true then return end
    if heap.bytes > most and not is_others(begun) then return switch_off_for_memory(plugin) end
    suspects[plugin.name], plugin.is_off = nil, nil
  end, is_collected and 1 or 2)
end

--- Whether others have what this one wants: then it goes on, and they do not.
local function is_spared(plugin)
  if memory.finish() and heap.bytes <= heap.limit and not plugin.is_off then return true end
  return not suspects[plugin.name] and switch_off_suspects()
end

--- Of those that are off for now the collection that is under way will say what they keep.
function memory.on_calm()
  for name, plugin in pairs(suspects) do
    if plugin.is_off ~= "for now" then suspects[name] = nil end
  end
end

-- ---- reports ----

local function report_soft(plugin, doing, trace)
  count:add(1, plugin.name, "soft")
  local is_due, missed = repeats.is_due(("soft %s %s"):format(plugin.label, doing))
  if not is_due then return end
  log.warn(plugin.label, "%s: has run for %d ms without a pause%s\n%s", doing,
    plugin.budget.soft_ms, repeats.words(missed), trace)
end

local function report_abort(plugin, doing, stage, trace)
  local what, many, unit = "time budget", plugin.budget.hard_ms, "ms without a pause"
  if stage == WHOLE then many = many * WHOLE_BUDGETS end
  if stage == MEMORY then
    what, many, unit = "memory limit", heap.limit / MB, "MB of all scripts"
  end
  local problem = ("aborted, %s exceeded: %d %s\n%s"):format(what, many, unit, trace)
  if doing == overrun.CONSOLE then return end -- an operator's own code, who is told
  errors.note(plugin, doing, problem, nil, true)
  count_abort(plugin)
end

--- Who has used the time, though others may run now: if it is nobody for long, who has begun it.
local function find_culprit(most)
  local first, doing = run.first, run.first_doing
  local found = most ~= first.index and overrun.of_index(most)
  if not found then return first, doing end
  return found, ("within %s of %s"):format(doing or "a run", first.name)
end

--- The watchdog tells, in the middle of what runs: it may be anywhere in the runtime.
---@param stage integer enum moon_stage
---@param trace string
---@param most integer? index of the plugin that has had most of the time since the first began
---@return boolean? is_spared it goes on
function overrun.late(stage, trace, most)
  local plugin, doing = run.plugin, run.doing
  if not plugin then return end -- the runtime's own work
  if stage == SOFT then report_soft(plugin, doing, trace) return end
  if stage == MEMORY and is_spared(plugin) then return true end
  if stage == WHOLE then plugin, doing = find_culprit(most) end
  count:add(1, plugin.name, stage == MEMORY and "memory" or "hard")
  if run.is_loading() or plugin.is_new then return end -- the loader says it
  report_abort(plugin, doing, stage, trace)
end

return overrun
