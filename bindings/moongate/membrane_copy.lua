--- Copies of the data that one plugin gives another, so that neither has a table of the other's.
--
-- What is no data in them is mapped by who copies: map(realm, value).
local task = require "moongate.task"

local MAX_DEPTH = 32 -- tables in each other

local membrane_copy = {
  MAX_COPIED = 100000, -- values that one call hands over, the names in tables among them
  MAX_GIVEN = 200000,  -- of one message, or reply: all that can be read from a client
}

local most, left -- values that may be copied, and how many of them are left

---@param what string
function membrane_copy.refuse(what)
  error(what .. " cannot be handed over by a guarded plugin, or to one", task.level_of_app())
end

local refuse = membrane_copy.refuse

local function refuse_many() refuse(("what has over %d values"):format(most)) end

local function copy(map, realm, value, seen, depth)
  left = left - 1
  if left < 0 then refuse_many() end
  if type(value) ~= "table" or getmetatable(value) ~= nil then return map(realm, value) end
  if seen[value] then return seen[value] end
  if depth > MAX_DEPTH then refuse(("a table of over %d levels"):format(MAX_DEPTH)) end
  local made = {}
  seen[value] = made
  for key, inner in next, value do
    made[copy(map, realm, key, seen, depth + 1)] = copy(map, realm, inner, seen, depth + 1)
  end
  return made
end

--- The next values are of one call: so many may be copied.
---@param count integer
function membrane_copy.begin(count) most, left = count, count end

--- One of the values of a call.
---@param map fun(realm: moongate.Realm, value: any): any
---@param realm moongate.Realm
---@param value any
---@return any
function membrane_copy.of(map, realm, value)
  if type(value) ~= "table" then return map(realm, value) end
  return copy(map, realm, value, {}, 1)
end

-- ---- what has become of a copy ----

local looks    -- how many more values may be looked at
local compared -- table -> what it was found to be like, or is compared with now

local is_same

local function are_same(map, realm, value, made, depth)
  local count = 0
  for key, inner in next, value do
    looks = looks - 1
    if type(key) == "table" or not is_same(map, realm, inner, rawget(made, key), depth + 1) then
      return false
    end
    count = count + 1
  end
  for _ in next, made do count = count - 1 end
  return count == 0
end

--- Whether a value and what was made of it are still alike. What is too large to be looked at is
--- not.
function is_same(map, realm, value, made, depth)
  looks = looks - 1
  if looks < 0 or depth > MAX_DEPTH then return false end
  local is_data = type(made) == "table" and getmetatable(made) == nil
  if not is_data or type(value) ~= "table" or getmetatable(value) ~= nil then
    return rawequal(value, map(realm, made))
  end
  if compared[value] == made then return true end
  compared[value] = made
  return are_same(map, realm, value, made, depth)
end

local function bring_up(map, realm, value, made, is_for_others)
  local seen, is_changed = {}, false
  left = left - 1
  for key, inner in next, made do
    local its, before = type(key) == "table" and map(realm, key) or key, looks
    left = left - 1
    if not is_same(map, realm, rawget(value, its), inner, 2) then
      is_changed, compared = true, {} -- what was compared on the way is not known to be alike
      rawset(value, its, copy(map, realm, inner, seen, 2))
    elseif is_for_others then
      left = left - (before - looks)
    end
  end
  if is_changed and left < 0 then refuse_many() end
end

--- Brings a table up to what somebody has made of its copy, with copies of what is new. What is as
--- it was stays the same table. What is for others can be copied in whole then: else they would
--- fail who have done nothing.
---@param map fun(realm: moongate.Realm, value: any): any
---@param realm moongate.Realm
---@param value table
---@param made table
---@param is_for_others? boolean
function membrane_copy.take_back(map, realm, value, made, is_for_others)
  for key in next, value do
    if type(key) == "table" or rawget(made, key) == nil then rawset(value, key, nil) end
  end
  local outer_most, outer_left = most, left
  membrane_copy.begin(membrane_copy.MAX_GIVEN)
  looks, compared = 2 * membrane_copy.MAX_GIVEN, {}
  bring_up(map, realm, value, made, is_for_others)
  most, left, compared = outer_most, outer_left, nil
end

return membrane_copy
