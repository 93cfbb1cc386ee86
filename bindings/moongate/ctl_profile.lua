--- moongate ctl profile, the end of who asks: writes what the server has collected into files.
local flame = require "moongate.flame"
local options = require "moongate.ctl_options"

local HELP = [[
usage: moongate ctl [options] profile [--seconds S] [--plugin NAME] [--output PREFIX]

Collects where the time of the scripts' thread goes, in Lua and in C, and writes
PREFIX.folded, a stack a line, and PREFIX.svg, a flame graph for any browser.

options:
  --seconds S        how long, 0.1 to 50 (5)
  --plugin NAME      only what runs for this plugin
  --output PREFIX    of the files' names (moongate-profile)
  --help             this text

exit status: as of moongate ctl]]

local KNOWN = { seconds = "value", plugin = "value", output = "value" }
local PREFIX = "moongate-profile"

local function write(path, text)
  local file, problem = io.open(path, "w")
  if not file then return problem end
  local ok, why = file:write(text)
  local closed, why_not = file:close()
  if not (ok and closed) then return ("%s: %s"):format(path, why or why_not) end
end

--- What would keep from writing, before seconds are spent; what is there stays as it is.
local function foresee(path)
  local was_there = io.open(path, "r")
  if was_there then was_there:close() end
  local file, problem = io.open(path, "a")
  if not file then return problem end
  file:close()
  if not was_there then os.remove(path) end
end

---@param words string[] behind "profile"
---@param ctl moongate.Ctl
---@return integer status
return function(words, ctl)
  local given, problem = options.read(words, KNOWN)
  if not given then return ctl.complain("profile: " .. problem) end
  if given.help then
    ctl.say(HELP)
    return 0
  end
  local prefix = given.output or PREFIX
  problem = foresee(prefix .. ".folded") or foresee(prefix .. ".svg")
  if problem then return ctl.complain { message = problem, code = "failed" } end
  local answer, refusal = ctl.ask("profile", { seconds = given.seconds, plugin = given.plugin })
  if not answer then return ctl.complain(refusal) end
  local folded = answer.data.folded
  problem = write(prefix .. ".folded", folded)
    or write(prefix .. ".svg", flame.svg(folded, "moongate: " .. answer.text))
  if problem then return ctl.complain { message = problem, code = "failed" } end
  ctl.say(("%s\n%s.folded and %s.svg have it"):format(answer.text, prefix, prefix))
  return 0
end
