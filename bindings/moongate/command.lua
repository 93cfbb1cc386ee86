--- Slash commands: what is said with a slash in front is for a plugin, not for the room.
local core = require "moongate.ffi"
local runs = require "moongate.run"
local trim = require "moongate.trim"

local MAX_WORDS = 64
local MAX_ABOUT_BYTES = 200 -- /help has those of all commands in a message

-- Whose /help is.
local OWN = { name = "command", label = "command", index = 0, budget = runs.BUDGET }

local command = {}

--- The text of what is said: the data itself, or its field `text`.
local function text_of(message)
  local data = message.data
  if type(data) == "table" then data = data.text end
  return type(data) == "string" and data or ""
end

---@class moongate.Words: string[] what follows the command, cut at blanks
---@field text string the same, uncut

---@param text string
---@return moongate.Words
local function words_of(text)
  local words = { text = text }
  for word in string.gmatch(text, "%S+") do
    if #words == MAX_WORDS then break end
    words[#words + 1] = word
  end
  return words
end

local function help(commands)
  local list = {}
  for name, entry in pairs(commands) do list[#list + 1] = { name = name, about = entry.about } end
  table.sort(list, function(a, b) return a.name < b.name end)
  return { commands = list }
end

--- nil, or what is wrong with the name.
---@param name any
---@return string? problem
function command.problem_of_name(name)
  if type(name) == "string" and name:find "^%l[%l%d_-]*$" and #name <= 32 then return end
  return ('expected a name of at most 32 lower-case letters, digits, _ and -, got "%s"'):format(
    tostring(name))
end

--- nil, or what is wrong with what /help says of it.
---@param about string
---@return string? problem
function command.problem_of_about(about)
  local is_line = #about <= MAX_ABOUT_BYTES and not string.find(about, "%c")
  if is_line and core.C.moon_is_utf8(about, #about) == 1 then return end
  return ("expected one line of at most %d bytes of UTF-8"):format(MAX_ABOUT_BYTES)
end

--- Who handles what is said instead of the plugin that handles "say"; nil: nobody does. Two
--- slashes are one that is meant.
---@param commands table<string, table> name -> { fn, plugin, about }
---@param message table
---@return table? entry { fn, plugin, doing }
---@return moongate.Words? words
---@return string? unknown name of a command that nobody has
function command.find(commands, message)
  local text = text_of(message)
  local name, behind = string.match(text, "^/([%w_-]+)()")
  if not name then return end
  name = name:lower()
  if commands[name] then return commands[name], words_of(trim(text, behind)) end
  if name == "help" then
    return { fn = function() return help(commands) end, plugin = OWN, doing = "command help" }, {}
  end
  return nil, nil, name
end

--- Takes one of two slashes away.
---@param message table
function command.unescape(message)
  local text = text_of(message)
  if text:sub(1, 2) ~= "//" then return end
  if type(message.data) == "table" then
    message.data.text = text:sub(2)
  else
    message.data = text:sub(2)
  end
end

return command
