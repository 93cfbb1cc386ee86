--- Of the gate: what has to do with time. Timers, tasks and waiting.
local checks = require "moongate.check"
local core = require "moongate.ffi"
local cron = require "moongate.cron"
local gather = require "moongate.gather"
local log = require "moongate.log"
local request = require "moongate.request"
local share = require "moongate.share"
local task = require "moongate.task"
local timer = require "moongate.timer"

local MAX_TIMERS = 1000 -- of a plugin, while it loads

local check, check_loading, check_delay = checks.kind, checks.loading, checks.delay
local check_called = checks.called

---@class moongate.Gate
local gate = {}

--- Raises at the level when the plugin has a timer of this name.
local function insert(self, kind, entry, level)
  local timers = self.plugin.timers
  if #timers >= MAX_TIMERS then
    error(("gate:%s: at most %d timers of a plugin"):format(kind, MAX_TIMERS), level)
  end
  for _, other in ipairs(timers) do
    if other.name == entry.name then
      error(('gate:%s: there is a timer "%s" already'):format(kind, entry.name), level)
    end
  end
  timers[#timers + 1] = entry
end

--- A timer of the plugin, begun when it takes over. Its name is its place unless it has one.
local function add_timer(self, kind, name, entry, default)
  if name ~= nil then checks.name(name, ("gate:%s, name"):format(kind), 4) end
  name = name or default
  entry.name = name or ("%s %d"):format(kind, #self.plugin.timers + 1)
  entry.doing = name and ('gate:%s "%s"'):format(kind, name) or "gate:" .. kind
  insert(self, kind, entry, 4)
end

--- Calls fn every interval_ms as a task, until the plugin is replaced; leaves a turn out while
--- the one before still runs, also one of the code before. When the plugin is loaded again, a
--- timer of the same name goes on with the time that was left.
---@param interval_ms integer
---@param fn fun()
---@param name? string by default its place among the plugin's timers
function gate:every(interval_ms, fn, name)
  check_loading(self, "gate:every")
  check_delay(interval_ms, 1, "gate:every")
  check(fn, "function", "gate:every")
  add_timer(self, "every", name, { fn = fn, delay_ms = function() return interval_ms end })
end

--- Its times are its name, so that it begins anew when they are others; and of some with the same
--- times, which one it is.
local function name_of_cron(self, when)
  local place = 1
  for _, other in ipairs(self.plugin.timers) do
    if other.when == when then place = place + 1 end
  end
  return place == 1 and when or ("%s, %d"):format(when, place)
end

--- Calls fn at the times that a crontab's five fields say, in UTC, as a task.
---@param when string "30 9 * * 1-5": minute, hour, day of the month, month, day of the week
---@param fn fun()
---@param name? string by default its times, and its place among those with the same
function gate:cron(when, fn, name)
  check_loading(self, "gate:cron")
  check(when, "string", "gate:cron")
  check(fn, "function", "gate:cron")
  local times, problem = cron.parse(when)
  if not times then error("gate:cron: " .. problem, 2) end
  local due_ms
  add_timer(self, "cron", name, {
    fn = fn, when = when,
    delay_ms = function() -- a day at most: the core's timers end at 49
      local now_ms = self:now_ms()
      due_ms = cron.next_ms(times, now_ms)
      return math.min(due_ms - now_ms, 86400000)
    end,
    is_due = function() return self:now_ms() >= due_ms end,
  }, name_of_cron(self, when))
end

--- While a plugin is loaded or migrated nothing of it may run yet: it begins when it takes over.
local function begin(self, fn)
  if self.registry.is_complete then return fn() end
  table.insert(self.plugin.begins, fn)
end

--- Calls fn once, delay_ms from now, as a task. Called while the plugin loads it is a timer as
--- gate:every is; called later it runs even if the plugin is replaced meanwhile, on the code
--- that has asked for it. Code that was replaced 10 s ago asks in vain.
---@param delay_ms integer
---@param fn fun()
---@param name? string while the plugin loads
function gate:after_ms(delay_ms, fn, name)
  check_called(self, "gate:after_ms")
  check_delay(delay_ms, 0, "gate:after_ms")
  check(fn, "function", "gate:after_ms")
  if not self.registry.is_complete then
    add_timer(self, "after_ms", name,
      { fn = fn, is_once = true, delay_ms = function() return delay_ms end })
    return
  end
  local why_over = task.why_over(self.plugin)
  if why_over then return log.warn(self.plugin.label, "gate:after_ms: left out, %s", why_over) end
  timer.start(delay_ms, function()
    task.run(request.guard, self.plugin, "gate:after_ms", fn)
  end, self.plugin)
end

--- Runs fn(...) as a task of its own, at once until it first waits; called while the plugin
--- loads, it begins when the plugin takes over.
---@param fn function
function gate:spawn(fn, ...)
  check_called(self, "gate:spawn")
  check(fn, "function", "gate:spawn")
  local arguments, count = { ... }, select("#", ...)
  local doing = self.registry.is_complete and "gate:spawn" or task.BEGUN
  begin(self, function()
    task.run(request.guard, self.plugin, doing, fn, unpack(arguments, 1, count))
  end)
end

--- Waits. Only in a task: request and HTTP handlers, gate:every, gate:after_ms, gate:spawn.
---@param delay_ms integer
function gate:sleep(delay_ms)
  check_called(self, "gate:sleep")
  check_delay(delay_ms, 0, "gate:sleep")
  task.sleep(delay_ms)
end

--- The running task is cancelled, with an error where it waits, when it has not ended by then.
--- Requests have 30 s unless they say otherwise. Every later wait of a task that is cancelled
--- raises, too; one that waits more than 16 times all the same is given up: it never runs again.
---@param delay_ms integer from now
function gate:deadline(delay_ms)
  check_called(self, "gate:deadline")
  check_delay(delay_ms, 1, "gate:deadline")
  task.deadline(task.current "gate:deadline", delay_ms)
end

--- Runs the functions side by side, each as a task, and waits for all. When one raises, the
--- others are cancelled and gather raises that error.
---@param ... fun(): any
---@return any ... what the first returned, what the second returned, ...
function gate:gather(...)
  check_called(self, "gate:gather")
  local fns = { ... }
  for i = 1, select("#", ...) do check(fns[i], "function", "gate:gather, argument " .. i) end
  return gather(fns)
end

--- Has one task do what several ask for: who gives the same key while fn runs waits for what
--- that one returns. It belongs to none of them: when one is cancelled, the others get it still.
---@param key string of this plugin
---@param fn fun(): any returns at most four values
---@return any ... what fn returned; nil and "internal" when it raised, which is logged once; nil
--- and "timeout" when it was cancelled
function gate:share(key, fn)
  check_called(self, "gate:share")
  check(key, "string", "gate:share")
  check(fn, "function", "gate:share")
  return share(self.plugin, key, fn)
end

--- Milliseconds since 1970 UTC.
---@return integer
function gate:now_ms() return tonumber(core.C.moon_time_ms()) end -- luacheck: no unused args

return { methods = gate, begin = begin, insert = insert }
