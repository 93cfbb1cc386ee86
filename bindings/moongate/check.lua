--- Arguments of the gate's functions: the error names the function, in the caller's line.
local core = require "moongate.ffi"

local MAX_NAME_BYTES = 64 -- as of the types that clients ask for
local MAX_REGISTERED = 1000
local MOST = { ["gate:command"] = 100 } -- /help has all of them in a message

local check = {}

---@param value any
---@param wanted string type
---@param what string the function: "gate:on"
---@param level? integer of error(), 3 for who calls the function
function check.kind(value, wanted, what, level)
  if type(value) ~= wanted then
    error(("%s: expected a %s, got %s"):format(what, wanted, type(value)), level or 3)
  end
end

--- A name that people and programs will read: in the log, as the value of a label.
---@param value any
---@param what string
---@param level? integer
function check.name(value, what, level)
  level = level or 3
  check.kind(value, "string", what, level + 1)
  local is_text = value ~= "" and #value <= MAX_NAME_BYTES
    and core.C.moon_is_utf8(value, #value) == 1
  if is_text and not string.find(value, "%c") then return end
  error(("%s: expected a name of 1 to %d bytes of UTF-8, without control characters"):format(what,
    MAX_NAME_BYTES), level)
end

--- Who is called is a gate.
---@param level? integer
function check.called(self, what, level)
  if type(self) ~= "table" or not self.plugin then
    error(("%s: called with a dot, it is %s(...)"):format(what:gsub(":", "."), what), level or 3)
  end
end

---@param level? integer
function check.conn(value, what, level)
  if type(value) ~= "table" or not value.id then
    error(("%s: expected a connection, got %s"):format(what, type(value)), level or 3)
  end
end

--- Registration is for the time of loading: later the loader would not see it. Of one kind a
--- plugin registers so many: somebody lists them all.
---@param count? integer
function check.loading(self, what, count)
  check.called(self, what, 4)
  local plugin = self.plugin
  if plugin.is_loaded then error(what .. " is only possible while the plugin loads", 3) end
  local registered = plugin.registered or {}
  plugin.registered = registered
  registered[what] = (registered[what] or 0) + (count or 1)
  local most = MOST[what] or MAX_REGISTERED
  if registered[what] > most then error(("%s: at most %d of a plugin"):format(what, most), 3) end
end

--- What acts on the world waits until its code is in force: that may still be refused.
function check.in_force(self, what)
  if self.registry.is_complete then return end
  error(what .. ": not while a plugin is loaded or migrated: gate:spawn has it done when the code "
    .. "takes over", 3)
end

--- A number of milliseconds.
function check.delay(value, least, what)
  check.kind(value, "number", what, 4)
  if value ~= value or value == math.huge then
    error(("%s: expected a finite number of ms, got %s"):format(what, tostring(value)), 3)
  elseif value < least then
    error(("%s: expected at least %d ms, got %s"):format(what, least, tostring(value)), 3)
  end
end

return check
