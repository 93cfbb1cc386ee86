--- Where the scripts, and the C below them, spend their time: moongate ctl profile.
--
-- bindings/profile.c collects; here it is begun, ended, and given the names of plugins.
local core = require "moongate.ffi"
local plugin = require "moongate.plugin"
local task = require "moongate.task"

local C = core.C

local DEFAULT_S, MAX_S = 5, 50
local LOOK_MS = 200     -- between two looks at whether somebody still waits for it
local GRACE_MS = 5000   -- of its deadline
local RUNTIME = "moongate" -- whose the stacks outside of plugins are

local profile = {}

local asker = core.new "struct moon_asker"
local result = core.new "struct moon_profile"

--- The whole seconds, or nil and what is wrong.
local function read_seconds(text)
  if text == nil then return DEFAULT_S end
  local seconds = tonumber(text)
  if seconds and seconds >= 0.1 and seconds <= MAX_S then return seconds end
  return nil, ('argument "seconds": expected a number from 0.1 to %d, got "%s"'):format(MAX_S,
    text)
end

local function note_names(names)
  for name, owner in pairs(plugin.current().plugins) do names[owner.index] = name end
  names[0] = RUNTIME
end

local function escaped(text) return (text:gsub("%p", "%%%0")) end

--- Numbers become names, and files of the app lose its folder. What is no UTF-8 becomes "?".
local function named(folded, names)
  local current = plugin.current()
  local folder = current.sources.folder
    or current.plugins[current.names[1]].file:match "^(.*)/[^/]*$"
  if C.moon_is_utf8(folded, #folded) == 0 then folded = folded:gsub("[\128-\255]", "?") end
  if folder then
    folded = folded:gsub(";" .. escaped(folder:gsub("[%c ;]", "_")) .. "/+", ";")
  end
  return (string.gsub("\n" .. folded, "\n(%d+)", function(who)
    return "\n" .. (names[tonumber(who)] or "plugin " .. who)
  end):sub(2))
end

--- Sleeps until then; false when nobody waits for the answer any more.
local function wait_until(stop_ms, ticket)
  while true do
    local left_ms = stop_ms - C.moon_clock_ms()
    if left_ms <= 0 then return true end
    task.sleep(math.min(left_ms, LOOK_MS))
    if C.moon_asker(ticket, asker) ~= C.MOON_OK then return false end
  end
end

local function summary(seconds)
  local ticks, tick_ms = result.ticks, result.tick_us / 1000
  local text = ("%d samples, one each %.1f ms: the logic thread was busy for %.0f %% of %g s")
    :format(ticks, tick_ms, math.min(ticks * tick_ms / seconds / 10, 100), seconds)
  if result.dropped == 0 then return text end
  return ("%s; %d of them are left out: there were too many different stacks"):format(text,
    result.dropped)
end

local function begin(name)
  local owner = name and plugin.current().plugins[name]
  if name and (not owner or owner.index == 0) then
    return nil, "bad_argument", ('there is no plugin "%s" to tell apart; there are: %s')
      :format(name, table.concat(plugin.current().names, ", "))
  end
  local status = C.moon_profile_start(owner and owner.index or 0)
  if status == C.MOON_OK then return true end
  if status == C.MOON_EFULL then return nil, "failed", "another profile is being taken" end
  return nil, "failed", "the system has no timer for it"
end

--- Takes a profile. As a task.
---@param arguments { seconds?: string, plugin?: string }
---@param ticket integer of who has asked: it ends when they have gone
---@return string? text
---@return any data { folded, ticks, dropped, tick_us, seconds }; without text a code
---@return string? message
function profile.take(arguments, ticket)
  local seconds, problem = read_seconds(arguments.seconds)
  if not seconds then return nil, "bad_argument", problem end
  task.deadline(task.current "moongate ctl profile", seconds * 1000 + GRACE_MS)
  local names, ok, code, message = {}, begin(arguments.plugin)
  if not ok then return nil, code, message end
  note_names(names)
  local has_slept, is_awaited = pcall(wait_until, C.moon_clock_ms() + seconds * 1000, ticket)
  C.moon_profile_stop(result)
  if not has_slept then error(is_awaited, 0) end
  if not is_awaited then return nil, "failed", "whoever has asked has gone" end
  note_names(names)
  return summary(seconds), { folded = named(core.string(result.folded, result.length), names),
    ticks = result.ticks, dropped = result.dropped, tick_us = result.tick_us, seconds = seconds }
end

return profile
