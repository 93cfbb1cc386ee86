--- Lines: jobs of one connection, or of one room, one after the other, also when one waits.
--
-- The owner is any table: it gets the fields `waiting`, `waiting_bytes`, `job` and `at_work` while
-- it has jobs.
local log = require "moongate.log"
local task = require "moongate.task"
local traceback = require "moongate.traceback"

-- Jobs behind one that waits: of one owner, and their bytes of it and of all.
local MAX_WAITING = 256
local MAX_WAITING_BYTES = 256 * 1024
local MAX_ALL_WAITING_BYTES = 64 * 1024 * 1024

local all_waiting_bytes = 0

local line = {}

local go_on

--- Does what waits, oldest first, until nothing does. What one job has been through (it was
--- cancelled, or has set itself a deadline) is nothing to the next.
local function work_off(owner)
  local worker = task.current "a line"
  owner.at_work = worker
  while true do
    local job = table.remove(owner.waiting, 1)
    owner.job = job
    if not job then break end
    task.begin_anew(worker)
    task.if_given_up(go_on, owner)
    owner.waiting_bytes = owner.waiting_bytes - job.bytes
    all_waiting_bytes = all_waiting_bytes - job.bytes
    local ok, problem = xpcall(job.run, traceback)
    if not ok then log.error("line", "%s", problem) end
  end
  owner.waiting, owner.at_work = nil, nil
end

--- Whether the task that runs is a job of this owner, or a part of it: to wait for another one
--- would be for ever.
---@param owner table
---@return boolean
function line.is_own(owner)
  local worker = owner.at_work and task.here()
  while worker and worker ~= owner.at_work do worker = worker.parent end
  return worker ~= nil
end

--- The job under way has been given up: the others have another task.
function go_on(owner)
  if owner.job.given_up then
    local ok, problem = xpcall(owner.job.given_up, traceback, owner)
    if not ok then log.error("line", "%s", problem) end
  end
  task.run(work_off, owner)
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
---@param given_up? fun(owner: table) in place of what comes after the wait where `run` was given up
function line.push(owner, bytes, run, given_up)
  local job = { run = run, bytes = bytes, given_up = given_up }
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
