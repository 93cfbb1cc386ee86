--- Signs of members that are no messages: who is typing, and how far each has read.

local audience = require "router.audience"
local fields = require "messages.fields"
local markers = require "messages.markers"
local typings = require "messages.typing"

local TICK_MS = 500

---@class messages.Signs
---@field private gate moongate.Gate
---@field private typing messages.Typing
---@field private typing_alone messages.Typing of those whom nobody else hears
---@field private markers messages.Markers
local Signs = {}
local signs_mt = { __index = Signs }

local signs = {}

--- Whether a request switches something on, which it does if it says nothing of it.
---@param gate moongate.Gate
---@param message table
---@return boolean? is_on
---@return string? problem
function signs.is_on(gate, message)
  local is_on = message.on
  if is_on == nil or is_on == gate.json.null then return true end
  if type(is_on) == "boolean" then return is_on end
  return nil, "on: expected true or false"
end

--- The room that a message names and its record, if it has one.
local function room_for(rooms, conn, message)
  local room, record, text = rooms.in_room(conn, message)
  if not room then return nil, record, text end
  if not record then return nil, "not_allowed", "in this room its plugin decides" end
  return room, record
end

-- ---- typing ----

local function tell_typing(self, room, user, is_on, except)
  if room:size() > self.typing_members then return end
  room:publish({ type = "typing", room = room.name, user = user, on = is_on },
    { class = "latest", key = ("typing\0%s\0%s"):format(room.name, user), except = except })
end

--- Tells the other connections of a user whom nobody else hears.
local function tell_typing_alone(self, room, user, is_on, except)
  local found = self.gate:user(user)
  if not found or room:size() > self.typing_members then return end
  for _, own in pairs(found.conns) do
    if own ~= except and room:has(own) then
      own:send({ type = "typing", room = room.name, user = user, on = is_on },
        { class = "latest", key = ("typing\0%s\0%s"):format(room.name, user) })
    end
  end
end

--- The handler of `typing`.
local function typing(self, conn, message)
  local gate = self.gate
  local room, record, text = room_for(self.rooms, conn, message)
  if not room then return nil, record, text end
  local is_on, problem = signs.is_on(gate, message)
  if is_on == nil then return nil, "bad_request", problem end
  local granted, code, why = self.rooms.may(conn, record, "say")
  if not granted then return nil, code, why end
  local is_alone = message.only_sender == true
  local who = is_alone and self.typing_alone or self.typing
  local news, reason = who:set(room.name, conn.user, is_on, gate:now_ms())
  if reason == "full" then
    self.refused:add(1, "rate_limited")
    return nil, "rate_limited", "too many are typing", true, typings.PUSH_MS
  end
  local tell = is_alone and tell_typing_alone or tell_typing
  if news ~= nil then tell(self, room, conn.user, news, conn) end
  return true
end

-- ---- read ----

--- What others are told: of a message that they have not heard the one before; nil: nothing new.
local function shown_to_others(self, room, id, before)
  local name, recent = room.name, self.recent
  local shown = recent:heard_by_all(name, id)
  local was_shown = before and recent:heard_by_all(name, before)
  if shown and (not was_shown or shown > was_shown) then return shown end
end

--- The others of a small room, and the user's other connections, wherever they are.
local function tell_read(self, conn, room, id, before)
  local function push(shown)
    return { type = "read", room = room.name, user = conn.user, id = shown,
      at = self.gate:now_ms() }
  end
  local key = ("read\0%s\0%s"):format(room.name, conn.user)
  local shown = room:size() <= self.read_members and shown_to_others(self, room, id, before)
  if shown then room:publish(push(shown), { class = "latest", key = key, except = conn }) end
  for _, own in pairs(self.gate:user(conn.user).conns) do
    local is_meant = own ~= conn and audience.hears(own)
    if is_meant and not (shown == id and room:has(own)) then
      own:send(push(id), { class = "latest", key = key })
    end
  end
end

--- The handler of `read`.
local function read(self, conn, message)
  local room, record, text = room_for(self.rooms, conn, message)
  if not room then return nil, record, text end
  local code, problem = fields.problem_of_id(message.message_id)
  if code then return nil, code, problem end
  local id = message.message_id
  if id >= self.recent:next_id(room.name, self.gate:now_ms()) then
    return nil, "bad_request", "message_id: no message has it yet"
  end
  local before = self.markers:of(room.name, conn.user)
  local has_moved, marker = self.markers:move(room.name, conn.user, id)
  if has_moved then tell_read(self, conn, room, marker, before) end
  return { room = room.name, id = marker }
end

-- ---- for messages.lua ----

--- The user has said something, and so types no longer.
---@param room string
---@param user string
---@param is_alone boolean nobody else has heard it
function Signs:said(room, user, is_alone)
  local who = is_alone and self.typing_alone or self.typing
  who:said(room, user)
end

---@param room string that is no more
function Signs:forget(room)
  self.typing:forget(room)
  self.typing_alone:forget(room)
  self.markers:forget(room)
end

---@param old string
---@param name string
function Signs:rename(old, name)
  self.typing:rename(old, name)
  self.typing_alone:rename(old, name)
  self.markers:rename(old, name)
end

---@param room string
---@param user string
---@return integer? id
function Signs:marker(room, user) return self.markers:of(room, user) end

---@param gate moongate.Gate
---@param rooms table the API of the plugin rooms
---@param recent messages.Recent
---@param refused moongate.Metric
---@return messages.Signs
function signs.open(gate, rooms, recent, refused)
  local state = gate.state
  state.typing, state.markers = state.typing or {}, state.markers or {}
  local self = setmetatable({ gate = gate, rooms = rooms, recent = recent, refused = refused },
    signs_mt)
  self.typing_members = gate:option("typing_members", { default = 200, min = 0, max = 10000,
    about = "connections in a room beyond which nobody is told who is typing" })
  self.read_members = gate:option("read_members", { default = 50, min = 0, max = 10000,
    about = "connections in a room beyond which others are not told how far one has read" })
  local typing_ms = gate:option("typing_ms", { default = 6000, min = 1000, max = 60000,
    about = "how long one types who says no more of it" })
  local max_typing = gate:option("max_typing", { default = 10000, min = 1, max = 1000000,
    about = "users who type at once, in all rooms" })
  state.typing_alone = state.typing_alone or {}
  self.typing = typings.over(state.typing, typing_ms, max_typing)
  self.typing_alone = typings.over(state.typing_alone, typing_ms, max_typing)
  self.markers = markers.over(state.markers, gate:option("markers", { default = 100000, min = 2,
    max = 10000000, about = "read markers that are kept; the oldest are forgotten first" }))

  gate:on("typing", function(conn, message) return typing(self, conn, message) end)
  gate:on("read", function(conn, message) return read(self, conn, message) end)
  gate:every(TICK_MS, function()
    local now_ms = gate:now_ms()
    for _, news in ipairs(self.typing:tick(now_ms)) do
      tell_typing(self, gate:room(news.room), news.user, news.is_on)
    end
    for _, news in ipairs(self.typing_alone:tick(now_ms)) do
      tell_typing_alone(self, gate:room(news.room), news.user, news.is_on)
    end
  end, "typing")
  return self
end

return signs
