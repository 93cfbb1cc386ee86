--- Requests: one after the other for each connection, through filters to their handler.
local log = require "moongate.log"
local task = require "moongate.task"

local MAX_WAITING = 256 -- requests of one connection behind one that sleeps

local request = {}

local current -- the registry in force

---@param registry table
function request.use(registry) current = registry end

local function traceback(problem)
  return debug.traceback(tostring(problem), 2)
end

--- Calls fn(...) of a plugin. An error is logged with plugin, generation and what it was doing.
---@return boolean ok
---@return any ... what fn returned
function request.guard(plugin, doing, fn, ...)
  local ok, a, b, c, d = xpcall(fn, traceback, ...)
  if not ok then
    log.error(plugin.label, "%s: %s", doing, a)
    return false
  end
  return true, a, b, c, d
end

local guard = request.guard

--- Tells everybody who asked to be told.
---@param event string
function request.tell(event, ...)
  for _, hook in ipairs(current.after[event] or {}) do
    guard(hook.plugin, "after " .. event, hook.fn, ...)
  end
end

--- Returns true when all filters let the message pass, else nil and the error.
local function filter(filters, conn, message)
  for _, hook in ipairs(filters or {}) do
    local ok, pass, code, text, temporary =
      guard(hook.plugin, "before " .. message.type, hook.fn, conn, message)
    if not ok then return nil, "internal", "a filter failed", true end
    if not pass and code then return nil, code, text, temporary end
  end
  return true
end

--- Returns the reply's data, or nil and the error.
local function run(conn, message)
  local pass, code, text, temporary = filter(current.before["*"], conn, message)
  if not pass then return nil, code, text, temporary end
  local handler = current.on[message.type]
  if not handler then
    return nil, "unknown_type", ('nothing handles "%s"'):format(message.type)
  end
  pass, code, text, temporary = filter(current.before[message.type], conn, message)
  if not pass then return nil, code, text, temporary end
  local ok, data
  ok, data, code, text, temporary =
    guard(handler.plugin, "on " .. message.type, handler.fn, conn, message)
  if not ok then return nil, "internal", "the handler failed", true end
  if data == nil and code then return nil, code, text, temporary end
  if data == nil or data == true then data = {} end
  request.tell(message.type, conn, message, data)
  return data
end

--- The answer itself fails when a handler has returned what no codec can encode.
local function carry_out(conn, message, answer)
  local ok, problem = xpcall(answer, traceback, run(conn, message))
  if ok then return end
  log.error("request", "reply to %s: %s", message.type, problem)
  answer(nil, "internal", "the reply cannot be encoded", true)
end

--- Does what waits for this connection, oldest first, until nothing does.
local function work_off(conn)
  while true do
    local job = table.remove(conn.waiting, 1)
    if not job then break end
    local ok, problem = xpcall(job, traceback)
    if not ok then log.error("request", "%s", problem) end
  end
  conn.waiting = nil
end

--- Runs `job` as a task when all earlier jobs of this connection are done.
local function enqueue(conn, job)
  if conn.waiting then
    conn.waiting[#conn.waiting + 1] = job
    return
  end
  conn.waiting = { job }
  task.run(work_off, conn)
end

---@param conn moongate.Conn
---@param message table
---@param answer fun(data: table?, code: string?, text: string?, temporary: boolean?)
function request.submit(conn, message, answer)
  if conn.is_finished then return answer(nil, "gone", "the connection has ended") end
  if conn.waiting and #conn.waiting >= MAX_WAITING then
    answer(nil, "too_many_requests", "earlier requests are still waiting", true)
    return
  end
  enqueue(conn, function() carry_out(conn, message, answer) end)
end

--- Runs `job` after the last request of the connection.
---@param conn moongate.Conn
---@param job fun()
function request.finish(conn, job)
  enqueue(conn, function()
    conn.is_finished = true
    job()
  end)
end

return request
