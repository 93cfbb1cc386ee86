--- How each operation is carried out: called with the desk, in whose name, and the fields, and
--- returns as the handler of a request does.

local fields = require "server_api.fields"
local operations = require "server_api.operations"
local talk = require "server_api.talk"

local MAX_SHOWN = 100 -- connections of a user
local MAX_REASON = 100 -- bytes

local calls = { publish = talk.publish, broadcast = talk.broadcast }

--- All but the room, for the request of this name.
local function data_of(args)
  local data = {}
  for name, value in pairs(args) do
    if name ~= "room" then data[name] = value end
  end
  return data
end

--- What a request returns, which has in `data` what stands at the top here.
local function at_the_top(data, code, text, temporary, retry_after_ms)
  if data ~= nil then return data end
  return nil, code, text and (text:gsub("^data[.:] ?", "")), temporary, retry_after_ms
end

-- ---- rooms ----

--- The room as this caller may see it: it has no role in it, and invites are secrets.
local function shown_room(view)
  if view then view.role, view.invites = nil, nil end
  return view
end

local function act(desk, verb, by, args)
  local data, code, text, temporary =
    at_the_top(desk.rooms.act(verb, by, args.room, data_of(args)))
  return shown_room(data), code, text, temporary
end

for name, verb in pairs { create_room = "create", describe_room = "describe",
  change_room = "set", archive_room = "archive", unarchive_room = "unarchive",
  delete_room = "delete_room" } do
  calls[name] = function(desk, by, args) return act(desk, verb, by, args) end
end

function calls.list_rooms(desk, _, args) return at_the_top(desk.rooms.page(args)) end

function calls.list_members(desk, _, args)
  return at_the_top(desk.rooms.members(args.room, data_of(args)))
end

-- ---- moderation ----

for _, operation in ipairs(operations) do
  local verb = operation.name
  if operation.group == "moderation" then
    calls[verb] = function(desk, by, args)
      return at_the_top(desk.moderation[verb](by, args.room, data_of(args)))
    end
  end
end

-- ---- users ----

--- For an operation about one user, whose name is right.
local function of_user(call)
  return function(desk, by, args)
    if fields.is_user(args.user, desk.is_utf8) then return call(desk, by, args) end
    return nil, "bad_request", "user: expected the name of a user"
  end
end

local function presence_of(desk, user)
  local view = desk.presence.view(user)
  return { user = user, state = desk.presence.state_of(user), shown_as = view.state,
    status = view.status }
end

local function device_of(desk, auth)
  local device = auth.device
  return device and desk.is_utf8(device) and device or nil
end

local function connection_of(desk, conn)
  local auth = desk.auth.info(conn) or {}
  return { id = conn.id, address = conn.address, protocol = conn.protocol, since = auth.since,
    method = auth.method, device = device_of(desk, auth), expires_at = auth.expires_at,
    guest = auth.guest or false, admin = conn.state.admin == true }
end

--- The names of all rooms that any of the connections is in, sorted.
local function rooms_of(conns)
  local names, list = {}, {}
  for _, conn in pairs(conns) do
    for room in pairs(conn.rooms) do names[room.name] = true end
  end
  for name in pairs(names) do list[#list + 1] = name end
  table.sort(list)
  return list
end

calls.user = of_user(function(desk, _, args)
  local found = desk.gate:user(args.user)
  local conns, count = found and found.conns or {}, found and found:size() or 0
  local presence = presence_of(desk, args.user)
  if count == 0 and presence.state == "offline" then
    return nil, "no_such_user", "nobody of this name is here"
  end
  local list = {}
  for _, conn in pairs(conns) do
    list[#list + 1] = connection_of(desk, conn)
    if #list == MAX_SHOWN then break end
  end
  table.sort(list, function(a, b) return a.id < b.id end)
  return { user = args.user, count = count, connections = list, rooms = rooms_of(conns),
    presence = presence }
end)

function calls.presence(desk, _, args)
  local users, list = args.users, {}
  if not users[1] or #users > desk.max_users then
    return nil, "bad_request", ("users: expected a list of 1 to %d names"):format(desk.max_users)
  end
  for i, user in ipairs(users) do
    if not fields.is_user(user, desk.is_utf8) then
      return nil, "bad_request", "users: expected names of users"
    end
    list[i] = presence_of(desk, user)
  end
  return { list = list }
end

calls.logout = of_user(function(desk, _, args)
  local reason = args.reason
  if reason and (#reason > MAX_REASON or reason:find "%c") then
    return nil, "bad_request", "reason: expected at most 100 bytes, no control characters"
  end
  return { user = args.user, count = desk.auth.logout(args.user, reason) }
end)

return calls
