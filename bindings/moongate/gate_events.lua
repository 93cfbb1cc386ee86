--- Of the gate: what has happened, and what plugins tell each other of it.
local checks = require "moongate.check"
local request = require "moongate.request"

local check, check_called, check_loading = checks.kind, checks.called, checks.loading

-- what gate:after tells beside the requests that were granted, and what plugins tell
local OF_THE_CORE = { opened = true, admitted = true, closed = true, slow = true, drained = true }

---@class moongate.Gate
local gate = {}

--- Is told of what happened: "opened" (conn), "admitted" (conn) when conn:admit has given it a name
--- and who called that has ended or waits, "slow" and "drained" (conn, books), "closed" (conn,
--- reason, code, books) once per connection, a request that was granted (conn, message, reply
--- data), or what another plugin tells: see gate:tell.
---@param event string
---@param fn function
function gate:after(event, fn)
  check_loading(self, "gate:after")
  checks.name(event, "gate:after")
  check(fn, "function", "gate:after")
  table.insert(self.plugin.after, { name = event, fn = fn })
end

--- Declares events that this plugin will tell others of.
---@param ... string names of their own: of no request, and told by no other plugin
function gate:tells(...)
  check_loading(self, "gate:tells", select("#", ...))
  for i = 1, select("#", ...) do
    local event = select(i, ...)
    checks.name(event, "gate:tells")
    if OF_THE_CORE[event] then
      error(('gate:tells: "%s" is told by the gateway itself'):format(event), 2)
    end
    self.registry:add_event(self.plugin, event)
  end
end

--- Tells all who asked by gate:after, one after the other, needed plugins first; returns when they
--- have heard. One that fails does not keep it from the others; one that waits, as it may when a
--- task tells, holds them up, and who tells.
---@param event string declared by gate:tells
---@param ... any what they get; from a guarded plugin, and to one, a copy, and so data
function gate:tell(event, ...)
  check_called(self, "gate:tell")
  checks.in_force(self, "gate:tell")
  check(event, "string", "gate:tell")
  if not self.plugin.tells[event] then
    error(('gate:tell: "%s" is not declared: gate:tells "%s" does, while the plugin loads'):format(
      event, event), 2)
  end
  request.tell(event, ...)
end

return { methods = gate, OF_THE_CORE = OF_THE_CORE }
