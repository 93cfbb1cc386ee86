--- Lines: jobs of one connection, or of one room, one after the other, also when one waits.
--
-- The owner is any table: it gets the fields `waiting`, `waiting_bytes` and `at_work` while it has
-- jobs.
local log = require "moongate.log"
local task = require "moongate.task"

-- Jobs behind one that waits: of one owner, and their bytes of it and of all.
local MAX_WAITING = 256
local MAX_WAITING_BYTES = 256 * 1024
local MAX_ALL_WAITING_BYTES = 64 * 1024 * 1024

local all_waiting_bytes = 0

local line = {}

local function traceback(problem) return debug.traceback(tostring(problem), 2) end

--- Does what waits, oldest first, until nothing does. What one job has been through (it was
--- cancelled, or has set itself a deadline) is nothing to the next.
local function work_off(owner)
  local worker = task.current "a line"
  owner.at_work = worker
  while true do
    local job = table.remove(owner.waiting, 1)
    if not job then break end
    owner.waiting_bytes = owner.waiting_bytes - job.bytes
    all_waiting_bytes = all_waiting_bytes - job.bytes
    local ok, problem = xpcall(job.run, traceback)
    if not ok then log.error("line", "%s", problem) end
    task.deadline(worker, 0)
    worker.cancelled = nil
  end
  owner.waiting, owner.at_work = nil, nil
end

--- Whether the task that runs is a job of this owner: to wait for another one would be for ever.
---@param owner table
---@return boolean
function line.is_own(owner)
  return owner.at_work ~= nil and owner.at_work.coroutine == coroutine.running()
end

--- Whether one more job of so many bytes is more than may wait.
---@param owner table
---@param bytes integer
function line.is_full(owner, bytes)
  return owner.waiting and (#owner.waiting >= MAX_WAITING
    or owner.waiting_bytes + bytes > MAX_WAITING_BYTES
    or all_waiting_bytes + bytes > MAX_ALL_WAITING_BYTES)
end

--- Runs `run` in a task when all earlier jobs of the owner are done; at once if there are none.
--- Never refused: see is_full().
---@param owner table
---@param bytes integer what it takes while it waits
---@param run fun()
function line.push(owner, bytes, run)
  local job = { run = run, bytes = bytes }
  all_waiting_bytes = all_waiting_bytes + bytes
  if owner.waiting then
    owner.waiting_bytes = owner.waiting_bytes + bytes
    owner.waiting[#owner.waiting + 1] = job
    return
  end
  owner.waiting, owner.waiting_bytes = { job }, bytes
  task.run(work_off, owner)
end

return line
