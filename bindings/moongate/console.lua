--- Evaluates what an operator writes, in the environment of a plugin: moongate ctl console.
--
-- It runs as a task, and as code of the plugin: with its budgets. Unless it may write, all it
-- reaches are views (view.lua).
local core = require "moongate.ffi"
local describe = require "moongate.describe"
local log = require "moongate.log"
local metatable = require "moongate.metatable"
local overrun = require "moongate.overrun"
local plugin = require "moongate.plugin"
local run = require "moongate.run"
local secret = require "moongate.secret"
local shortened = require "moongate.shortened"
local strings = require "moongate.strings"
local tables = require "moongate.tables"
local task = require "moongate.task"
local view = require "moongate.view"

local C = core.C

local DEADLINE_MS = 20000
local MAX_LOGGED_BYTES = 500  -- of what was evaluated
local MAX_PRINTED_BYTES = 65536
local MAX_NAMES = 200         -- that a word may become
local MAX_LOOKED_AT = 2000
local CHUNK = "=console"

local console = {}

local asker = core.new "struct moon_asker"

-- ---- the log ----

--- Where the string that a quote begins ends; the end of the text when it does not.
local function end_of_quoted(code, at)
  local quote, place = code:sub(at, at), at + 1
  while place <= #code do
    local char = code:sub(place, place)
    if char == quote then return place end
    place = place + (char == "\\" and 2 or 1)
  end
  return #code
end

--- Where ends what must not be seen: a string, a number, a comment. Nil: none begins here.
local function end_of_hidden(code, at)
  local _, last, level = string.find(code, "^%-?%-?%[(=*)%[", at)
  if last and code:sub(at, at + 1) ~= "-[" then
    return select(2, string.find(code, "]" .. level .. "]", last + 1, true)) or #code
  end
  if string.find(code, "^[\"']", at) then return end_of_quoted(code, at) end
  _, last = string.find(code, "^%-%-[^\n]*", at)
  if last then return last end
  return (select(2, string.find(code, "^%.?%d[%w_.]*", at)))
end

