--- Tasks: functions that may wait. They run in coroutines that are used again.
local log = require "moongate.log"
local timer = require "moongate.timer"

local MAX_IDLE = 256 -- coroutines kept for the next task

local idle = {} -- stack of coroutines that wait for work

local task = {}

local function resume(worker, ...)
  local ok, problem = coroutine.resume(worker, ...)
  if not ok then log.error("task", "%s", debug.traceback(worker, problem)) end
end

local function work(fn, ...)
  fn(...)
  if #idle == MAX_IDLE then return end
  idle[#idle + 1] = coroutine.running()
  return work(coroutine.yield()) -- a tail call: the stack does not grow
end

--- Runs fn(...) until it ends or first waits. Errors in it are logged; catch your own.
---@param fn function
function task.run(fn, ...)
  resume(table.remove(idle) or coroutine.create(work), fn, ...)
end

--- Lets others run for a while. Only inside a task.
---@param delay_ms integer
function task.sleep(delay_ms)
  local worker = coroutine.running()
  if not worker then error("only a task can sleep: use gate:spawn", 3) end
  timer.start(delay_ms, function() resume(worker) end)
  coroutine.yield()
end

return task
