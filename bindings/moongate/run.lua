--- Runs of plugin code: whose runs now, and for how long it may: bindings/watchdog.h looks at that.
--
-- A run begins when the runtime calls a plugin, or resumes a task of it. Within it the runtime may
-- call another one, which then has a run, and a budget, of its own.
local core = require "moongate.ffi"
local timer = require "moongate.timer"

local WHOLE, MEMORY = 3, 4 -- enum moon_stage
local TOGETHER_MS = 5 -- of what comes after a run, before others have their turn
local LOOK = 16       -- between two looks at the clock

---@class moongate.Budget
---@field soft_ms integer then the log says what runs
---@field hard_ms integer then it is aborted; after four times that with all runs within it
---@field load_ms integer the same while the plugin loads, and for each step of a migration
---@field aborts integer after so many
---@field within_ms integer in so long the plugin is switched off

local run = {
  plugin = nil, ---@type moongate.Plugin? whose code runs
  doing = nil,  ---@type string? what for
  first = nil,  ---@type moongate.Plugin of the run that is within no other
  first_doing = nil, ---@type string?
  pauses = 0, -- how often a task has begun to wait
  --- Set by overrun.lua.
  ---@type fun(plugin: moongate.Plugin, is_collected?: boolean)
  on_memory = function(_, _) end,
  BUDGET = { soft_ms = 50, hard_ms = 500, load_ms = 5000, aborts = 3, within_ms = 60000 },
}

local turn = core.C.moon_turn()

local after, first, last = {}, 1, 0 -- what comes after the run that is within no other
local is_working = false

local function set_budget(plugin)
  local budget = plugin.budget
  turn.number = turn.number + 1
  turn.soft_ms, turn.hard_ms, turn.aborted = budget.soft_ms, budget.hard_ms, 0
  turn.who = plugin.index
end

--- A run begins.
---@param plugin moongate.Plugin
---@param doing string?
---@return moongate.Plugin? outer what leave() takes, of the run around it
---@return string? outer_doing
function run.enter(plugin, doing)
  local outer, outer_doing = run.plugin, run.doing
  if not outer then
    turn.whole = turn.whole + 1
    run.first, run.first_doing = plugin, doing
  end
  run.plugin, run.doing = plugin, doing
  if plugin ~= outer then set_budget(plugin) end
  return outer, outer_doing
end

--- One that loads or migrates begins: it has longer, and is not reported before.
---@param plugin moongate.Plugin
---@param doing string?
---@return moongate.Plugin? outer
---@return string? outer_doing
function run.enter_loading(plugin, doing)
  local outer, outer_doing = run.enter(plugin, doing)
  turn.soft_ms, turn.hard_ms = 0, plugin.budget.load_ms
  return outer, outer_doing
end

---@return boolean
function run.is_loading() return turn.soft_ms == 0 end

local function work()
  local stop, n = core.C.moon_clock_ms() + TOGETHER_MS, 0
  is_working = true
  while first <= last do
    local fn, subject = after[first], after[first + 1]
    after[first], after[first + 1] = nil, nil
    first = first + 2
    fn(subject)
    n = n + 1
    if n % LOOK == 0 and core.C.moon_clock_ms() > stop then break end
  end
  is_working = false
  if first <= last then
    is_working = true -- others have their turn
    timer.start(0, work)
  else
    first, last = 1, 0
  end
end

--- The run has ended: the one around it goes on, unless all of it is aborted, or the runtime, which
--- the watchdog leaves alone.
---@param outer? moongate.Plugin
---@param outer_doing? string
---@return boolean aborted the watchdog has aborted the run
---@return boolean of_memory because the scripts' memory was exhausted
function run.leave(outer, outer_doing)
  local aborted, plugin = turn.aborted, run.plugin
  run.plugin, run.doing = outer, outer_doing
  -- First of all: whoever goes on shall not be found over the limit.
  if aborted == MEMORY and plugin ~= outer then run.on_memory(plugin, true) end
  if outer then
    if plugin ~= outer and aborted ~= WHOLE then set_budget(outer) end
    return aborted ~= 0, aborted == MEMORY
  end
  -- Whoever is found late from now on was another.
  turn.who, turn.aborted = 0, 0
  turn.number, turn.whole = turn.number + 1, turn.whole + 1
  if last > 0 and not is_working then work() end
  return aborted ~= 0, aborted == MEMORY
end

--- Calls fn(subject) when no plugin's code runs, at once if none does: what a plugin has asked for
--- is no part of its run then.
---@param fn fun(subject: any) does not raise
---@param subject any
function run.after(fn, subject)
  if not run.plugin then return fn(subject) end
  after[last + 1], after[last + 2] = fn, subject
  last = last + 2
end

return run
