--- moongate ctl console, the end of who asks: reads lines and shows what has become of them.
local options = require "moongate.ctl_options"

local HELP = [[
usage: moongate ctl [options] console [--plugin NAME] [--write] [--eval CODE]

Evaluates Lua in the environment of a plugin: its globals, `gate`, and `state`, which is
gate.state. An expression shows its value. Ctrl-D ends it.

options:
  --plugin NAME      whose environment; need not be given when there is only one
  --write            the code may change and call everything; else it can only look
  --eval CODE        only this, and then it ends: 0 done, 1 it has failed
  --help             this text]]

local KNOWN = { plugin = "value", write = "flag", eval = "value" }

--- Whether an expression or a statement goes on in the next line.
local function is_incomplete(code)
  local chunk, problem = load("return " .. code, "=line", "t")
  if chunk then return false end
  if problem:find "near '<eof>'$" then return true end
  chunk, problem = load(code, "=line", "t")
  return not chunk and problem:find "near '<eof>'$" ~= nil
end

--- Lines that belong together; nil at the end, and what has begun there.
local function read_code(ctl, prompt, complete)
  local code = ctl.line(prompt .. "> ", complete)
  while code and is_incomplete(code) do
    local more = ctl.line((" "):rep(#prompt - 1) .. ">> ", complete)
    if not more then return nil, code end
    code = code .. "\n" .. more
  end
  return code
end

local function evaluate(ctl, given, code)
  local answer, refusal = ctl.ask("console", { plugin = given.plugin, code = code,
    mode = given.write and "write" or "read" })
  if not answer then return nil, refusal end
  if answer.text ~= "" then ctl.say(answer.text) end
  return true
end

local function converse(ctl, given)
  local function complete(text)
    local answer = ctl.ask("console", { plugin = given.plugin, complete = text })
    return answer and answer.data.words or {}
  end
  local there, refusal = ctl.ask("console", { plugin = given.plugin, complete = "" })
  if not there then return ctl.complain(refusal) end
  given.plugin = there.data.plugin
  local prompt = given.plugin .. (given.write and " (write)" or "")
  while true do
    local code, begun = read_code(ctl, prompt, complete)
    if begun then
      return ctl.complain { message = "console: it ends in the middle of: " .. begun,
        code = "failed" }
    end
    if not code then return 0 end
    if code:find "%S" then
      local ok, problem = evaluate(ctl, given, code)
      if not ok then ctl.say_problem(problem.message) end
    end
  end
end

---@param words string[] behind "console"
---@param ctl moongate.Ctl
---@return integer status
return function(words, ctl)
  local given, problem = options.read(words, KNOWN)
  if not given then return ctl.complain("console: " .. problem) end
  if given.help then
    ctl.say(HELP)
    return 0
  end
  if not given.eval then return converse(ctl, given) end
  local ok, refusal = evaluate(ctl, given, given.eval)
  return ok and 0 or ctl.complain(refusal)
end
