--- The errors of plugins, grouped by plugin, generation and line, for the log and for people.
local core = require "moongate.ffi"
local json = require "moongate.json"
local log = require "moongate.log"
local repeats = require "moongate.repeats"
local secret = require "moongate.secret"

local MAX_GROUPS = 256
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

local errors = {}

local groups, count = {}, 0 -- "plugin#generation file:line" -> moongate.ErrorGroup

-- ---- samples ----

--- What was asked, as far as it can be shown.
---@param asked any a request, or what handles an HTTP request gets
---@return string?
local function sample_of(asked)
  if type(asked) ~= "table" then return end
  if rawget(asked, "method") then
    asked = { method = asked.method, path = asked.path }
  elseif getmetatable(asked) then
    return -- a connection, a room
  end
  local text = json.encode(secret.masked(asked))
  return text and text:sub(1, MAX_SAMPLE_BYTES)
end

-- ---- groups ----

local function make_room()
  local oldest
  for key, group in pairs(groups) do
    if not oldest or group.last_ms < groups[oldest].last_ms then oldest = key end
  end
  groups[oldest], count = nil, count - 1
end

local function group_of(plugin, doing, text, asked)
  local key = ("%s %s"):format(plugin.label, string.match(text, "^%S-:%d+") or text)
  local group, now_ms = groups[key], core.C.moon_time_ms()
  if not group then
    if count >= MAX_GROUPS then make_room() end
    group = { plugin = plugin.label, doing = doing, text = text, count = 0, first_ms = now_ms,
      sample = sample_of(asked) }
    groups[key], count = group, count + 1
  end
  group.count, group.last_ms = group.count + 1, now_ms
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
  local key = group_of(plugin, doing, text, asked)
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
    if not name or group.plugin:match "^(.*)#" == name then list[#list + 1] = group end
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
