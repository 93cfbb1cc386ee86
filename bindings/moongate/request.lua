--- Requests: one after the other for each connection, through filters to their handler.
local accounts = require "moongate.account"
local command = require "moongate.command"
local core = require "moongate.ffi"
local errors = require "moongate.errors"
local line = require "moongate.line"
local log = require "moongate.log"
local maps = require "moongate.membrane_maps"
local runs = require "moongate.run"
local state_check = require "moongate.state_check"
local task = require "moongate.task"
local traceback = require "moongate.traceback"

local SAMPLED = accounts.SAMPLED
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

local facts = core.C.moon_facts()

local NO_MEMORY = "not enough memory" -- LuaJIT's own; no handler of xpcall is called

local function note(plugin, doing, problem, call, was_aborted, asked)
  if problem == NO_MEMORY and not was_aborted then runs.on_memory(plugin) end
  local why = task.why_cancelled(problem)
  if why then
    log.warn(plugin.label, "%s: cancelled: %s", doing, why)
    return false, "timeout"
  end
  -- Of what was aborted the log has it already: overrun.lua.
  if not was_aborted then errors.note(plugin, doing, problem, asked) end
  request.on_error(plugin, call)
  return false, "internal"
end

--- The account of this call, which counts in it.
local function account_of(plugin, doing)
  local its = plugin.accounts and plugin.accounts[doing] or accounts.open(plugin, doing)
  its.calls = its.calls + 1
  return its
end

--- What it was about: hooks of all rooms of a kind are one in the account, but not in the log.
local function named(doing, subject)
  local kind = type(subject) == "table" and rawget(subject, "members") and subject.kind
  return kind and ("%s %q"):format(doing, subject.name) or doing
end

--- The message, of what handlers and filters get; the request, of HTTP.
local function last(...)
  local count = select("#", ...)
  if count > 0 then return (select(count, ...)) end
end

--- Calls fn(...) of the runtime for a plugin, also for one that is switched off.
---@return boolean ok
---@return any ... what fn returned; else "internal" or "timeout" (it was cancelled)
function request.serve(plugin, doing, fn, ...)
  local call = request.calls + 1
  request.calls = call
  local its = account_of(plugin, doing)
  local begun_ms, allocated, pauses
  if its.calls % SAMPLED == 1 then begun_ms, allocated, pauses = accounts.begin() end
  local outer, outer_doing = runs.enter(plugin, doing)
  local ok, a, b, c, d, e = xpcall(fn, traceback, ...)
  local was_aborted = runs.leave(outer, outer_doing)
  if begun_ms then accounts.finish(its, begun_ms, allocated, pauses) end
  if facts.development == 1 then state_check.after_hook(plugin, doing, (...)) end
  if ok and not was_aborted then return true, a, b, c, d, e end
  its.errors = its.errors + 1
  return note(plugin, named(doing, (...)), a, call, was_aborted, last(...))
end

local serve = request.serve

--- Calls fn(...) of a plugin. An error is logged with plugin, generation and what it was doing.
---@return boolean ok
---@return any ... what fn returned; else as for serve(), or "unavailable" (it is switched off)
function request.guard(plugin, doing, fn, ...)
  if plugin.is_off then return false, "unavailable" end
  return serve(plugin, doing, fn, ...)
end

local guard = request.guard

--- The same for what comes often: exactly three arguments. LuaJIT compiles nothing that begins
--- with a number of them which it does not know.
---@return boolean ok
---@return any ... as for guard()
function request.call(plugin, doing, fn, a, b, c)
  if facts.development == 1 or plugin.is_off then return guard(plugin, doing, fn, a, b, c) end
  local call = request.calls + 1
  request.calls = call
  local its = account_of(plugin, doing)
  local begun_ms, allocated, pauses
  if its.calls % SAMPLED == 1 then begun_ms, allocated, pauses = accounts.begin() end
  local outer, outer_doing = runs.enter(plugin, doing)
  local ok, r1, r2, r3, r4, r5 = xpcall(fn, traceback, a, b, c)
  local was_aborted = runs.leave(outer, outer_doing)
  if begun_ms then accounts.finish(its, begun_ms, allocated, pauses) end
  if ok and not was_aborted then return true, r1, r2, r3, r4, r5 end
  its.errors = its.errors + 1
  return note(plugin, named(doing, a), r1, call, was_aborted, c or b or a)
