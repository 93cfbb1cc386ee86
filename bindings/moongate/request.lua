--- Requests: one after the other for each connection, through filters to their handler.
local command = require "moongate.command"
local core = require "moongate.ffi"
local line = require "moongate.line"
local log = require "moongate.log"
local state_check = require "moongate.state_check"
local task = require "moongate.task"
local traceback = require "moongate.traceback"

local DEADLINE_MS = 30000 -- of a request that waits; gate:deadline sets another

local request = {
  calls = 0, -- of handlers, filters and hooks, since the start
  --- Called after an error: whose, and which of the calls it was. Set by plugin.lua.
  ---@type fun(plugin: moongate.Plugin, call: integer)
  on_error = function(_, _) end,
}

local current -- the registry in force

---@param registry table
function request.use(registry) current = registry end

---@return table registry in force
function request.current() return current end

local running = task.running
local facts = core.C.moon_facts()

local function note(plugin, doing, problem, call)
  local why = task.why_cancelled(problem)
  if why then
    log.warn(plugin.label, "%s: cancelled: %s", doing, why)
  else
    log.error(plugin.label, "%s: %s", doing, problem)
    request.on_error(plugin, call)
  end
  return false, why
end

--- Calls fn(...) of a plugin. An error is logged with plugin, generation and what it was doing.
---@return boolean ok
---@return any ... what fn returned; when it was cancelled, why
function request.guard(plugin, doing, fn, ...)
  local outer, outer_doing = running.plugin, running.doing
  running.plugin, running.doing = plugin, doing
  local call = request.calls + 1
  request.calls = call
  local ok, a, b, c, d = xpcall(fn, traceback, ...)
  running.plugin, running.doing = outer, outer_doing
  if facts.development == 1 then state_check.after_hook(plugin, doing, (...)) end
  if not ok then return note(plugin, doing, a, call) end
  return true, a, b, c, d
end

local guard = request.guard

--- The same for what comes often and cannot wait: a message of raw traffic.
---@return boolean ok
function request.brief(plugin, doing, fn, ...)
  if facts.development == 1 then return (guard(plugin, doing, fn, ...)) end
  local call = request.calls + 1
  request.calls = call
  local ok, problem = xpcall(fn, traceback, ...)
  return ok or note(plugin, doing, problem, call)
end

local function tell(registry, event, ...)
  for _, hook in ipairs(registry.after[event] or {}) do
    guard(hook.plugin, "after " .. event, hook.fn, ...)
  end
end

--- Tells everybody who asked to be told.
---@param event string
function request.tell(event, ...) tell(current, event, ...) end

--- What a client may be told, and by whom: codes are words.
local function refusal(plugin, code, text, temporary)
  if type(code) ~= "string" then
    log.error(plugin.label, "an error code is a string, not a %s", type(code))
    return nil, "internal", "the handler failed", true
  end
  return nil, code, text and tostring(text), temporary and true or nil, plugin
end

request.refusal = refusal

--- What a client is told of a handler that raised, or was cancelled.
local function failure(what, why_cancelled)
  if why_cancelled then return nil, "timeout", what .. " was cancelled", true end
  return nil, "internal", what .. " failed", true
end

--- Returns true when all filters let the message pass, else nil, the error, and whose it is.
local function filter(filters, conn, message)
  for _, hook in ipairs(filters or {}) do
    local ok, pass, code, text, temporary =
      guard(hook.plugin, "before " .. message.type, hook.fn, conn, message)
    if not ok then return failure("a filter", pass) end
    if not pass and code then return refusal(hook.plugin, code, text, temporary) end
    if type(message.type) ~= "string" then
      log.error(hook.plugin.label, "a filter has left a request without its type")
      return failure "a filter"
    end
  end
  return true
end

--- What a handler says: the reply's data, or nil and the error; and whose it is.
local function handle(handler, doing, ...)
  local ok, data, code, text, temporary = guard(handler.plugin, doing, handler.fn, ...)
  if not ok then return failure("the handler", data) end
  if data == nil and code then return refusal(handler.plugin, code, text, temporary) end
  if data == nil or data == true then data = {} end
  return data, nil, nil, nil, handler.plugin
end

--- Returns the reply's data, or nil and the error; and whose it is. One generation does it all,
--- whatever comes into force while a filter waits.
local function run(conn, message)
  local registry = current
  local pass, code, text, temporary, plugin = filter(registry.before["*"], conn, message)
  if not pass then return nil, code, text, temporary, plugin end
  local handler = registry.on[message.type]
  if not handler then
    return nil, "unknown_type", ('nothing handles "%s"'):format(message.type)
  end
  pass, code, text, temporary, plugin = filter(registry.before[message.type], conn, message)
  if not pass then return nil, code, text, temporary, plugin end
  if message.type == "say" and next(registry.commands) then
    local entry, words, unknown = command.find(registry.commands, message)
    if unknown then return nil, "unknown_command", ("/%s: see /help"):format(unknown) end
    if entry then return handle(entry, "command", conn, words, message) end
    command.unescape(message)
  end
  local data
  data, code, text, temporary, plugin = handle(handler, "on " .. message.type, conn, message)
  if data ~= nil then tell(registry, message.type, conn, message, data) end
  return data, code, text, temporary, plugin
end

--- The answer itself fails when a plugin has returned what cannot be encoded, or sent.
local function carry_out(conn, message, answer)
  local data, code, text, temporary, plugin = run(conn, message)
  local ok, problem = xpcall(answer, traceback, data, code, text, temporary)
  if ok then return end
  local label = plugin and plugin.label or "request"
  log.error(label, "reply to %s: %s", message.type, problem)
  ok, problem = xpcall(answer, traceback, nil, "internal", "the reply cannot be encoded", true)
  if not ok then log.error(label, "reply to %s: %s", message.type, problem) end
end

--- Carries a request out as this task.
local function perform(conn, message, answer)
  if conn.is_gone then return answer(nil, "gone", "the connection has ended") end
  conn.worker, conn.answer = task.patience(DEADLINE_MS), answer
  carry_out(conn, message, answer)
  conn.worker, conn.answer = nil, nil
end

local function given_up(conn)
  local answer = conn.answer
  conn.worker, conn.answer = nil, nil
  answer(failure("the handler", true))
end

---@param conn moongate.Conn
---@param message table
---@param answer fun(data: table?, code: string?, text: string?, temporary: boolean?)
---@param bytes? integer what the message takes while it waits
function request.submit(conn, message, answer, bytes)
  bytes = bytes or 1024
  if conn.is_gone then return answer(nil, "gone", "the connection has ended") end
  if line.is_full(conn, bytes) then
    return answer(nil, "too_many_requests", "earlier requests are still waiting", true)
  end
  line.push(conn, bytes, function() perform(conn, message, answer) end, given_up)
end

--- The connection has ended: a request that waits is cancelled, and those behind it are not
--- begun. Then come the jobs that `begin` returns, each also when the one before was given up.
---@param conn moongate.Conn
---@param begin fun(): (fun())[]
function request.finish(conn, begin)
  conn.is_gone = true
  if conn.worker then task.cancel(conn.worker, "the connection has ended") end
  line.push(conn, 0, function()
    for _, job in ipairs(begin()) do line.push(conn, 0, job) end
  end)
end

return request
