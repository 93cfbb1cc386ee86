--- The rooms on a fake gate, for their specs: with a gate.crypto, and without auth.
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"

local House = {}
local house_mt = { __index = House }

--- Sends a request, and waits for the answer of one that takes a while.
---@return any data
---@return string? code
---@return string? text
---@return boolean? temporary
function House:ask(conn, type_name, room, data)
  local answer = self.gate:ask(conn, { type = type_name, room = room, data = data })
  for _ = 1, 100 do
    if answer.is_given then break end
    self.gate:later(10)
  end
  assert(answer.is_given, type_name .. " is not answered")
  return answer.data, answer.code, answer.text, answer.temporary
end

--- The code that a request is refused with.
function House:refused(...) return (select(2, self:ask(...))) end

--- What the connection has heard since the last time.
function House.heard(_, conn)
  local heard = conn.heard
  conn.heard = {}
  return heard
end

--- The types of what was heard, in order.
---@param messages table[]
---@return string
local function types(messages)
  local found = {}
  for i, message in ipairs(messages) do found[i] = message.type end
  return table.concat(found, " ")
end

--- Another process, with the same entries in the store.
---@param options? table of rooms
---@param plugins? table<string, string> name -> text
---@return table house
local function open(options, plugins)
  local texts = { auth = "return function() end", rooms = file.read "scripts/rooms.lua",
    messages = file.read "scripts/messages.lua" }
  for name, text in pairs(plugins or {}) do texts[name] = text end
  return setmetatable({ gate = fake_gate.load(texts, { rooms = options }) }, house_mt)
end

return { open = open, types = types }