end

local call_plugin = request.call

-- ---- what guarded plugins provide ----

local PROVIDED = "gate:provide"

local function give_back(plugin, its, begun, outer, outer_doing, ok, ...)
  local was_aborted = runs.leave(outer, outer_doing)
  if begun then accounts.finish(its, unpack(begun)) end
  if ok and not was_aborted then return true, ... end
  its.errors = its.errors + 1
  local problem = ...
  if not ok and problem ~= NO_MEMORY then return false, problem end
  if not ok then runs.on_memory(plugin) end -- and not on who has called it
  return false, ('a function of the plugin "%s" was aborted'):format(plugin.name)
end

--- Calls a function of a guarded plugin for another one: who has written it pays for it, and nobody
--- waits for one that is switched off. While the caller loads all of it is part of that.
function maps.lend(plugin, fn, ...)
  if plugin.is_off then
    return false, ('gate:use: the plugin "%s" is switched off'):format(plugin.name)
  end
  if runs.plugin and runs.is_loading() then return pcall(fn, ...) end
  local its = account_of(plugin, PROVIDED)
  local begun = its.calls % SAMPLED == 1 and { accounts.begin() }
  local outer, outer_doing = runs.enter(plugin, PROVIDED)
  return give_back(plugin, its, begun, outer, outer_doing, pcall(fn, ...))
end

-- ---- events ----

--- Tells everybody who asked to be told.
---@param event string
function request.tell(event, ...)
  for _, hook in ipairs(current.after[event] or {}) do
    guard(hook.plugin, hook.doing, hook.fn, ...)
  end
end

--- The delay as a client is told it: whole milliseconds. What is none is left out.
local function delay_of(plugin, retry_after_ms)
  local is_delay = type(retry_after_ms) == "number" and retry_after_ms >= 0
    and retry_after_ms < math.huge
  if is_delay then return math.ceil(retry_after_ms) end
  log.error(plugin.label, "retry_after_ms is a number of at least 0, not %s",
    type(retry_after_ms) == "number" and tostring(retry_after_ms)
      or "a " .. type(retry_after_ms))
end

--- What a client may be told, and by whom: codes are words.
local function refusal(plugin, code, text, temporary, retry_after_ms)
  if type(code) ~= "string" then
    log.error(plugin.label, "an error code is a string, not a %s", type(code))
    return nil, "internal", "the handler failed", true
  end
  if retry_after_ms ~= nil then retry_after_ms = delay_of(plugin, retry_after_ms) end
  return nil, code, text and tostring(text), temporary and true or nil, retry_after_ms, plugin
end

request.refusal = refusal

local FAILURES = {
  internal = " failed", timeout = " was cancelled", unavailable = "'s plugin is switched off",
}

--- What a client is told of code that did not do what it should: see guard().
local function failure(what, code) return nil, code, what .. FAILURES[code], true end

--- Returns true when all filters let the message pass, else nil, the error, and whose it is.
local function filter(filters, conn, message)
  for i = 1, filters and #filters or 0 do
    local hook = filters[i]
    local ok, pass, code, text, temporary, retry_after_ms =
      call_plugin(hook.plugin, hook.doing, hook.fn, conn, message)
    if not ok then return failure("a filter", pass) end
    if not pass and code then
      return refusal(hook.plugin, code, text, temporary, retry_after_ms)
    end
    if type(message.type) ~= "string" then
      log.error(hook.plugin.label, "a filter has left a request without its type")
      return failure("a filter", "internal")
    end
  end
  return true
end

--- What a handler says: the reply's data, or nil and the error; and whose it is.
local function handle(handler, conn, message, words)
  local ok, data, code, text, temporary, retry_after_ms =
    call_plugin(handler.plugin, handler.doing, handler.fn, conn, message, words)
  if not ok then return failure("the handler", data) end
  if data == nil and code then
    return refusal(handler.plugin, code, text, temporary, retry_after_ms)
  end
  if data == nil or data == true then data = {} end
  return data, nil, nil, nil, nil, handler.plugin
end

local function tell_granted(hooks, conn, message, data)
  for i = 1, hooks and #hooks or 0 do
    call_plugin(hooks[i].plugin, hooks[i].doing, hooks[i].fn, conn, message, data)
  end
end

