--- What other plugins have done about rooms, in the name of whom they like and with the rights of
--- an admin.

local names = require "auth.names"
local changes = require "rooms.changes"
local listing = require "rooms.listing"

-- Of the requests those that are no visit.
local VERBS = { create = true, describe = true, set = true, rename = true, archive = true,
  unarchive = true, delete_room = true, invite = true, role = true }

local office = {}

--- The owner of a room that is made: false is nobody.
local function owner_of(house, owner)
  if owner == nil then return false end
  if not (names.is_user(owner) and house.is_utf8(owner)) then
    return nil, "data.owner: expected the name of a user"
  end
  return owner
end

--- As the request of this name. May wait.
---@param house rooms.House
---@param verb string
---@param by string for those who are told who it was
---@param name string of the room
---@param data? table of the request; of create also `owner`, without whom nobody owns the room
---@return table? data nil: refused
---@return string? code
---@return string? text
---@return boolean? temporary
function office.act(house, verb, by, name, data)
  if not VERBS[verb] then error(("no such verb: %s"):format(tostring(verb)), 2) end
  data = house:data { data = data }
  local owner, problem = owner_of(house, data.owner)
  if owner == nil then return nil, "bad_request", problem end
  local actor = { user = by, state = { admin = true, owns = owner } }
  return changes[verb](house, actor, { room = name, data = data }, data)
end

--- A page of those who are in a room, also in one that a plugin decides about.
---@param house rooms.House
---@param name string
---@param data table after, limit
---@return table? answer
---@return string? code
---@return string? text
function office.members(house, name, data)
  local code, text = house:problem_of_name { room = name }
  if code then return nil, code, text end
  local room = house.gate:room(name)
  local is_there = house:find(name) or (room.kind and room:size() > 0)
  if not is_there then return nil, "no_such_room", "there is no room of this name" end
  local users, count = house.attendance:users(room)
  local answer, problem = listing.members(name, users, count, data)
  if not answer then return nil, "bad_request", problem end
  return answer
end

--- A page of all rooms that fit, whoever may find them.
---@param house rooms.House
---@param data table kind, prefix, text, archived, after, limit
---@return table? answer
---@return string? code
---@return string? text
function office.page(house, data)
  house.catalogue:refresh(house.gate)
  local answer, problem = listing.rooms(function(limit)
    return house.catalogue:page(data, limit, nil, true)
  end, house.count_of, data)
  if not answer then return nil, "bad_request", problem end
  return answer
end

return office
