--- What plugins cost: calls and errors of each handler, and, of one call in some, how long it took
-- and how much it has allocated. How much CPU each has had the watchdog's profiler counts.
--
-- An account belongs to the plugin's name and goes on when its code is replaced; what it was then
-- is remembered, for the figures of a generation.
local core = require "moongate.ffi"
local metric = require "moongate.metric"
local metric_text = require "moongate.metric_text"
local run = require "moongate.run"
local task = require "moongate.task"
local timer = require "moongate.timer"

local SAMPLED = 16        -- of so many calls one is measured
local MAX_HANDLERS = 1000 -- of a plugin; the others are one
local TICK_S = 0.01       -- of the profiler: bindings/watchdog.c

-- Upper bounds in seconds; above the last there is one more place. Few: each plugin prints them.
local BOUNDS = { 0.00002, 0.0001, 0.0005, 0.002, 0.01, 0.05, 0.5 }

---@class moongate.Account
---@field doing string
---@field calls integer
---@field errors integer
---@field measured integer calls that were
---@field seconds number of those
---@field bytes number that those have allocated
---@field [integer] integer how many of those took as long as the bound of this place, and no less
---@field base { calls: integer, errors: integer } when the generation in force came

local account = { SAMPLED = SAMPLED }

local of_name = {}          -- plugin name -> { doing -> moongate.Account }
local index_of, last_index = {}, 0
local heap, samples = core.C.moon_heap(), core.C.moon_samples()

