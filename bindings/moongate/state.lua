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

--- All tables that can be reached, each with a copy of itself. A list instead of recursion:
--- a state may be a long chain.
local function copy_all(root)
  local copies, found = { [root] = {} }, { root }
  local function note(value)
    if type(value) == "table" and not copies[value] then
      copies[value] = {}
      found[#found + 1] = value
    end
  end
  local i = 1
  while found[i] do
    local copy = copies[found[i]]
    for k, v in pairs(found[i]) do
      copy[k] = v
      note(k)
      note(v)
    end
    i = i + 1
  end
  return copies
end

--- Remembers all states as they are now.
---@return fun() restore puts back every table in place, so that old references stay good
function state.snapshot()
  local copies = copy_all(of_plugin)
  return function()
    for original, copy in pairs(copies) do
      for k in pairs(original) do original[k] = nil end
      for k, v in pairs(copy) do original[k] = v end
    end
  end
end

return state