--- Returns the reply's data, or nil and the error; and whose it is. One generation does it all,
--- whatever comes into force while a filter waits.
local function run(conn, message)
  local registry = current
  local pass, code, text, temporary, retry_after_ms, plugin =
    filter(registry.before["*"], conn, message)
  if not pass then return nil, code, text, temporary, retry_after_ms, plugin end
  local name = message.type -- what plugins still do with the message is nothing to us
  local handler = registry.on[name]
  if not handler then return nil, "unknown_type", ('nothing handles "%s"'):format(name) end
  pass, code, text, temporary, retry_after_ms, plugin =
    filter(registry.before[name], conn, message)
  if not pass then return nil, code, text, temporary, retry_after_ms, plugin end
  if name == "say" and next(registry.commands) then
    local entry, words, unknown = command.find(registry.commands, message)
    if unknown then return nil, "unknown_command", ("/%s: see /help"):format(unknown) end
    if entry then return handle(entry, conn, words, message) end
    command.unescape(message)
  end
  local data
  data, code, text, temporary, retry_after_ms, plugin = handle(handler, conn, message)
  if data ~= nil then tell_granted(registry.after[name], conn, message, data) end
  return data, code, text, temporary, retry_after_ms, plugin
end

--- Tells who has asked, as a run of its own.
local function tell_asker(job, data, code, text, temporary, retry_after_ms)
  local asker, outer, outer_doing = job.asker, nil, nil
  if asker then outer, outer_doing = runs.enter(asker, "answer") end
  local ok, problem =
    xpcall(job.answer, traceback, data, code, text, temporary, retry_after_ms, job.context)
  return not (asker and runs.leave(outer, outer_doing)) and ok, problem
end

--- The answer itself fails when a plugin has returned what cannot be encoded, or sent.
local function carry_out(job)
  local name = job.message.type
  local data, code, text, temporary, retry_after_ms, plugin = run(job.conn, job.message)
  local ok, problem = tell_asker(job, data, code, text, temporary, retry_after_ms)
  if ok then return end
  local label = plugin and plugin.label or "request"
  log.error(label, "reply to %s: %s", name, problem)
  ok, problem = tell_asker(job, nil, "internal", "the reply cannot be encoded", true)
  if not ok then log.error(label, "reply to %s: %s", name, problem) end
end

--- Carries a request out as this task.
---@param job moongate.Job with conn, message, asker, answer and context: see request.submit
local function perform(job)
  local conn = job.conn
  if conn.is_gone then
    return job.answer(nil, "gone", "the connection has ended", nil, nil, job.context)
  end
  conn.worker = task.patience(DEADLINE_MS)
  carry_out(job)
  conn.worker = nil
end

local function given_up(conn)
  conn.worker = nil
  local _, code, text, temporary = failure("the handler", "timeout")
  conn.job.answer(nil, code, text, temporary, nil, conn.job.context)
end

---@param conn moongate.Conn
---@param message table
---@param answer fun(data: table?, code: string?, text: string?, temporary: boolean?,
--- retry_after_ms: integer?, context: any)
---@param bytes? integer what the message takes while it waits
---@param asker? moongate.Plugin whose answer() is
---@param context? any what answer() gets as its last
function request.submit(conn, message, answer, bytes, asker, context)
  bytes = bytes or 1024
  if conn.is_gone then return answer(nil, "gone", "the connection has ended", nil, nil, context) end
  if line.is_full(conn, bytes) then
    return answer(nil, "too_many_requests", "earlier requests are still waiting", true, nil,
      context)
  end
  -- Asked for by a plugin, it is no part of what that does.
  local is_first = line.append(conn, { run = perform, bytes = bytes, given_up = given_up,
    conn = conn, message = message, answer = answer, asker = asker, context = context })
  if is_first then runs.after(line.begin, conn) end
end

--- The connection has ended: a request that waits is cancelled, and those behind it are not
--- begun. Then come the jobs that `begin` returns, each also when the one before was given up.
---@param conn moongate.Conn
---@param begin fun(): (fun())[]
function request.finish(conn, begin)
  conn.is_gone = true
  local worker = conn.worker
  -- After an error of the runtime's own it may be another's by now.
  if worker and worker == conn.at_work then task.cancel(worker, "the connection has ended") end
  line.push(conn, 0, function()
    for _, job in ipairs(begin()) do line.push(conn, 0, job) end
  end)
end

return request
