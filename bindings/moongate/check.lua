--- Arguments of the gate's functions: the error names the function, in the caller's line.
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

--- Registration is for the time of loading: later the loader would not see it.
function check.loading(self, what)
  check.called(self, what, 4)
  if self.plugin.is_loaded then error(what .. " is only possible while the plugin loads", 3) end
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
