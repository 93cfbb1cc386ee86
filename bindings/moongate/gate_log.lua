--- Of the gate: the log.
local checks = require "moongate.check"
local log = require "moongate.log"

local check, check_called = checks.kind, checks.called

---@class moongate.Gate
local gate = {}

--- Of Lua's own complaint what is in its parentheses; of what a value raised in __tostring, all.
local function reason_of(problem)
  local first = string.find(problem, "(", 1, true)
  return first and problem:sub(-1) == ")" and problem:sub(first + 1, -2) or problem
end

local function line_of(what, format, ...)
  if select("#", ...) == 0 then return format end
  local ok, line = pcall(format.format, format, ...)
  if ok then return line end
  error(('%s: "%s": %s'):format(what, format, reason_of(line)), 3)
end

for _, level in ipairs { "error", "warn", "info", "debug" } do
  --- gate:info(format, ...): one line in the log, with the plugin's name and generation.
  gate[level] = function(self, format, ...)
    check_called(self, "gate:" .. level)
    check(format, "string", "gate:" .. level)
    log[level](self.plugin.label, line_of("gate:" .. level, format, ...))
  end
end

return { methods = gate }
