--- `moongate check`: loads the app as the server would, and says what is wrong, and what is odd.
require "moongate.idle" -- before all others
local json = require "moongate.json"
local lists = require "moongate.list"
local loader = require "moongate.loader"
local maps = require "moongate.membrane_maps"
local near = require "moongate.near"
local options = require "moongate.ctl_options"
local overrun = require "moongate.overrun"
local runs = require "moongate.run"
local shortened = require "moongate.shortened"
local strings = require "moongate.strings"
local survey = require "moongate.survey"

-- What gate:after tells beside requests and the events of plugins; gate:before("*") is for all.
local EVENTS = { "admitted", "closed", "drained", "opened", "slow" }

local BUDGET = { "soft_ms", "hard_ms", "load_ms", "aborts", "within_ms" }

local MAX_LINE_BYTES = 4096 -- of what is wrong or odd, as in the log

local LUACHECK = "luacheck --codes --no-color --formatter plain --no-self --std luajit --"

local checkup = { late = overrun.late }

-- ---- what is odd ----

--- A filter or hook that waits for what nobody handles.
local function oddity_of(plugin, verb, fn, name, known)
  local own = maps.inside(fn)
  local info, meant = debug.getinfo(own, "S"), near.find(name, known)
  local place = getfenv(own) == _G and plugin.file -- print, or another that is not the plugin's
    or ("%s:%d"):format(info.short_src, info.linedefined)
  return ('%s: %s "%s": nothing %s it%s'):format(place, verb, name,
    verb == "gate:after" and "handles or tells" or "handles",
    meant and ('; did you mean "%s"?'):format(meant) or "")
end

