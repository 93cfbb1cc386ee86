--- Tasks: functions that may wait. Each has a worker of its own, which others may hold for as long
-- as they like, and a coroutine that is used again when the task has ended.
--
-- Only resume() resumes a worker: to begin a task, or when what it waits for has come. A task
-- that is cancelled while it waits gets an error there, and at every wait after it. One that
-- goes on waiting all the same is given up: it never runs again.
local core = require "moongate.ffi"
local log = require "moongate.log"
local run = require "moongate.run"
local timer = require "moongate.timer"

local MAX_IDLE = 256 -- coroutines kept for the next task
local LOOK_MS = 1000 -- between two looks at those that wait too long
local GRACE_MS = 10000 -- for those of a plugin whose code has been replaced
local MAX_NESTED = 100 -- more begin a little later: they share one stack of C
local MAX_RAISED = 16 -- waits of a cancelled task, for what it still has to put in order

local DONE, WAIT, GIVE_UP = {}, {}, {} -- what a worker yields

local idle = {}     -- stack of coroutines
local rested = {}   -- stack of workers with theirs, which never waited
local waiting = {}  -- set of workers
local current       -- the worker that runs, if any
local nested = 0    -- that run, each begun by the one before

local task = {
  BEGUN = "gate:spawn at load", -- what a task does that a plugin has begun while it was loaded
}

-- What a wait raises in a task that is cancelled -> why, as long as that goes on. The object tells
-- nothing by itself: plugins have it in their hands.
local why_of = setmetatable({}, { __mode = "k" })
local cancelled_mt = { __metatable = false,
  __tostring = function(self) return "cancelled: " .. (why_of[self] or "at another time") end }

---@param problem any
---@return string? why it was cancelled; nil: it was not
function task.why_cancelled(problem) return why_of[problem] end

--- The life of a coroutine: one task after the other.
local function work(fn, ...)
  fn(...)
  return work(coroutine.yield(DONE)) -- a tail call: the stack does not grow
end

--- For who does several things in one task: what the one before has been through (it was
--- cancelled, or had a deadline) is nothing to the next.
function task.begin_anew(worker)
  if worker.deadline then timer.cancel(worker.deadline) end
  if worker.cancelled then why_of[worker.cancelled] = nil end
  worker.deadline, worker.cancelled, worker.patience_ms = false, false, false
  worker.since_ms, worker.raised = false, 0
  worker.on_given_up, worker.subject = false, false
end

local function clear(worker)
  task.begin_anew(worker)
  worker.plugin, worker.doing = false, false
end

--- One more wait of a task that is cancelled.
---@return boolean is_too_much
local function count_wait(worker)
  worker.raised = worker.raised + 1
  return worker.raised > MAX_RAISED
end

--- The coroutine is left as it is, for the garbage collector.
local function give_up(worker)
  local plugin, on_given_up, subject = worker.plugin, worker.on_given_up, worker.subject
  log.error(plugin and plugin.label or "task",
    "%s: given up, it has waited %d times since it was cancelled (%s): let the error pass\n%s",
    worker.doing or "a task", MAX_RAISED, why_of[worker.cancelled],
    debug.traceback(worker.coroutine))
  clear(worker)
  if on_given_up then on_given_up(subject) end
end

--- What goes on is a run of the worker's plugin, if it has one; it may end within another's.
local function go_on(worker, ...)
  local outer, outer_doing = run.plugin, run.doing
  if worker.plugin then run.enter(worker.plugin, worker.doing) end
  local ok, what = coroutine.resume(worker.coroutine, ...)
  if ok and what ~= DONE then -- whoever's code has yielded, be it with a plain coroutine.yield()
    worker.plugin, worker.doing = run.plugin or false, run.doing or false
    run.pauses = run.pauses + 1
  end
  run.leave(outer, outer_doing)
  return ok, what
end

