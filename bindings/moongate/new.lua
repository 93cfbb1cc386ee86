--- `moongate new`: writes the files that a plugin, or an app, begins with.
local core = require "moongate.ffi"
local list = require "moongate.list"
local texts = require "moongate.texts"

local TEMPLATES, LIBRARY = "bindings/templates/", "bindings/library/"
local LIST = "scripts/init.lua" -- what a new app begins with, and the plugins in it

local DONE, FAILED, BAD = 0, 1, 2

local HELP = [[
usage: moongate new plugin NAME [--app DIR]
       moongate new app DIR
       moongate new library [--app DIR]

plugin   writes NAME.lua, spec/NAME_spec.lua and NAME.md into the app: a plugin that works, to
         be made into another. "lobby.party" is lobby/party.lua. Where there is no init.lua, that
         and the plugins of the chat, too.
app      writes a folder with a list of plugins and those of the chat.
library  writes what editors know of moongate, .moongate/library, as this version has it; the
         others do, too, where there is no .luarc.json.

DIR is the folder with the init.lua, by default the one you are in. Files that are there already
are never replaced, but for those of the library.

exit status: 0 done, 1 not done: a file is there, or cannot be written, 2 bad usage
]]

local new = {}

-- ---- files ----

--- To open a FIFO would wait for somebody who writes into it.
local function is_there(path) return core.C.moon_is_file(path) ~= 0 end

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- The path of a file of the app.
local function within(folder, format, ...)
  local name = format:format(...)
  return folder == "." and name or ("%s/%s"):format(folder, name)
end

local function make_folder(path)
  if os.execute("mkdir -p -- " .. quoted(path)) ~= 0 then error(path .. ": no folder", 0) end
end

---@param told? string|false what is said of it in place of its path; false: nothing
local function write(path, text, told)
  make_folder(path:match "^(.*)/" or ".")
  local file, problem = io.open(path, "w")
  if not file then error(problem, 0) end
  file:write(text)
  file:close()
  if told ~= false then io.stdout:write("wrote ", told or path, "\n") end
end

--- All of them, or none when one is there.
---@param files { path: string, text: string, told: string|false|nil }[]
local function write_all(files)
  for _, file in ipairs(files) do
    if is_there(file.path) then
      error(file.path .. ": is there already, and was not replaced; nothing was written", 0)
    end
  end
  for _, file in ipairs(files) do write(file.path, file.text, file.told) end
end

-- ---- what is written ----

local function template(name, plugin)
  return (texts[TEMPLATES .. name]:gsub("NAME", plugin)) -- in a name nothing is special
end

local function write_library(folder)
  for _, path in ipairs(new.library()) do
    write(within(folder, ".moongate/library/%s", path:match "[^/]+$"), texts[path])
  end
end