--- Names of what can happen to this kind of hook, sorted.
local function known_to(registry, kind)
  local names = {}
  for name in pairs(registry.on) do names[#names + 1] = name end
  for _, name in ipairs(kind == "after" and EVENTS or { "*" }) do names[#names + 1] = name end
  if kind == "after" then
    for name in pairs(registry.tells) do names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function set_of(list)
  local set = {}
  for _, value in ipairs(list) do set[value] = true end
  return set
end

---@param registry table
---@return string[]
function checkup.oddities(registry)
  local found = {}
  for _, kind in ipairs { "before", "after" } do
    local known = known_to(registry, kind)
    local is_known = set_of(known)
    for _, plugin_name in ipairs(registry.names) do
      local plugin = registry.plugins[plugin_name]
      for _, hook in ipairs(plugin[kind]) do
        if not is_known[hook.name] then
          found[#found + 1] = oddity_of(plugin, "gate:" .. kind, hook.fn, hook.name, known)
        end
      end
    end
  end
  return found
end

-- ---- luacheck ----

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Calls fn(...) so that scripts neither end the check, nor print into its report.
local function apart(fn, ...)
  local exit, print_before, stdout, output = os.exit, print, io.stdout, io.output()
  os.exit = function() error("os.exit: the server would end here", 2) end -- luacheck: ignore
  print = function(...) -- luacheck: ignore
    for i = 1, select("#", ...) do
      io.stderr:write(i > 1 and "\t" or "", tostring(select(i, ...)))
    end
    io.stderr:write "\n"
  end
  io.stdout = io.stderr -- luacheck: ignore
  io.output(io.stderr)
  local ok, a, b, c = pcall(fn, ...)
  os.exit, print, io.stdout = exit, print_before, stdout -- luacheck: ignore
  io.output(output)
  if not ok then error(a, 0) end
  return a, b, c
end

--- What luacheck says of the files, line by line; nil: it is not installed. The .luacheckrc that
--- counts is the one in the app's folder, or above it.
---@param folder string of the app
---@param paths string[] that begin with it, or are within the one of now
---@return string[]?
function checkup.lint(folder, paths)
  local words = {}
  for i, path in ipairs(paths) do
    local is_within = path:sub(1, #folder + 1) == folder .. "/"
    words[i] = quoted(is_within and path:sub(#folder + 2) or path)
  end
  if not words[1] then words[1] = "--version" end -- only whether it is there
  local pipe = io.popen(("command -v luacheck >/dev/null || exit 0; echo; cd -- %s && %s %s 2>&1")
    :format(quoted(folder), LUACHECK, table.concat(words, " ")))
  if not pipe then return end
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = ("%s/%s"):format(folder, line) end
  pipe:close()
  if not lines[1] then return end
  table.remove(lines, 1)
  return lines
end

-- ---- the report ----

--- First line of a traceback, with the path as luacheck has it.
local function first_line(text)
  local line = tostring(text):match "^[^\n]*":gsub("^%./", "")
  return shortened(line, MAX_LINE_BYTES)
end

local function place_of(line) return line:match "^.-:%d+:" or line end

--- Syntax errors that the loader has told of are not told twice.
local function without_known(lines, problems)
  local places, rest = {}, {}
  for _, problem in ipairs(problems) do places[place_of(problem)] = true end
  for _, line in ipairs(lines) do
    if not (line:find "%(E%d+%)" and places[place_of(line)]) then rest[#rest + 1] = line end
  end
  return rest
end

local function budget_of(plugin)
  local words = {}
  for _, name in ipairs(BUDGET) do
    if plugin.budget[name] ~= runs.BUDGET[name] then
      words[#words + 1] = ("%s = %s (default %s)"):format(name, plugin.budget[name],
        runs.BUDGET[name])
    end
  end
  return words[1] and table.concat(words, ", ") or nil
end

local function survey_of(registry)
  local what = survey.of(registry)
  for _, plugin in ipairs(what.plugins or {}) do
    plugin.cost, plugin.generation = nil, nil -- nothing has run
    plugin.budget = budget_of(registry.plugins[plugin.name])
  end
  what.generation = nil
  return what
end

local function first_lines(texts)
  local lines = {}
  for i, text in ipairs(texts) do lines[i] = first_line(text) end
  return lines
end

--- Adds what luacheck says to what there is to say.
local function add_lint(app, found)
  local folder = lists.is_folder(app) and app or app:match "^(.*)/[^/]*$" or "."
  local lines = checkup.lint(folder, found.files)
  found.has_luacheck = lines ~= nil
  if not found.files[1] then return end
  for _, line in ipairs(without_known(first_lines(lines or {}), found.problems)) do
    table.insert(found.warnings, line) -- LuaJIT has said what does not load
  end
end

--- As the server does it: with its methods of strings.
local function load(app)
  local restore = strings.install()
  local ok, registry, problems, files = pcall(loader.check, app)
  restore()
  if not ok then error(registry, 0) end
  return registry, problems, files
end

--- Loads the app, and looks at it.
---@param app string
---@return { problems: string[], warnings: string[], files: string[], survey: table?,
--- has_luacheck: boolean }
function checkup.look(app)
  local registry, tracebacks, files = apart(load, app)
  local found = {
    problems = first_lines(tracebacks),
    warnings = first_lines(registry and checkup.oddities(registry) or {}),
    files = files,
    survey = registry and survey_of(registry) or nil,
  }
  add_lint(app, found)
  return found
end

local function counted(list, word)
  return ("%d %s%s"):format(#list, word, #list == 1 and "" or "s")
end

local function print_text(app, found)
  if found.survey then
    io.stdout:write(survey.text(found.survey, app .. ": the plugins, needed ones first"), "\n\n")
  end
  for _, line in ipairs(found.problems) do io.stderr:write(options.plain(line), "\n") end
  for _, line in ipairs(found.warnings) do
    io.stderr:write("warning: ", options.plain(line), "\n")
  end
  io.stdout:write(("%s: %s, %s, %s%s\n"):format(app, counted(found.files, "file"),
    counted(found.problems, "problem"), counted(found.warnings, "warning"),
    found.has_luacheck and "" or "; luacheck is not installed"))
end

local function print_json(found)
  for _, name in ipairs { "problems", "warnings", "files" } do
    if not found[name][1] then found[name] = nil end -- as in survey.lua
  end
  io.stdout:write(json.encode_whole(found), "\n")
end

---@param app string
---@param strictness string "strict": warnings fail, too
---@param form string "json" or "text"
---@return integer status for exit()
function checkup.main(app, strictness, form)
  local found = checkup.look(app)
  local fails = found.problems[1] or strictness == "strict" and found.warnings[1]
  found.ok = not fails
  if form == "json" then print_json(found) else print_text(app, found) end
  return fails and 1 or 0
end

return checkup
