--- What an operator may ask of the running gateway: moongate ctl.
--
-- A request is one line of JSON, {"command":"rollback","arguments":{}}; so is its answer,
-- {"ok":true,"text":"...","data":...} or {"ok":false,"error":{"code":"...","message":"..."}}.
-- docs/operations.md has the codes.
local console = require "moongate.console"
local core = require "moongate.ffi"
local errors = require "moongate.errors"
local json = require "moongate.json"
local log = require "moongate.log"
local overrun = require "moongate.overrun"
local plugin = require "moongate.plugin"
local profile = require "moongate.profile"
local survey = require "moongate.survey"
local task = require "moongate.task"
local timer = require "moongate.timer"
local traceback = require "moongate.traceback"

local C = core.C

local DEADLINE_MS = 30000 -- for a command that waits

---@class moongate.Command
---@field help string one line
---@field arguments? { name: string, help: string, is_needed?: boolean }[] texts
---@field run fun(arguments: table<string, string>, ticket: integer): string?, any, string? as a
--- task; returns a text for people and data for programs, or nil, a code and a message

local admin = {}

---@type table<string, moongate.Command>
admin.commands = {}
local commands = admin.commands

local function names_of(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- ---- commands ----

--- Calls fn outside of any task: a plugin that is loaded in one could wait in its middle.
local function outside(fn)
  return task.wait("moongate ctl", function(done)
    timer.start(0, function() done(pcall(fn)) end)
  end)
end

--- Brings other code into force, or says why not.
local function change(fn)
  local has_run, ok, text = outside(fn)
  if not has_run then error(ok, 0) end
  if not ok then return nil, "failed", text end
  return text, { generation = plugin.current().generation }
end

commands.reload = {
  help = "loads what has changed in the app; what is wrong stays out of force",
  run = function() return change(plugin.reload) end,
}

commands.rollback = {
  help = "brings the generation before this one back into force",
  run = function() return change(plugin.rollback) end,
}

local function line_of(leak)
  local format = leak.kind == "task" and "%s: %s: a task that has waited for %d ms"
    or "%s: %s: a timer that fires in %d ms"
  return format:format(leak.plugin, leak.doing or "?", leak.ms)
end

commands.leaks = {
  help = "shows tasks and timers that have outlived their generation",
  run = function()
    local leaks, lines = plugin.leaks(), {}
    for i, leak in ipairs(leaks) do lines[i] = line_of(leak) end
    if not lines[1] then return "nothing has outlived its generation", { count = 0 } end
    return table.concat(lines, "\n"), { count = #leaks, leaks = leaks }
  end,
}

--- Only what concerns this plugin.
local function narrow(what, name)
  local function is_concerned(request)
    for _, list in ipairs { request.filters or {}, { request.handler }, request.told or {} } do
      for _, each in ipairs(list) do
        if each == name then return true end
      end
    end
  end
  local function keep(list, is_wanted)
    local kept = {}
    for _, each in ipairs(list or {}) do
      if is_wanted(each) then kept[#kept + 1] = each end
    end
    return kept[1] and kept or nil
  end
  what.plugins = keep(what.plugins, function(each) return each.name == name end)
  what.requests = keep(what.requests, is_concerned)
end

local function owner_of(name)
  local owner = plugin.current().plugins[name]
  if owner then return owner end
  return nil, "bad_argument", ('there is no plugin "%s"; there are: %s'):format(name,
    table.concat(plugin.current().names, ", "))
end

commands.plugins = {
  help = "shows the plugins in force, and the way of each request through them",
  arguments = { { name = "name", help = "of the only plugin to show" } },
  run = function(arguments)
    local registry, name = plugin.current(), arguments.name
    if name and not registry.plugins[name] then return owner_of(name) end
    local what = survey.of(registry)
    if name then narrow(what, name) end
    return survey.text(what), what
  end,
}

commands.off = {
  help = "switches a plugin off: its code is not called, what asks for it gets \"unavailable\"",
  arguments = { { name = "name", help = "of the plugin", is_needed = true } },
  run = function(arguments)
    local owner, code, message = owner_of(arguments.name)
    if not owner then return nil, code, message end
    log.warn(owner.label, "switched off by an operator")
    overrun.switch_off(owner)
    return owner.label .. " is off"
  end,
}

commands.on = {
  help = "switches a plugin on again",
  arguments = { { name = "name", help = "of the plugin", is_needed = true } },
  run = function(arguments)
    local owner, code, message = owner_of(arguments.name)
    if not owner then return nil, code, message end
    local problem = overrun.why_off(owner)
    if problem then return nil, "failed", problem end
    log.warn(owner.label, "switched on by an operator")
    overrun.switch_on(owner)
    return owner.label .. " is on"
  end,
}

commands.errors = {
  help = "shows the errors of plugins, those of one line together, the latest first",
  arguments = { { name = "name", help = "of the only plugin to show" } },
  run = function(arguments)
    local name = arguments.name
    local list = errors.list(name)
    if name and not list[1] and not plugin.current().plugins[name] then return owner_of(name) end
    return errors.text(list), { errors = list[1] and list or nil }
  end,
}

commands.console = {
  help = "evaluates Lua in a plugin's environment; see moongate ctl console --help",
  arguments = { { name = "plugin", help = "whose; need not be given when there is only one" },
    { name = "code", help = "an expression or a statement" },
    { name = "mode", help = '"read", or "write": it may change things; "read"' },
    { name = "complete", help = "instead of code: a word whose ends are listed" } },
  run = console.serve,
}

commands.profile = {
  help = "collects where the time goes, in Lua and in C; see moongate ctl profile --help",
  arguments = { { name = "seconds", help = "how long, 0.1 to 50; 5" },
    { name = "plugin", help = "name of the only one to look at" } },
  run = profile.take,
}

local function unknown_command(name)
  return ('there is no command "%s"; there are: %s'):format(name,
    table.concat(names_of(commands), ", "))
end

local function usage(name)
  local words = { name }
  for _, argument in ipairs(commands[name].arguments or {}) do
    words[#words + 1] = argument.is_needed and argument.name or "[" .. argument.name .. "]"
  end
  return table.concat(words, " ")
end

local function explain(lines, name)
  lines[#lines + 1] = ("%-18s %s"):format(usage(name), commands[name].help)
end

commands.help = {
  help = "shows the commands, or one of them with its arguments",
  arguments = { { name = "command", help = "the one to show" } },
  run = function(arguments)
    local wanted, lines, data = arguments.command, {}, {}
    if wanted and not commands[wanted] then
      return nil, "bad_argument", unknown_command(wanted)
    end
    for _, name in ipairs(wanted and { wanted } or names_of(commands)) do
      explain(lines, name)
      for _, argument in ipairs(wanted and commands[name].arguments or {}) do
        lines[#lines + 1] = ("  %-16s %s"):format(argument.name, argument.help)
      end
      data[#data + 1] = { name = name, help = commands[name].help,
        arguments = commands[name].arguments }
    end
    return table.concat(lines, "\n"), { commands = data }
  end,
}

-- ---- requests ----

--- The name of an argument that is given by name or by place; nil when there is none.
local function name_of(wanted, key)
  for place, argument in ipairs(wanted) do
    if key == place or key == argument.name then return argument.name end
  end
end

local function kind_of(value) return value == json.null and "null" or "a " .. type(value) end

--- The arguments by name. nil and what is wrong.
---@param command_name string
---@param given? table<string|integer, any> by name, or as a list in their order
local function read_arguments(command_name, given)
  if given == nil then given = {} end
  if type(given) ~= "table" then return nil, "arguments: expected an object or a list" end
  local read, wanted = {}, commands[command_name].arguments or {}
  for key, value in pairs(given) do
    local name = name_of(wanted, key)
    if not name then
      return nil, ('argument "%s": there is none; expected: %s'):format(key, usage(command_name))
    end
    if type(value) ~= "string" then
      return nil, ('argument "%s": expected a string, got %s'):format(name, kind_of(value))
    end
    read[name] = value
  end
  for _, argument in ipairs(wanted) do
    if argument.is_needed and not read[argument.name] then
      return nil, ('argument "%s" is missing; expected: %s'):format(argument.name,
        usage(command_name))
    end
  end
  return read
end

--- Returns what a command's run() does.
local function perform(line, ticket)
  local asked = json.decode(line)
  if type(asked) ~= "table" or type(asked.command) ~= "string" then
    return nil, "bad_request", 'expected a line as {"command":"help","arguments":{}}'
  end
  local command = commands[asked.command]
  if not command then return nil, "unknown_command", unknown_command(asked.command) end
  local arguments, problem = read_arguments(asked.command, asked.arguments)
  if not arguments then return nil, "bad_argument", problem end
  log.info("admin", "asked for %s", asked.command)
  return command.run(arguments, ticket)
end

local function refusal(code, message)
  return { ok = false, error = { code = code, message = message } }
end

local function tell(ticket, answer)
  local text, problem, code = json.encode_whole(answer)
  if code == "too_big" then
    text = json.encode(refusal("too_big", "the answer would have " .. problem))
  elseif not text then
    log.error("admin", "an answer cannot be encoded: %s", problem)
    text = json.encode(refusal("internal", "the answer cannot be encoded"))
  end
  local status = C.moon_tell(ticket, text, #text)
  if status == C.MOON_EBIG then
    tell(ticket, refusal("too_big", ("the answer would have %d bytes"):format(#text)))
  elseif status ~= C.MOON_OK then
    log.debug("admin", "whoever has asked has gone")
  end
end

local function answer(ticket, ok, text, data, message)
  if not ok then
    local why = task.why_cancelled(text)
    if why then return tell(ticket, refusal("timeout", why)) end
    log.error("admin", "%s", text)
    return tell(ticket, refusal("internal", "the command failed; the log has the reason"))
  end
  if text == nil then return tell(ticket, refusal(data, message)) end
  tell(ticket, { ok = true, text = text, data = data })
end

local function run(ticket, line)
  task.deadline(task.current "moongate ctl", DEADLINE_MS)
  answer(ticket, xpcall(perform, traceback, line, ticket))
end

--- Answers a request, perhaps later.
---@param ticket integer
---@param line string
function admin.serve(ticket, line) task.run(run, ticket, line) end

return admin
