--- Tasks: functions that may wait. They run in coroutines that are used again.
--
-- Only resume() resumes a worker: to begin a task, or when what it waits for has come.
local log = require "moongate.log"
local timer = require "moongate.timer"

local MAX_IDLE = 256 -- workers kept for the next task

local DONE, WAIT = {}, {} -- what a worker yields

local idle = {}  -- stack of workers
local current    -- the worker that runs, if any

local task = {}

--- The life of a worker: one task after the other.
local function work(fn, ...)
  fn(...)
  return work(coroutine.yield(DONE)) -- a tail call: the stack does not grow
end

local function resume(worker, ...)
  local outer = current
  current, worker.is_waiting = worker, false
  local ok, what = coroutine.resume(worker.coroutine, ...)
  current = outer
  if not ok then
    log.error("task", "%s", debug.traceback(worker.coroutine, what))
  elseif what == DONE then
    if #idle < MAX_IDLE then idle[#idle + 1] = worker end
  else
    worker.is_waiting = true
    -- A plain coroutine.yield() waits for nobody: let it go on after the others.
    if what ~= WAIT then task.wake_later(worker, 0) end
  end
end

function task.wake_later(worker, delay_ms)
  worker.ticket = worker.ticket + 1
  local ticket = worker.ticket
  timer.start(delay_ms, function()
    -- The yield may have failed (in a callback of a C function) and the worker be elsewhere.
    if worker.is_waiting and worker.ticket == ticket then resume(worker) end
  end)
end

--- Runs fn(...) until it ends or first waits. Errors in it are logged; catch your own.
---@param fn function
function task.run(fn, ...)
  local worker = table.remove(idle) or { coroutine = coroutine.create(work), ticket = 0 }
  resume(worker, fn, ...)
end

--- Lets others run for a while. Only inside a task.
---@param delay_ms number
function task.sleep(delay_ms)
  if not current or coroutine.running() ~= current.coroutine then
    error("only a task can sleep, not a coroutine of your own: use gate:spawn", 3)
  end
  task.wake_later(current, delay_ms)
  coroutine.yield(WAIT)
end

return task
