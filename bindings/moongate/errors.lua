--- The errors of plugins, grouped by plugin, generation and line, for the log and for people.
local core = require "moongate.ffi"
local json = require "moongate.json"
local log = require "moongate.log"
local repeats = require "moongate.repeats"
local secret = require "moongate.secret"

local MAX_GROUPS = 256
local MAX_GROUPS_EACH = 64   -- of one plugin, in all its generations
local MAX_TEXT_BYTES = 300   -- of the message
local MAX_SAMPLE_BYTES = 1024

---@class moongate.ErrorGroup
---@field plugin string "rooms#3"
---@field doing string what the first was about
---@field text string first line of the first: file, line and reason
---@field count integer
---@field first_ms number since 1970 UTC
---@field last_ms number
---@field sample? string the first one's request as JSON, without its secrets
---@field name string of the plugin

local errors = {}

local groups, count = {}, 0 -- "plugin#generation file:line" -> moongate.ErrorGroup
local counts = {}           -- name of a plugin -> number of its groups

-- ---- samples ----

--- Of what is said with a slash in front the command: what follows may be a password.
local function without_arguments(text)
  if type(text) ~= "string" then return text end
  return (text:gsub("^(/[%w_-]+)[^%w_-].*$", "%1 ..."))
end

--- What was asked, as far as it can be shown. Runs no code of who has made it.
---@param asked any a request, or what handles an HTTP request gets
---@return string?
local function sample_of(asked)
  if type(asked) ~= "table" then return end
  if getmetatable(asked) ~= nil then
    local method, path = rawget(asked, "method"), rawget(asked, "path")
    if not method then return end -- a connection, a room
    asked = { method = method, path = path }
  end
  local copy = secret.masked(asked)
  copy.data = without_arguments(copy.data)
  if type(copy.data) == "table" then copy.data.text = without_arguments(copy.data.text) end
  local text = json.encode(copy)
  return text and text:sub(1, MAX_SAMPLE_BYTES)
end

-- ---- places ----

local FOLDER = string.match(debug.getinfo(1, "S").source, "^@(.*/)") or "" -- of the runtime

--- LuaJIT shows of a long path the end.
local function is_of_runtime(path)
  local whole = FOLDER .. path:sub(string.match(path, "^.*/()") or 1)
  if path:sub(1, 3) == "..." then return whole:sub(3 - #path) == path:sub(4) end
  return whole == path
end

--- File and line: what the message says if the traceback has it, or else the first of the app in
--- the traceback. A message that only looks as if it had one decides nothing.
local function place_of(text, problem, doing)
  local said = string.match(text, "^(%S-:%d+): ")
  local at = string.match(problem, "^.*()\nstack traceback:\n") -- the last: a message may have one
  if not at then return said or doing end
  if said and string.find(problem, "\n\t" .. said .. ":", at, true) then return said end
  for path, line in string.gmatch(problem:sub(at), "\n\t([^\n]-):(%d+): in ") do
    if not is_of_runtime(path) then return path .. ":" .. line end
  end
  return doing
end

-- ---- groups ----

local function drop_oldest(name)
  local oldest
  for key, group in pairs(groups) do
    if group.name == name and (not oldest or group.last_ms < groups[oldest].last_ms) then
      oldest = key
    end
  end
  groups[oldest], count, counts[name] = nil, count - 1, counts[name] - 1
  if counts[name] == 0 then counts[name] = nil end
end

--- So that nobody's errors push out those of all others: of the plugin that has most of them.
local function make_room()
  local fullest
  for name, many in pairs(counts) do
    if not fullest or many > counts[fullest] then fullest = name end
  end
  drop_oldest(fullest)
end

local function open(key, plugin, doing, text, asked)
  local name = string.match(plugin.label, "^(.*)#") or plugin.label
  if (counts[name] or 0) >= MAX_GROUPS_EACH then
    drop_oldest(name)
  elseif count >= MAX_GROUPS then
    make_room()
  end
  groups[key] = { plugin = plugin.label, name = name, doing = doing, text = text, count = 0,
    first_ms = core.C.moon_time_ms(), sample = sample_of(asked) }
  count, counts[name] = count + 1, (counts[name] or 0) + 1
  return groups[key]
end

local function group_of(plugin, doing, text, problem, asked)
  local key = ("%s %s"):format(plugin.label, place_of(text, problem, doing))
  local group = groups[key] or open(key, plugin, doing, text, asked)
  group.count, group.last_ms = group.count + 1, core.C.moon_time_ms()
  return key
end

--- Code of a plugin has failed: the log says so, the first few times in ten seconds.
---@param plugin moongate.Plugin
---@param doing string?
---@param problem any a traceback
---@param asked any the request, if it was one
---@param is_rare? boolean the log has it each time
function errors.note(plugin, doing, problem, asked, is_rare)
  problem, doing = tostring(problem), doing or "?"
  local text = string.match(problem, "^[^\n]*"):sub(1, MAX_TEXT_BYTES)
  local key = group_of(plugin, doing, text, problem, asked)
  local is_due, missed = repeats.is_due(key)
  if not is_due and not is_rare then return end
  log.error(plugin.label, "%s: %s%s", doing, problem, repeats.words(missed))
end

--- The groups, the one with the latest error first.
---@param name? string of the only plugin
---@return moongate.ErrorGroup[]
function errors.list(name)
  local list = {}
  for _, group in pairs(groups) do
    if not name or group.name == name then list[#list + 1] = group end
  end
  table.sort(list, function(a, b)
    if a.last_ms ~= b.last_ms then return a.last_ms > b.last_ms end
    return a.text < b.text
  end)
  return list
end

local function when(ms) return os.date("!%Y-%m-%dT%H:%M:%SZ", ms / 1000) end

---@param list moongate.ErrorGroup[]
---@return string
function errors.text(list)
  if not list[1] then return "no errors" end
  local lines = {}
  for _, group in ipairs(list) do
    local times = group.count == 1 and "once, " .. when(group.first_ms)
      or ("%d times, %s to %s"):format(group.count, when(group.first_ms), when(group.last_ms))
    lines[#lines + 1] = ("%s  %s: %s"):format(group.plugin, group.doing, group.text)
    lines[#lines + 1] = "  " .. times
    if group.sample then lines[#lines + 1] = "  asked: " .. group.sample end
  end
  return table.concat(lines, "\n")
end

return errors