local function resume(worker, ...)
  local outer = current
  current, worker.is_waiting, waiting[worker] = worker, false, nil
  nested = nested + 1
  local ok, what = go_on(worker, ...)
  current, nested = outer, nested - 1
  if not ok then
    log.error("task", "%s", debug.traceback(worker.coroutine, tostring(what)))
    clear(worker)
  elseif what == DONE then
    clear(worker)
    if #idle < MAX_IDLE then idle[#idle + 1] = worker.coroutine end
  elseif what == GIVE_UP or (what ~= WAIT and worker.cancelled and count_wait(worker)) then
    give_up(worker)
  else
    worker.is_waiting, waiting[worker] = true, true
    -- A plain coroutine.yield() waits for nobody: let it go on after the others.
    if what ~= WAIT then task.wake_later(worker, 0) end
  end
end

--- Wakes the worker when it still waits for what it waited for when the ticket was drawn.
local function wake(worker, ticket, ...)
  -- The yield may have failed (in a callback of a C function) and the worker be elsewhere.
  if worker.is_waiting and worker.ticket == ticket then resume(worker, ...) end
end

function task.wake_later(worker, delay_ms)
  worker.ticket = worker.ticket + 1
  local ticket = worker.ticket
  timer.start(delay_ms, function() wake(worker, ticket) end)
end

local function later(fn, ...)
  local count, arguments = select("#", ...), { ... }
  return function()
    task.sleep(0)
    fn(unpack(arguments, 1, count))
  end
end

local function new_worker()
  local count = #idle
  local worker = { coroutine = idle[count] or coroutine.create(work), ticket = 0,
    plugin = run.plugin or false, doing = run.doing or false, is_waiting = false,
    -- All that it may have one day, for the table is made in the right size then.
    deadline = false, cancelled = false, patience_ms = false, since_ms = false, raised = 0,
    on_given_up = false, subject = false, parent = false }
  idle[count] = nil
  return worker
end

--- Runs fn(...) until it ends or first waits. Errors in it are logged; catch your own.
---@param fn function
---@return table worker
function task.run(fn, ...)
  if nested >= MAX_NESTED then fn = later(fn, ...) end
  local worker = new_worker()
  resume(worker, fn, ...)
  return worker
end

