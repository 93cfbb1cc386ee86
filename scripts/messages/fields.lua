--- The fields of requests about messages: nil when they are right, else the code and the text.
--
-- Knows no gate: it is given what says whether bytes are text.

local MAX_ID = 2 ^ 53
local MAX_USER = 128  -- bytes
local MAX_EMOJI = 32  -- bytes

local fields = {}

local function is_id(value)
  return type(value) == "number" and value % 1 == 0 and value >= 1 and value <= MAX_ID
end

--- A request's own `id` is another.
---@param id any
---@return string? code
---@return string? text
function fields.problem_of_id(id)
  if not is_id(id) then return "bad_request", "message_id: expected the id of a message" end
end

--- What is said, or put in its place.
---@param data any
---@param max_text_bytes integer
---@return string? code
---@return string? text
function fields.problem_of_data(data, max_text_bytes)
  if data == nil then return "bad_request", "data: expected a value" end
  if type(data) == "string" and #data > max_text_bytes then
    return "too_big", ("data: at most %d bytes of text"):format(max_text_bytes)
  end
end

---@param reply_to any
---@return string? code
---@return string? text
function fields.problem_of_reply(reply_to)
  if not is_id(reply_to) then return "bad_request", "reply_to: expected the id of a message" end
end

local function is_text(value, max_bytes, is_utf8)
  return type(value) == "string" and value ~= "" and #value <= max_bytes and is_utf8(value)
    and not value:find "%c" and not value:find "\194[\128-\159]" -- control characters
end

---@param mentions any
---@param max_mentions integer
---@param is_utf8 fun(text: string): boolean
---@return string? code
---@return string? text
function fields.problem_of_mentions(mentions, max_mentions, is_utf8)
  local count = 0
  for key, name in pairs(type(mentions) == "table" and mentions or { false }) do
    count = count + 1
    if count > max_mentions or type(key) ~= "number" or not is_text(name, MAX_USER, is_utf8) then
      return "bad_request", ("mentions: expected a list of at most %d names"):format(max_mentions)
    end
  end
end

---@param emoji any
---@param is_utf8 fun(text: string): boolean
---@return string? code
---@return string? text
function fields.problem_of_emoji(emoji, is_utf8)
  if not is_text(emoji, MAX_EMOJI, is_utf8) then
    return "bad_request", "emoji: expected 1 to 32 bytes of UTF-8, no control characters"
  end
end

return fields
