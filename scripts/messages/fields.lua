--- The fields of requests about messages: nil when they are right, else the code and the text.
--
-- Knows no gate: it is given what says whether bytes are text.

local code_of = require("auth.names").code_of

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

--- How much is left of a number of bytes when a value is taken off, about as long as it is encoded;
--- below 0 it is not counted to the end.
local function left_after(value, left)
  if type(value) == "string" then return left - #value - 2 end
  if type(value) ~= "table" then return left - 4 end
  left = left - 2
  for key, element in pairs(value) do
    if left < 0 then return left end
    left = left_after(element, left - (type(key) == "string" and #key + 4 or 1))
  end
  return left
end

--- What is said, or put in its place.
---@param data any
---@param max_text_bytes integer of what is a string, or has one in `text`
---@param max_data_bytes integer of all else
---@return string? code
---@return string? text
function fields.problem_of_data(data, max_text_bytes, max_data_bytes)
  if data == nil then return "bad_request", "data: expected a value" end
  if type(data) == "string" and #data > max_text_bytes then
    return "too_big", ("data: at most %d bytes of text"):format(max_text_bytes)
  end
  if type(data) ~= "table" then return end
  if type(data.text) == "string" and #data.text > max_text_bytes then
    return "too_big", ("data.text: at most %d bytes"):format(max_text_bytes)
  elseif left_after(data, max_data_bytes) < 0 then
    return "too_big", ("data: at most %d bytes when it is encoded"):format(max_data_bytes)
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

local function is_keycap(emoji) return emoji:find "^[%d#*]\239?\184?\143?\226\131\163$" ~= nil end

--- Emoji are not ASCII, but for names between colons and keys such as 1 in a box.
---@param emoji any
---@param is_utf8 fun(text: string): boolean
---@return string? code
---@return string? text
function fields.problem_of_emoji(emoji, is_utf8)
  local is_emoji = is_text(emoji, MAX_EMOJI, is_utf8)
    and (not emoji:find "[\1-\127]" or emoji:find "^:[%l%d_+-]+:$" or is_keycap(emoji))
  if not is_emoji then
    return "bad_request", "emoji: expected 1 to 32 bytes: an emoji, or a name of a-z, 0-9, _, + "
      .. "and - between colons"
  end
end

-- Where emoji are in Unicode, and what puts several together; no letters, not even in circles.
local SIGNS = { { 0xa9, 0xa9 }, { 0xae, 0xae }, { 0x200d, 0x200d }, { 0x203c, 0x203c },
  { 0x2049, 0x2049 }, { 0x20e3, 0x20e3 }, { 0x2122, 0x2122 }, { 0x2139, 0x2139 },
  { 0x2190, 0x245f }, { 0x2500, 0x27ff }, { 0x2900, 0x2bff }, { 0x3030, 0x3030 },
  { 0x303d, 0x303d }, { 0x3297, 0x3299 }, { 0xfe0f, 0xfe0f }, { 0x1f000, 0x1f0ff },
  { 0x1f18e, 0x1f19a }, { 0x1f1e6, 0x1faff } }

local function is_sign(character)
  local code = code_of(character)
  for _, range in ipairs(SIGNS) do
    if code <= range[2] then return code >= range[1] end
  end
  return false
end

--- Whether it is a picture, which spells nothing: so may react also who may say nothing.
---@param emoji string in which problem_of_emoji() has found none
---@return boolean
function fields.is_picture(emoji)
  if is_keycap(emoji) then return true end
  for character in emoji:gmatch "[^\128-\191][\128-\191]*" do
    if not is_sign(character) then return false end
  end
  return true
end

return fields
