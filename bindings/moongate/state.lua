--- What belongs to the gateway and not to the code: gate.state of each plugin.
local state = {}

local of_plugin = {} -- plugin name -> table

---@param plugin string
---@return table state the same table for every generation of the plugin
function state.of(plugin)
  local found = of_plugin[plugin] or {}
  of_plugin[plugin] = found
  return found
end

local function remember(value, copies)
  if type(value) ~= "table" or copies[value] then return end
  local copy = {}
  copies[value] = copy
  for k, v in pairs(value) do
    copy[k] = v
    remember(k, copies)
    remember(v, copies)
  end
end

--- Remembers all states as they are now.
---@return fun() restore puts back every table in place, so that old references stay good
function state.snapshot()
  local copies = {} -- table -> shallow copy
  remember(of_plugin, copies)
  return function()
    for original, copy in pairs(copies) do
      for k in pairs(original) do original[k] = nil end
      for k, v in pairs(copy) do original[k] = v end
    end
  end
end

return state
