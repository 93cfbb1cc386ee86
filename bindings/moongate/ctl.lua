--- The programs of moongate ctl at the end of who asks; bindings/ctl_script.c runs them, without a
--- server.
local cjson = require "cjson"
local options = require "moongate.ctl_options"

local PROGRAMS = { profile = "moongate.ctl_profile", console = "moongate.ctl_console" }
local BAD, FAILED = 2, 1

-- The codes of docs/operations.md that say that it was not asked as it should be.
local ASKED_BADLY = { bad_request = true, unknown_command = true, bad_argument = true }

---@class moongate.Ctl what a program is given
---@field ask fun(command: string, arguments: table): table?, table? the answer; or nil, and what
--- is wrong: { code, message }
---@field say fun(text: string) to stdout
---@field say_problem fun(text: string) to stderr
---@field complain fun(problem: string|table): integer to stderr; the exit status
---@field line fun(prompt: string, complete: fun(text: string): string[]): string?

local function new(path, talk, line, out, err)
  local ctl = { line = line }

  function ctl.say(text) out:write(options.plain(text), "\n") end

  function ctl.say_problem(text) err:write(options.plain(text), "\n") end

  function ctl.complain(problem)
    if type(problem) == "string" then problem = { message = problem, code = "bad_argument" } end
    ctl.say_problem("moongate ctl: " .. problem.message)
    return (not problem.code or ASKED_BADLY[problem.code]) and BAD or FAILED
  end

  function ctl.ask(command, arguments)
    local request = cjson.encode { command = command, arguments = arguments }
    local text, problem = talk(request .. "\n")
    if not text then return nil, { message = ("%s: %s"):format(path, problem) } end
    local is_json, answer = pcall(cjson.decode, text)
    if not is_json or type(answer) ~= "table" or not (answer.ok or answer.error) then
      return nil, { message = path .. ": not the answer of a moongate" }
    end
    if answer.ok then return answer end
    return nil, answer.error
  end

  return ctl
end

---@param words string[] the command and its arguments
---@param path? string of the server's socket; nil: only for --help
---@param talk fun(request: string): string?, string?
---@param line fun(prompt: string, complete: function): string?
---@param out? { write: function } stdout
---@param err? { write: function } stderr
---@return integer status
return function(words, path, talk, line, out, err)
  local program = require(PROGRAMS[words[1]])
  return program({ unpack(words, 2) }, new(path, talk, line, out or io.stdout,
    err or io.stderr))
end