--- The place of the plugin's name in what the profiler counts; 0 is all others.
---@param name string
---@return integer
function account.index(name)
  if not index_of[name] and last_index < core.C.MOON_MAX_SAMPLED - 1 then
    last_index = last_index + 1
    index_of[name] = last_index
    core.C.moon_name_plugin(last_index, name, #name)
  end
  return index_of[name] or 0
end

local function new(doing)
  local made = { doing = doing, calls = 0, errors = 0, measured = 0, seconds = 0, bytes = 0,
    base = { calls = 0, errors = 0 } }
  for i = 1, #BOUNDS + 1 do made[i] = 0 end
  return made
end

--- For the first call of a plugin's code that does this.
---@param plugin moongate.Plugin
---@param doing string
---@return moongate.Account
function account.open(plugin, doing)
  local all = of_name[plugin.name] or { count = 0 }
  of_name[plugin.name] = all
  local asked = doing
  doing = metric_text.clean(doing, metric_text.MAX_VALUE_BYTES)
  if not all[doing] and all.count >= MAX_HANDLERS then doing = "others" end
  if not all[doing] then
    all[doing], all.count = new(doing), all.count + 1
  end
  plugin.accounts = plugin.accounts or {}
  plugin.accounts[asked] = all[doing]
  return all[doing]
end

--- A call that is measured begins.
---@return number begun_ms what finish() takes, as the others
---@return number allocated
---@return integer pauses
function account.begin()
  metric.touch()
  return core.C.moon_clock_ms(), heap.allocated, run.pauses
end

--- It has ended. One that has waited says nothing of itself.
---@param its moongate.Account
function account.finish(its, begun_ms, allocated, pauses)
  if run.pauses ~= pauses then return end
  local seconds, place = (core.C.moon_clock_ms() - begun_ms) / 1000, 1
  while BOUNDS[place] and seconds > BOUNDS[place] do place = place + 1 end
  its.measured, its.seconds = its.measured + 1, its.seconds + seconds
  its.bytes = its.bytes + heap.allocated - allocated
  its[place] = its[place] + 1
end

--- The plugin's code has come into force.
---@param plugin moongate.Plugin
function account.enter(plugin)
  for doing, its in pairs(of_name[plugin.name] or {}) do
    if doing ~= "count" then its.base = { calls = its.calls, errors = its.errors } end
  end
end

--- It is in the list no longer.
---@param name string
function account.forget(name)
  of_name[name] = nil
  metric.touch()
end

-- ---- looking ----

local function sorted(name)
  local list = {}
  for doing, its in pairs(of_name[name] or {}) do
    if doing ~= "count" then list[#list + 1] = its end
  end
  table.sort(list, function(a, b) return a.doing < b.doing end)
  return list
end

--- In which bound so much of what was measured is, in ms; nil: in none, or nothing was.
local function quantile(its, part)
  local left = its.measured * part
  for i, bound in ipairs(BOUNDS) do
    left = left - its[i]
    if left <= 0 then return its.measured > 0 and bound * 1000 or nil end
  end
end

---@param name string
---@return number seconds of CPU, in steps of the profiler's ticks
function account.cpu_seconds(name) return samples[account.index(name)] * TICK_S end

--- The plugin's share of the CPU that all scripts have had.
local function cpu_share(name)
  local sum = 0
  for i = 0, last_index do sum = sum + samples[i] end
  return sum > 0 and samples[account.index(name)] / sum or 0
end

--- How many there are, and the one that has waited for longest.
local function tasks_of(plugin)
  local count, oldest = 0, nil
  for worker in task.waiting() do
    if worker.plugin and worker.plugin.name == plugin.name then
      count = count + 1
      local is_older = worker.since_ms and (not oldest or worker.since_ms < oldest.since_ms)
      if is_older then oldest = worker end
    end
  end
  return count, oldest
end

local function describe_oldest(worker)
  if not worker then return end
  return { doing = worker.doing, ms = math.floor(core.C.moon_clock_ms() - worker.since_ms),
    stack = debug.traceback(worker.coroutine) }
end

local function timers_of(plugin)
  local count = 0
  for _, entry in timer.waiting() do
    if entry.plugin and entry.plugin.name == plugin.name then count = count + 1 end
  end
  return count
end

local function survey_of(its)
  return { doing = its.doing, calls = its.calls, errors = its.errors,
    generation_calls = its.calls - its.base.calls,
    generation_errors = its.errors - its.base.errors,
    p50_ms = quantile(its, 0.5), p99_ms = quantile(its, 0.99),
    bytes = its.measured > 0 and math.floor(its.bytes / its.measured) or nil }
end

--- What the plugin costs, for people and programs.
---@param plugin moongate.Plugin
---@return table cost { cpu_percent, tasks, oldest_task = { doing, ms, stack }, timers, handlers =
--- { { doing, calls, errors, and since it was loaded generation_calls, generation_errors, p50_ms,
--- p99_ms, bytes } } }
function account.survey(plugin)
  local handlers = {}
  for i, its in ipairs(sorted(plugin.name)) do handlers[i] = survey_of(its) end
  local tasks, oldest = tasks_of(plugin)
  return { cpu_percent = math.floor(cpu_share(plugin.name) * 1000 + 0.5) / 10, tasks = tasks,
    oldest_task = describe_oldest(oldest), timers = timers_of(plugin),
    handlers = handlers[1] and handlers or nil }
end

-- ---- metrics ----

--- Calls fn(name, its) for each handler of each plugin.
local function each_handler(names, fn)
  for _, name in ipairs(names) do
    for _, its in ipairs(sorted(name)) do fn(name, its) end
  end
end

local function total_of(name)
  local total = new "all"
  for _, its in ipairs(sorted(name)) do
    for _, field in ipairs { "measured", "seconds", "bytes" } do
      total[field] = total[field] + its[field]
    end
    for i = 1, #BOUNDS + 1 do total[i] = total[i] + its[i] end
  end
  return total
end

local function print_histogram(print, name, total)
  local sum = 0
  for i, bound in ipairs(BOUNDS) do
    sum = sum + total[i]
    print("script_run_seconds_bucket", sum, "plugin", name, "le", bound)
  end
  print("script_run_seconds_bucket", total.measured, "plugin", name, "le", "+Inf")
  print("script_run_seconds_sum", total.seconds, "plugin", name)
  print("script_run_seconds_count", total.measured, "plugin", name)
end

metric_text.collect(function(head, print)
  local names = {}
  for name in pairs(of_name) do names[#names + 1] = name end
  table.sort(names)
  head("script_calls_total", "counter", "Calls of plugins' code")
  each_handler(names, function(name, its)
    print("script_calls_total", its.calls, "plugin", name, "handler", its.doing)
  end)
  head("script_errors_total", "counter", "Calls that have failed")
  each_handler(names, function(name, its)
    if its.errors == 0 then return end
    print("script_errors_total", its.errors, "plugin", name, "handler", its.doing)
  end)
  head("script_run_seconds", "histogram", "Time of a call, of one in 16 that has not waited")
  for _, name in ipairs(names) do print_histogram(print, name, total_of(name)) end
  head("script_cpu_seconds_total", "counter", "CPU time, in samples of 10 ms")
  for _, name in ipairs(names) do
    print("script_cpu_seconds_total", account.cpu_seconds(name), "plugin", name)
  end
  head("script_heap_bytes", "gauge", "Memory of all scripts")
  print("script_heap_bytes", heap.bytes)
end)

return account