--- Code without its strings, numbers and comments.
local function hidden(code)
  local parts, at = {}, 1
  while at <= #code do
    local last = end_of_hidden(code, at)
    if last then
      parts[#parts + 1] = secret.MASK
    else
      last = select(2, string.find(code, "^[%a_][%w_]*", at)) or at
      parts[#parts + 1] = code:sub(at, last)
    end
    at = last + 1
  end
  return table.concat(parts)
end

--- Whether a name in it, or a word of a string, sounds like a secret.
local function has_secret(text)
  for word in string.gmatch(text, "[%a_][%w_]*") do
    if secret.is_one(word) then return true end
  end
  return false
end

local function in_line(text)
  text = string.gsub(text, "%c+", " ")
  return shortened(text, MAX_LOGGED_BYTES)
end

--- What the log says of code.
local function shown_of(code) return in_line(has_secret(code) and hidden(code) or code) end

--- And of what has become of it: how it failed may repeat what it was about.
local function outcome_of(code, failure)
  if not failure then return "done" end
  if has_secret(code) or has_secret(failure) then failure = secret.MASK end
  return "failed: " .. in_line(failure)
end

local function who(ticket)
  if C.moon_asker(ticket, asker) ~= C.MOON_OK then return "somebody who has gone" end
  return ("uid %d, pid %d"):format(asker.uid, asker.pid)
end

-- ---- evaluation ----

--- An expression or a statement: text, since nothing checks bytecode.
local function compile(code)
  local chunk = load("return " .. code, CHUNK, "t")
  if chunk then return chunk end
  return load(code, CHUNK, "t")
end

--- Numbers whole, as in results: Lua's own print shows 14 digits.
local function word_of(value)
  return type(value) == "number" and describe { n = 1, value } or tostring(value)
end

local function printer(lines)
  local bytes = 0
  return function(...)
    local words = {}
    for i = 1, select("#", ...) do words[i] = word_of((select(i, ...))) end
    local line = table.concat(words, "\t")
    bytes = bytes + #line
    if bytes < MAX_PRINTED_BYTES then lines[#lines + 1] = line end
  end
end

--- Lua's own functions of strings go on where nobody can stop them: those of guarded plugins lie
--- over them. What the plugin has put in their place is its own business.
local function lay_guards(own, env)
  local guards = { string = strings.library(), table = tables.of_console() }
  for name, over in pairs(guards) do
    local library = _G[name]
    if view.lookup(env, name) == library then
      own[name] = setmetatable(over, { __index = library, __newindex = library })
    end
  end
end

--- Functions that are made here are the plugin's own: it may sort with them. So is print.
local function belong(own, owner)
  if owner.entry.trust ~= "guarded" then return end
  local shown = own.print
  own.print = setfenv(function(...) return shown(...) end, own)
  metatable.belongs(own, owner.name)
end

local function environment(owner, may_write, lines)
  local own = { print = printer(lines) }
  if may_write then
    own.gate, own.state = owner.gate, owner.gate.state
    lay_guards(own, owner.env)
    belong(own, owner)
    return setmetatable(own, { __index = owner.env, __newindex = owner.env })
  end
  own.gate, own.state = view.of(owner.gate), view.of(owner.gate.state)
  return view.environment(owner.env, own)
end

--- In a task of its own, whose end is the end of the wait.
---@return boolean ok
---@return any ... what it returns, or the error
local function perform(owner, chunk)
  return task.wait("moongate ctl console", function(done)
    local outer, outer_doing = run.enter(owner, overrun.CONSOLE)
    task.run(function()
      task.deadline(task.current "moongate ctl console", DEADLINE_MS)
      task.if_given_up(function() done(false, "given up: it was cancelled, and waits on") end)
      done(pcall(chunk))
    end)
    run.leave(outer, outer_doing)
  end)
end

local function packed(...) return { n = select("#", ...), ... } end

local function reason_of(problem)
  local why = task.why_cancelled(problem)
  if why then return why end
  if type(problem) == "string" then return problem end
  return describe { n = 1, problem }
end

--- What there is to show, or nil and what went wrong.
local function evaluate(owner, code, may_write)
  local chunk, problem = compile(code)
  if not chunk then return nil, problem end
  local lines = {}
  setfenv(chunk, environment(owner, may_write, lines))
  local results = packed(perform(owner, chunk))
  if not results[1] then
    lines[#lines + 1] = reason_of(results[2])
    return nil, table.concat(lines, "\n")
  end
  if results.n > 1 then
    lines[#lines + 1] = describe(packed(unpack(results, 2, results.n)))
  end
  return table.concat(lines, "\n")
end

-- ---- completion ----

local function is_wanted(name, last)
  return type(name) == "string" and name:sub(1, #last) == last and name:find "^[%a_][%w_]*$"
end

local function note_names_in(found, target, last, only_functions)
  local looked = 0
  for name, value in next, view.shown(target) do
    looked = looked + 1
    if looked > MAX_LOOKED_AT then break end
    if is_wanted(name, last) and (not only_functions or type(value) == "function") then
      found[name] = true
    end
  end
end

--- Names in a table and those that it falls back on.
local function note_names(found, target, last, only_functions)
  for _ = 1, 10 do
    if type(target) ~= "table" then return end
    note_names_in(found, target, last, only_functions)
    local mt = debug.getmetatable(target)
    target = mt and rawget(mt, "__index")
  end
end

local function start_of(owner, name)
  if name == "gate" then return owner.gate end
  if name == "state" then return owner.gate.state end
  return view.lookup(owner.env, name)
end

--- What a word may become: names with the dots and colons before the last one.
---@param owner moongate.Plugin
---@param word string
---@return string[]
function console.completions(owner, word)
  local path = string.match(word, "^.*[^%w_]") or "" -- as a method it has a limit
  local last = word:sub(#path + 1)
  local found, target = {}, nil
  for name in path:gmatch "[%w_]+" do
    local ok = true
    if target == nil then
      target = start_of(owner, name)
    else
      ok, target = pcall(view.lookup, target, name) -- of a guarded plugin it may be refused
    end
    if not ok or target == nil then return {} end
  end
  if path == "" then
    target = owner.env
    note_names(found, { gate = 1, state = 1 }, last)
  end
  note_names(found, target, last, path:sub(-1) == ":")
  local words = {}
  for name in pairs(found) do words[#words + 1] = path .. name end
  table.sort(words)
  for i = #words, MAX_NAMES + 1, -1 do words[i] = nil end
  return words
end

-- ---- the command ----

local MODES = { read = true, write = true }

local function owner_of(name)
  local current = plugin.current()
  local owner = current.plugins[name or current.names[2] == nil and current.names[1] or ""]
  if owner then return owner end
  return nil, ("%s; there are: %s"):format(name and ('there is no plugin "%s"'):format(name)
    or "which plugin", table.concat(current.names, ", "))
end

local function evaluate_for(owner, code, may_write, ticket)
  local mode = may_write and "may write" or "read-only"
  -- Now: it may end the process, and whoever asks may not wait for the end.
  local what = ("%s: %s, %s: %s"):format(who(ticket), owner.label, mode, shown_of(code))
  log.info("console", "%s: begins", what)
  local begun_ms = C.moon_clock_ms()
  local text, failure = evaluate(owner, code, may_write)
  log.info("console", "%s: %s after %.1f ms", what, outcome_of(code, failure),
    C.moon_clock_ms() - begun_ms)
  if text then return text end
  return nil, "failed", failure
end

local function complete(owner, word)
  local words = console.completions(owner, word)
  return table.concat(words, "\n"), { plugin = owner.name, words = words[1] and words or nil }
end

--- Evaluates code, or completes a word. As a task.
---@param arguments { plugin?: string, code?: string, mode?: string, complete?: string }
---@param ticket integer of who has asked
---@return string? text
---@return any data; without text a code
---@return string? message
function console.serve(arguments, ticket)
  local owner, problem = owner_of(arguments.plugin)
  if not owner then return nil, "bad_argument", problem end
  if not MODES[arguments.mode or "read"] then
    return nil, "bad_argument", 'argument "mode": expected "read" or "write"'
  end
  if arguments.complete then return complete(owner, arguments.complete) end
  if not arguments.code then return nil, "bad_argument", 'argument "code": there is none' end
  return evaluate_for(owner, arguments.code, arguments.mode == "write", ticket)
end

return console
