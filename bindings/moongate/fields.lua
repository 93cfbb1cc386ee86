--- What may be wrong with a table of named fields that a script passes.
local fields = {}

--- nil when all names are known, else what is wrong.
---@param given table
---@param known table<string, any>
---@return string? problem
function fields.unknown(given, known)
  for name in pairs(given) do
    if not known[name] then
      local names = {}
      for each in pairs(known) do names[#names + 1] = each end
      table.sort(names)
      return ('there is no "%s", there are: %s'):format(tostring(name), table.concat(names, ", "))
    end
  end
end

local MAX_WHOLE = 4294967295 -- what the core's uint32_t holds

local function not_whole(name, value, max)
  if type(value) ~= "number" or value < 1 or value % 1 ~= 0 then
    return ("%s: expected a whole number of at least 1, got %s"):format(name, tostring(value))
  end
  if value > max then
    return ("%s: expected at most %.0f, got %.0f"):format(name, max, value)
  end
end

--- Writes the numbers that are given into a struct, where 0 means: stays as it is.
---@param struct ffi.cdata*
---@param given table
---@param names table<string, string> name -> field of the struct
---@param maxima? table<string, integer> by name
---@return string? problem
function fields.fill(struct, given, names, maxima)
  for name, field in pairs(names) do
    local value = given[name]
    local max = maxima and maxima[name] or MAX_WHOLE
    local problem = value ~= nil and not_whole(name, value, max)
    if problem then return problem end
    struct[field] = value or 0
  end
end

--- nil when it is a list of such strings, else what is wrong.
---@param name string
---@param list any
---@param is_wanted fun(value: string): boolean
---@param wanted string what that means: "an origin"
---@return string? problem
function fields.not_list(name, list, is_wanted, wanted)
  if type(list) ~= "table" then
    return ("%s: expected a list, got %s"):format(name, tostring(list))
  end
  local count = 0
  for _, value in pairs(list) do
    count = count + 1
    if type(value) ~= "string" or not is_wanted(value) then
      return ("%s: expected %s, got %s"):format(name, wanted, tostring(value))
    end
  end
  if count ~= #list then return name .. ": expected a list, got a table with names" end
end

return fields
