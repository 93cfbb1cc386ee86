--- Moderation on a fake gate with the rooms, for its specs: a room "tea" that Ann has made, in
--- which Max is a moderator; Bob and Carl are in as guests, Root is an admin.
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"

local Courtroom = {}
local courtroom_mt = { __index = Courtroom }

--- Carries out a request, and waits for its reply.
---@param who string
---@param type_name string
---@param data any
---@param room? string|false "tea"; false: none
---@param more? table<string, any> other fields
---@return any data
---@return string? code
---@return string? text
---@return boolean? temporary
function Courtroom:ask(who, type_name, data, room, more)
  local message = { type = type_name, room = room, data = data }
  for name, value in pairs(more or {}) do message[name] = value end
  if room == nil then message.room = "tea" elseif room == false then message.room = nil end
  local answer = self.gate:ask(self[who], message)
  for _ = 1, 100 do
    if answer.is_given then break end
    self.gate:later(10)
  end
  assert(answer.is_given, type_name .. " is not answered")
  return answer.data, answer.code, answer.text, answer.temporary
end

--- The code that a request is refused with.
function Courtroom:refused(...) return (select(2, self:ask(...))) end

function Courtroom:now() return self.gate.core.now_ms end

--- What has been heard since the last time.
---@param who string
function Courtroom:heard(who)
  local heard = self[who].heard
  self[who].heard = {}
  return heard
end

--- Whether one hears what another says.
---@param who string
---@param text any
---@param listener string
---@return boolean
function Courtroom:is_heard(who, text, listener)
  self:heard(listener)
  self:ask(who, "say", text)
  for _, push in ipairs(self:heard(listener)) do
    if push.type == "said" and push.from == who then return true end
  end
  return false
end

--- What the store has of the moderation of the room.
---@return table?
function Courtroom:kept()
  local gate, entry = self.gate, nil
  gate:later(100)
  gate.world.task.run(function()
    entry = gate.world.store.new(gate.world.plugin.current().plugins.rooms):get "room:tea"
  end)
  gate:later(10)
  return entry.moderation
end

--- A connection of a user.
---@param user string
---@param address? string
---@return moongate.Conn
function Courtroom:connect(user, address)
  self[user] = self.gate:connect(user, { address = address })
  return self[user]
end

---@param options? table of moderation
---@param plugins? table<string, string> name -> text
---@return table courtroom
local function open(options, plugins)
  local texts = { auth = "return function() end",
    rooms = file.read "scripts/rooms.lua", messages = file.read "scripts/messages.lua",
    moderation = file.read "scripts/moderation.lua" }
  for name, text in pairs(plugins or {}) do texts[name] = text end
  local self = setmetatable({ gate = fake_gate.load(texts, { moderation = options }) },
    courtroom_mt)
  for n, user in ipairs { "ann", "max", "bob", "carl", "root" } do
    self:connect(user, "10.0.0." .. n)
  end
  self.root.state.admin = true
  self:ask("ann", "create")
  self:ask("ann", "role", { user = "max", role = "moderator" })
  for _, user in ipairs { "ann", "max", "bob", "carl" } do self:ask(user, "join") end
  for _, user in ipairs { "ann", "max", "bob", "carl" } do self:heard(user) end
  return self
end

return { open = open }
