--- What a server says: in one room, in many, or to everybody.

local audience = require "router.audience"
local fields = require "server_api.fields"

local SLICE = 500 -- connections that are told without a pause
local MAX_ROOM = 300 -- bytes of a name

---@class server_api.Desk
---@field gate moongate.Gate
---@field rooms table APIs of the plugins of these names
---@field messages table
---@field moderation table
---@field presence table
---@field auth table
---@field is_utf8 fun(text: string): boolean
---@field server_name string
---@field max_rooms integer of a broadcast
---@field max_users integer of a look at presence

local talk = {}

--- In whose name; nil and what is wrong. A key does not speak as another.
local function speaker(desk, by, from)
  if from == nil then return desk.server_name end
  if not fields.is_user(from, desk.is_utf8) or (from:sub(1, 4) == "api:" and from ~= by) then
    return nil, "from: expected the name of a user"
  end
  return from
end

local function publish(desk, name, from, data)
  local record = desk.rooms.find(name)
  if record and record.archived then return nil, "archived", "the room is archived" end
  return desk.messages.publish(name, from, data)
end

---@param desk server_api.Desk
---@param by string
---@param args table room, data, from
function talk.publish(desk, by, args)
  local from, problem = speaker(desk, by, args.from)
  if not from then return nil, "bad_request", problem end
  local said, code, text, temporary = publish(desk, args.room, from, args.data)
  if not said then return nil, code, text, temporary end
  return { room = args.room, id = said.id, at = said.at }
end

-- ---- broadcast ----

local function to_rooms(desk, from, args)
  local results, is_told, said_in = {}, {}, 0
  for _, name in ipairs(args.rooms) do
    if not is_told[name] then
      is_told[name] = true
      local said, code, text, temporary = publish(desk, name, from, args.data)
      results[#results + 1] = said and { room = name, id = said.id, at = said.at }
        or { room = name, error = { code = code, message = text or code,
          temporary = temporary or false } }
      if said then said_in = said_in + 1 end
    end
  end
  return { results = results, count = said_in, at = desk.gate:now_ms() }
end

--- The message in the encoding of a connection, made once; nil: it cannot be.
local function bytes_for(conn, message, made)
  local codec = conn.codec
  local bytes = made[codec.name]
  if bytes == nil then
    bytes = codec.encode(message) or false
    made[codec.name] = bytes
  end
  return bytes, codec.is_binary
end

local function to_everybody(desk, from, args)
  local gate, conns, told = desk.gate, {}, 0
  for _, conn in gate:conns() do
    if conn.user and audience.hears(conn) then conns[#conns + 1] = conn end
  end
  local message = { type = "announced", from = from, data = args.data, at = gate:now_ms() }
  local made, how = {}, { binary = true }
  for i, conn in ipairs(conns) do
    local bytes, is_binary = bytes_for(conn, message, made)
    if bytes and conn:send(bytes, is_binary and how or nil) then told = told + 1 end
    if i % SLICE == 0 then gate:sleep(1) end
  end
  return { count = told, at = message.at }
end

local function problem_of_rooms(desk, rooms)
  local is_list = rooms[1] and #rooms <= desk.max_rooms
  for _, name in ipairs(is_list and rooms or {}) do
    is_list = is_list and name ~= "" and #name <= MAX_ROOM and desk.is_utf8(name)
  end
  if not is_list then
    return ("rooms: expected a list of 1 to %d names"):format(desk.max_rooms)
  end
end

---@param desk server_api.Desk
---@param by string
---@param args table rooms or everybody, data, from
function talk.broadcast(desk, by, args)
  local from, problem = speaker(desk, by, args.from)
  if not from then return nil, "bad_request", problem end
  local code, text = desk.messages.problem(args.data)
  if code then return nil, code, text end
  if (args.rooms ~= nil) == (args.everybody == true) then
    return nil, "bad_request", "expected either rooms, or everybody: true"
  elseif args.everybody then
    return to_everybody(desk, from, args)
  end
  problem = problem_of_rooms(desk, args.rooms)
  if problem then return nil, "bad_request", problem end
  return to_rooms(desk, from, args)
end

return talk