--- The names of the texts that are the library, sorted.
---@return string[]
function new.library()
  local paths = {}
  for path in pairs(texts) do
    if path:sub(1, #LIBRARY) == LIBRARY then paths[#paths + 1] = path end
  end
  table.sort(paths)
  return paths
end

local function prepare_editor(folder)
  local path = within(folder, ".luarc.json")
  if is_there(path) then return end
  write(path, texts[TEMPLATES .. "luarc.json"])
  write_library(folder)
end

--- The names of the plugins of the chat, in their order.
local function chat()
  local names = {}
  for name in texts[LIST]:gmatch '\n  { "([%w_]+)"' do names[#names + 1] = name end
  return names
end

--- Their list, and in it, if there is a name, one more.
local function list_with(name)
  local text = texts[LIST]:gsub("The plugins of this gateway", "The plugins of this app", 1)
  if not name then return text end
  return (text:gsub("}\n$", ('  "%s",\n}\n'):format(name)))
end

--- An app whose list is missing is no place for a new one.
local function check_alone(folder)
  for _, own in ipairs(chat()) do
    local path = within(folder, "%s.lua", own)
    if is_there(path) then
      error(('%s: is not there, but %s is: write the list of your plugins, return { "%s" }, or '
        .. "give the folder of the app by --app"):format(within(folder, "init.lua"), path, own), 0)
    end
  end
end

--- The files of a plugin of the chat: itself, then the modules in its folder.
local function stems_of(plugin)
  local stems = {}
  for path in pairs(texts) do
    local stem = path:match "^scripts/(.*)%.lua$"
    if stem and stem:match "^[^/]*" == plugin then stems[#stems + 1] = stem end
  end
  table.sort(stems) -- "auth" is before "auth/guest"
  return stems
end

--- Of the modules of a plugin one line is enough: that of the first.
local function told_of(folder, stem)
  local plugin = stem:match "^(.*)/"
  if not plugin then return end
  return stem == stems_of(plugin)[2] and within(folder, "%s/*.lua", plugin)
end

--- Those of an app, with the plugins of the chat and, if there is a name, that one.
local function files_of_app(folder, name)
  local files = { { path = within(folder, "init.lua"), text = list_with(name) } }
  for _, own in ipairs(chat()) do
    for _, stem in ipairs(stems_of(own)) do
      if name and stem == name:gsub("%.", "/") then
        error(name .. ": a new app has a plugin of that name already", 0)
      end
      files[#files + 1] = { path = within(folder, "%s.lua", stem), told = told_of(folder, stem),
        text = texts[("scripts/%s.lua"):format(stem)] }
    end
  end
  return files
end

local function say_what_is_next(format, folder)
  local word = folder:find "[^%w_./-]" and quoted(folder) or folder
  io.stdout:write("next: ", (format:gsub("DIR", function() return word end)), "\n")
end

--- Where there is no app, it is in a new one: alone nobody could reach it.
---@param name string
---@param folder string of the app
function new.plugin(name, folder)
  local stem, init = name:gsub("%.", "/"), within(folder, "init.lua")
  local is_alone = not is_there(init)
  if is_alone then check_alone(folder) end
  local files = is_alone and files_of_app(folder, name) or {}
  for _, file in ipairs {
    { path = within(folder, "%s.lua", stem), text = template("plugin.lua", name) },
    { path = within(folder, "spec/%s_spec.lua", stem),
      text = template("plugin_spec.lua", name) },
    { path = within(folder, "%s.md", stem), text = template("plugin.md", name) },
  } do files[#files + 1] = file end
  write_all(files)
  prepare_editor(folder)
  if not is_alone then
    io.stdout:write(('add it to the list in %s:\n  "%s",\n'):format(init, name))
  end
  say_what_is_next("moongate check DIR, moongate test --app DIR, moongate run DIR", folder)
end

---@param folder string
function new.app(folder)
  write_all(files_of_app(folder))
  prepare_editor(folder)
  say_what_is_next("moongate new plugin NAME --app DIR, moongate run DIR", folder)
end

-- ---- the command line ----

local WHAT = {
  plugin = { argument = "NAME", takes_app = true, run = new.plugin },
  app = { argument = "DIR", run = new.app },
  library = { takes_app = true, run = write_library },
}

--- What --app and its value say, out of the words; nil and a problem.
local function read(words)
  local rest, folder, at = {}, nil, 1
  while words[at] do
    local word = words[at]
    if word == "--app" then
      folder, at = words[at + 1], at + 1
      if (folder or "") == "" then return nil, "--app: expected a folder" end
    elseif word:sub(1, 1) == "-" then
      return nil, word .. ": unknown option"
    else
      rest[#rest + 1] = word
    end
    at = at + 1
  end
  return rest, folder
end

local function problem_of_count(words, what)
  local wanted = what.argument and 2 or 1
  if (words[wanted] or "") == "" then return "expected " .. what.argument end
  if words[wanted + 1] then return words[wanted + 1] .. ": one word too many" end
end

local function problem_of(words, folder)
  local what = WHAT[words[1]]
  if not what then return "expected plugin, app or library" end
  if folder and not what.takes_app then return "--app: not for a new app" end
  local problem = problem_of_count(words, what)
  if problem or words[1] ~= "plugin" or list.is_name(words[2]) then return problem end
  if words[2] == "init" then
    return "init: no name for a plugin, the list of plugins is init.lua"
  end
  return ("%s: expected a name of letters, digits, _ and -, with dots for folders")
    :format(words[2])
end

local function asks_for_help(words)
  for _, word in ipairs(words) do
    if word == "--help" then return true end
  end
end

---@param ... string
---@return integer status for exit()
function new.main(...)
  if asks_for_help { ... } then
    io.stdout:write(HELP)
    return DONE
  end
  local words, folder = read { ... }
  local problem = not words and folder or problem_of(words, folder)
  if problem then
    io.stderr:write("moongate new: ", problem, "; see moongate new --help\n")
    return BAD
  end
  local arguments = { words[2] }
  if WHAT[words[1]].takes_app then arguments[#arguments + 1] = folder or "." end
  local ok, why = pcall(WHAT[words[1]].run, unpack(arguments))
  if ok then return DONE end
  io.stderr:write("moongate new: ", why, "\n")
  return FAILED
end

return new
