--- One task does what several ask for at the same time, and all of them get what it returns.
local request = require "moongate.request"
local task = require "moongate.task"
local timer = require "moongate.timer"

local AT_ONCE = 100 -- are told in one go, then others have a turn

-- generation of a plugin -> key -> list of those who wait: functions that take the results
local under_way = setmetatable({}, { __mode = "k" })

local function tell(waiters, first, ...)
  for i = first, math.min(first + AT_ONCE - 1, #waiters) do waiters[i](...) end
  local next_one = first + AT_ONCE
  if next_one > #waiters then return end
  local results, count = { ... }, select("#", ...)
  timer.start(0, function() tell(waiters, next_one, unpack(results, 1, count)) end)
end

local function begin(plugin, keys, key, fn)
  local waiters = keys[key]
  local function conclude(ok, ...)
    keys[key] = nil
    if ok then return tell(waiters, 1, ...) end
    tell(waiters, 1, nil, ...)
  end
  task.run(function()
    task.if_given_up(function() conclude(false, "timeout") end)
    conclude(request.guard(plugin, "gate:share", fn))
  end)
end

--- See gate:share.
---@param plugin moongate.Plugin
---@param key string
---@param fn function
---@return any ...
local function share(plugin, key, fn)
  return task.wait("gate:share", function(done)
    under_way[plugin] = under_way[plugin] or {}
    local keys = under_way[plugin]
    local is_first = not keys[key]
    keys[key] = keys[key] or {}
    table.insert(keys[key], done)
    if is_first then begin(plugin, keys, key, fn) end
  end)
end

return share
