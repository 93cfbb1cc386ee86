--- Sorted lists of names, each name once.

local names = {}

--- The place of the first name that is not below this one.
---@param list string[]
---@param name string
---@return integer
function names.place(list, name)
  local low, high = 1, #list + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if list[middle] < name then low = middle + 1 else high = middle end
  end
  return low
end

---@param list string[]
---@param name string
function names.put(list, name)
  local place = names.place(list, name)
  if list[place] ~= name then table.insert(list, place, name) end
end

---@param list string[]
---@param name string
function names.drop(list, name)
  local place = names.place(list, name)
  if list[place] == name then table.remove(list, place) end
end

--- Where a list begins that has only what comes behind `after` and begins with `prefix`.
local function first_place(list, after, prefix)
  local place = names.place(list, prefix or "")
  if not after then return place end
  local behind = names.place(list, after)
  if list[behind] == after then behind = behind + 1 end
  return math.max(place, behind)
end

--- Goes through the names of some lists, in their order: those behind `after` that begin with
--- `prefix`. The lists have no name in common, and do not change meanwhile.
---@param lists string[][]
---@param after? string
---@param prefix? string
---@return fun(): string? next_name
function names.walk(lists, after, prefix)
  local places = {}
  for i, list in ipairs(lists) do places[i] = first_place(list, after, prefix) end
  return function()
    local least, from
    for i, list in ipairs(lists) do
      local name = list[places[i]]
      if name and (not least or name < least) then least, from = name, i end
    end
    if not least or (prefix and least:sub(1, #prefix) ~= prefix) then return nil end
    places[from] = places[from] + 1
    return least
  end
end

return names
