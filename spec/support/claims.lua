--- What docs/schema claims of the messages of a walk: of requests, by what becomes of them, of
--- replies and of pushes.
local assert = require "luassert"
local schema = require "spec.support.schema"
local talker = require "spec.support.talker"

local json = talker.json

local OF_FIELDS = { bad_request = true, bad_name = true, bad_room = true, bad_options = true }

local Claims = {}
local claims_mt = { __index = Claims }

local function new()
  return setmetatable({ right = {}, wrong = {}, seen = {} }, claims_mt)
end


--- This is right by that schema.
---@param name string "reply/say"
---@param value any
function Claims:claim(name, value)
  self.right[#self.right + 1] = { name, (json.encode(value)) }
  self.seen[name] = true
end

local function request(type_name, fields)
  local message = { type = type_name, id = 1 }
  for key, value in pairs(fields or {}) do message[key] = value end
  return message
end

--- Asks for what is right by its schema, and is granted, or refused with this code.
---@param conn table talker
---@param type_name string
---@param fields? table
---@param code? string
---@return table? data
function Claims:ask(conn, type_name, fields, code)
  local reply = conn:asks(type_name, fields)
  assert.same({ type_name, code }, { type_name, reply.error and reply.error.code })
  self:claim("reply", reply)
  self:claim("request/" .. type_name, request(type_name, fields))
  if code then
    self:claim("error", code)
  else
    self:claim("reply/" .. type_name, reply.data)
  end
  return reply.data
end

--- Asks for what is refused for its fields, and has to be by the schema, too.
---@param conn table talker
---@param type_name string
---@param list table[] of fields
function Claims:refuse(conn, type_name, list)
  for i = 1, #list do
    local reply, asked = conn:asks(type_name, list[i]), json.encode(request(type_name, list[i]))
    assert.is_false(reply.ok, asked)
    assert.is_true(OF_FIELDS[reply.error.code], asked .. reply.error.code)
    self.wrong[#self.wrong + 1] = { "request/" .. type_name, (asked) }
  end
end

--- Claims all pushes that were heard.
---@param record table[] of talkers
function Claims:pushes(record)
  for _, each in ipairs(record) do
    local name = each.message.type
    if not each.is_sent and name ~= "reply" then self:claim("push/" .. name, each.message) end
  end
end

--- What is claimed and not so, one line each.
---@return string[]
function Claims:problems() return schema.problems(self.right) end

--- Requests that the server refuses for their fields, and their schema does not.
---@return string[]
function Claims:passed()
  local is_refused, passed = {}, {}
  for _, problem in ipairs(schema.problems(self.wrong, true)) do
    is_refused[tonumber(problem:match "^%d+")] = true
  end
  for n, each in ipairs(self.wrong) do
    if not is_refused[n] then passed[#passed + 1] = table.concat(each, " ") end
  end
  return passed
end

return { new = new }
