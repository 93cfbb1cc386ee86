--- Lines: jobs of one connection, or of one room, one after the other, also when one waits.
--
-- The owner is any table: it gets the fields `waiting`, `waiting_bytes`, `job` and `at_work` while
-- it has jobs.
local core = require "moongate.ffi"
local log = require "moongate.log"
local task = require "moongate.task"
local traceback = require "moongate.traceback"

-- Jobs behind one that waits: of one owner, and their bytes of it and of all.
local MAX_WAITING = 256
local MAX_WAITING_BYTES = 256 * 1024
local MAX_ALL_WAITING_BYTES = 64 * 1024 * 1024

local TOGETHER_MS = 5 -- of jobs of one owner, before others have their turn

local all_waiting_bytes = 0

local line = {}

local go_on

--- Lets others run, and returns when to do so again.
local function take_turns(worker)
  task.begin_anew(worker)
  task.sleep(0)
  return core.C.moon_clock_ms() + TOGETHER_MS
end

--- Does what waits, oldest first, until nothing does. What one job has been through (it was
--- cancelled, or has set itself a deadline) is nothing to the next.
local function work_off(owner)
  local worker = task.current "a line"
  owner.at_work = worker
  local stop = core.C.moon_clock_ms() + TOGETHER_MS
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
    local is_late = owner.waiting[1] and core.C.moon_clock_ms() > stop
    if is_late then stop = take_turns(worker) end
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

--- Has `run` run in a task when all earlier jobs of the owner are done. Never refused: see
--- is_full().
---@param owner table
---@param bytes integer what it takes while it waits
---@param run fun()
---@param given_up? fun(owner: table) in place of what comes after the wait where `run` was given up
---@return boolean is_first there are none: who appends it calls line.begin()
function line.append(owner, bytes, run, given_up)
  local job = { run = run, bytes = bytes, given_up = given_up }
  all_waiting_bytes = all_waiting_bytes + bytes
  if owner.waiting then
    owner.waiting_bytes = owner.waiting_bytes + bytes
    owner.waiting[#owner.waiting + 1] = job
    return false
  end
  owner.waiting, owner.waiting_bytes = { job }, bytes
  return true
end

---@param owner table with jobs, none of which has been begun
function line.begin(owner) task.run(work_off, owner) end

--- Appends a job, and begins at once if it is the first.
---@param owner table
---@param bytes integer
---@param run fun()
---@param given_up? fun(owner: table)
function line.push(owner, bytes, run, given_up)
  if line.append(owner, bytes, run, given_up) then line.begin(owner) end
end

return line
