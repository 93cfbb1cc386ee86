--- A plugin for the specs of gate.store: runs Lua that a spec sends, as a task. So one example
-- runs in the real server and on the fake gate alike.

local PRELUDE = [[
local gate = ...
local store, null = gate.store, gate.json.null
local function is_same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for k, v in pairs(a) do if not is_same(v, b[k]) then return false end end
  for k in pairs(b) do if a[k] == nil then return false end end
  return true
end
local function shown(value)
  return type(value) == "table" and gate.json.encode(value) or tostring(value)
end
local function same(expected, ...)
  local found = { ... }
  for i = 1, math.max(#expected, select("#", ...)) do
    if not is_same(expected[i], found[i]) then
      error(("result %d: expected %s, got %s"):format(i, shown(expected[i]), shown(found[i])), 2)
    end
  end
end
local function eventually(look)
  for _ = 1, 3000 do
    if look() then return end
    gate:sleep(1)
  end
  error("waited in vain", 2)
end
local function fails(problem, fn, ...)
  local ok, found = pcall(fn, ...)
  if ok or not found:find(problem, 1, true) then
    error(("expected the error %q, got %s"):format(problem, tostring(found)), 2)
  end
end
]]

--- The plugin, which takes the Lua at POST path.
local function plugin(path)
  return ([[return function(gate)
  gate:http("POST", %q, function(request)
    local fn, problem = loadstring(request.body, "=example")
    if not fn then return problem, 400 end
    local ok, result = xpcall(fn, debug.traceback, gate)
    if ok then return tostring(result) end
    return result, 500
  end)
end]]):format(path)
end

return { PRELUDE = PRELUDE, plugin = plugin }
