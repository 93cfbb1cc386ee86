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
local spare -- an empty list, for the next owner that gets a job: most have one at a time

local line = {}

local go_on

--- Lets others run, and returns when to do so again.
local function take_turns(worker)
  task.begin_anew(worker)
  task.sleep(0)
  return core.C.moon_clock_ms() + TOGETHER_MS
end

--- The oldest, which is the only one nearly always.
local function take(list)
  if list[2] then return table.remove(list, 1) end
  local only = list[1]
  list[1] = nil
  return only
end

--- Does what waits, oldest first, until nothing does. What one job has been through (it was
--- cancelled, or has set itself a deadline) is nothing to the next.
local function work_off(owner)
  local worker = task.current "a line"
  owner.at_work = worker
  local stop = core.C.moon_clock_ms() + TOGETHER_MS
  while true do
    local job = take(owner.waiting)
    owner.job = job
    if not job then break end
    task.begin_anew(worker)
    task.if_given_up(go_on, owner)
    owner.waiting_bytes = owner.waiting_bytes - job.bytes
    all_waiting_bytes = all_waiting_bytes - job.bytes
    local ok, problem = xpcall(job.run, traceback, job)
    if not ok then log.error("line", "%s", problem) end
    local is_late = owner.waiting[1] and core.C.moon_clock_ms() > stop
    if is_late then stop = take_turns(worker) end
  end
  spare = owner.waiting
  owner.waiting, owner.at_work = nil, nil
end

--- Whether the task that runs is a job of this owner, or a part of it: to wait for another one
--- would be for ever.
---@param owner table
---@return boolean
function line.is_own(owner)
  local worker = owner.at_work and task.here()
  while worker and worker ~= owner.at_work do worker = worker.parent end
  return worker == owner.at_work and worker ~= nil
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

---@class moongate.Job
---@field run fun(job: moongate.Job)
---@field bytes integer what it takes while it waits
---@field given_up? fun(owner: table) in place of what comes after the wait where `run` was given up

--- Has a job run in a task when all earlier ones of the owner are done. Never refused: see
--- is_full().
---@param owner table
---@param job moongate.Job with what else `run` likes to find in it
---@return boolean is_first there are none: who appends it calls line.begin()
function line.append(owner, job)
  all_waiting_bytes = all_waiting_bytes + job.bytes
  local list = owner.waiting
  if list then
    owner.waiting_bytes = owner.waiting_bytes + job.bytes
    list[#list + 1] = job
    return false
  end
  list, spare = spare or {}, nil
  list[1] = job
  owner.waiting, owner.waiting_bytes = list, job.bytes
  return true
end

---@param owner table with jobs, none of which has been begun
function line.begin(owner) task.begin(work_off, owner) end

--- Appends a job, and begins at once if it is the first.
---@param owner table
---@param bytes integer
---@param run fun()
---@param given_up? fun(owner: table)
function line.push(owner, bytes, run, given_up)
  local is_first = line.append(owner, { run = run, bytes = bytes, given_up = given_up })
  if is_first then line.begin(owner) end
end

return line