--- The same for what comes often and hardly ever waits: if it has not, its worker is used again.
--- Whoever has that from task.current() or task.here() lets go of it when fn returns.
---@param fn fun(subject: any)
---@param subject any
function task.begin(fn, subject)
  if nested >= MAX_NESTED then
    task.run(fn, subject)
    return
  end
  local count = #rested
  local worker = rested[count]
  if worker then
    rested[count] = nil
    worker.plugin, worker.doing = run.plugin or false, run.doing or false
  else
    worker = new_worker()
  end
  resume(worker, fn, subject)
  local top = #idle
  if worker.ticket == 0 and idle[top] == worker.coroutine then
    idle[top], rested[#rested + 1] = nil, worker
  end
end

--- Has fn(subject) called if the running task is given up: nothing after its wait will run.
---@param fn fun(subject: any)
---@param subject any
function task.if_given_up(fn, subject) current.on_given_up, current.subject = fn, subject end

--- For error() in who calls this: the level of the app's code, which is not in the environment
--- of the runtime.
---@return integer level 0: there is none
function task.level_of_app()
  for level = 2, 40 do
    local info = debug.getinfo(level, "f")
    if not info then return 0 end
    if getfenv(info.func) ~= _G then return level - 1 end
  end
  return 0
end

---@return table? worker the task that runs, if any
function task.here()
  return current and coroutine.running() == current.coroutine and current or nil
end

--- The task that runs; raises outside of one, in the line of the app's code.
---@param what string what needs a task, for the message
---@return table worker
function task.current(what)
  local worker = task.here()
  if not worker then
    error(what .. ": only in a task: a request or HTTP handler, gate:every, gate:after_ms, "
      .. "gate:spawn; not while a plugin is loaded or migrated, in a raw handler or in a "
      .. "coroutine of your own", task.level_of_app())
  end
  return worker
end

--- Why nothing of this plugin may wait or be begun any more: its code was replaced too long ago.
---@param plugin? moongate.Plugin
---@return string? why
function task.why_over(plugin)
  if not plugin or not plugin.replaced_ms then return end
  local passed_ms = core.C.moon_clock_ms() - plugin.replaced_ms
  if passed_ms < GRACE_MS then return end
  return ("its code was replaced %d s ago"):format(passed_ms / 1000)
end

--- Ends those that have waited for too long. A look at all of them now and then is cheaper
--- than a timer for each request: most never wait.
local is_looking = false
local function why_to_end(worker, now_ms)
  if not waiting[worker] then return end
  if worker.patience_ms and now_ms - (worker.since_ms or now_ms) > worker.patience_ms then
    return ("not done within %d ms"):format(worker.patience_ms)
  end
  return task.why_over(worker.plugin)
end

local function look()
  local now_ms, overdue = core.C.moon_clock_ms(), {}
  for worker in pairs(waiting) do
    if why_to_end(worker, now_ms) then overdue[#overdue + 1] = worker end
  end
  for _, worker in ipairs(overdue) do
    local why = why_to_end(worker, now_ms) -- the end of another may have been the end of this one
    if why then task.cancel(worker, why) end
  end
  is_looking = next(waiting) ~= nil
  if is_looking then timer.start(LOOK_MS, look) end
end

--- The running task may wait for so long, to about a second; nil: as long as it likes.
---@param patience_ms? integer
---@return table worker
function task.patience(patience_ms)
  current.patience_ms, current.since_ms = patience_ms or false, false
  return current
end

local function raise_if_cancelled(worker)
  if not worker.cancelled then return end
  if count_wait(worker) then coroutine.yield(GIVE_UP) end
  error(worker.cancelled, 0)
end

--- Waits until the function that `begin` is given is called, and returns what it was given.
---@param what string for the message outside of a task
---@param begin fun(done: fun(...: any))
---@return any ...
function task.wait(what, begin)
  local worker = task.current(what)
  raise_if_cancelled(worker)
  worker.ticket = worker.ticket + 1
  local ticket, results = worker.ticket, nil
  begin(function(...)
    results = { n = select("#", ...), ... }
    wake(worker, ticket)
  end)
  if not results then
    worker.since_ms = worker.since_ms or core.C.moon_clock_ms()
    if not is_looking then
      is_looking = true
      timer.start(LOOK_MS, look)
    end
    coroutine.yield(WAIT)
    raise_if_cancelled(worker)
  end
  return unpack(results, 1, results.n)
end

--- Lets others run for a while. Only inside a task.
---@param delay_ms number
function task.sleep(delay_ms)
  task.wait("gate:sleep", function(done) timer.start(delay_ms, done) end)
end

--- Raises an error in the task where it waits. False when it does not wait.
---@param worker table
---@param why string
---@return boolean
function task.cancel(worker, why)
  if not worker.is_waiting then return false end
  worker.cancelled = setmetatable({}, cancelled_mt)
  why_of[worker.cancelled] = why
  worker.ticket = worker.ticket + 1 -- what it waited for comes too late
  resume(worker)
  return true
end

--- Has the task cancelled when it has not ended by then; 0 lifts that. In place of its patience.
---@param worker table
---@param delay_ms integer
function task.deadline(worker, delay_ms)
  worker.patience_ms = false
  if worker.deadline then timer.cancel(worker.deadline) end
  worker.deadline = delay_ms > 0 and timer.start(delay_ms, function()
    worker.deadline = false
    task.cancel(worker, ("not done within its deadline of %d ms"):format(delay_ms))
  end)
end

--- The tasks that wait, in no order: { plugin, doing, since_ms }.
---@return fun(): table?
function task.waiting() return pairs(waiting) end

return task
