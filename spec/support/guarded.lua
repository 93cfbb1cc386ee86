--- Pieces of code that run in a guarded plugin, and what has become of each.
local fake_gate = require "spec.support.fake_gate"

---@class spec.Guarded
---@field gate fake_gate
---@field ann table a connection
local Guarded = {}
local guarded_mt = { __index = Guarded }

--- The plugin "a" runs what it is told to; `other` is a trusted one, "b".
---@param other? string source of the other one
---@param capabilities? string as in a list: '"fetch", "store"'
---@param files? table<string, string> more of the app
---@return spec.Guarded
local function load(other, capabilities, files)
  local app = {
    init = ('return { { "a", capabilities = { %s } }, { "b", trust = "trusted" } }'):format(
      capabilities or ""),
    a = [[return function(gate)
      local has_other, other = pcall(gate.use, gate, "b", "1.0")
      gate:on("run", function(conn, message)
        local fn = assert(load(message.code))
        gate_given, conn_given, message_given = gate, conn, message
        other_given = has_other and other
        local ok, value = pcall(fn)
        return { ok = ok, value = tostring(value) }
      end)
    end]],
    b = other or "return function() end",
  }
  for name, text in pairs(files or {}) do app[name] = text end
  local gate = fake_gate.load(app)
  return setmetatable({ gate = gate, ann = gate:connect "ann" }, guarded_mt)
end

--- What the code returns, as a text, or what it raises.
---@param code string with `gate`, `conn`, `message` and `other`, the API of "b"
---@return string text
---@return boolean ok
function Guarded:run(code)
  local head = "local gate, conn, message = gate_given, conn_given, message_given "
    .. "local other = other_given "
  local answer = self.gate:ask(self.ann, { type = "run", code = head .. code })
  self.gate:later(100)
  assert(answer.data, answer.code)
  return answer.data.value, answer.data.ok
end

--- The same of code that raises: without the place.
function Guarded:problem(code)
  local text, ok = self:run(code)
  assert(not ok, "it has returned " .. text)
  return (text:gsub("^%S+%.lua%(load%):%d+: ", ""))
end

return { load = load }
