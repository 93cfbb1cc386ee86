--- What may be the name of a user or a room, the key of a guest and the id of a device.
--
-- Two names that differ only in what cannot be seen are somebody in the guise of somebody else.
-- Letters that look alike are not told apart: that takes tables of Unicode that are not here.

local marks = require "auth.marks"

-- What is_clean wants, for who is refused.
local names = {
  RULE = "no control or invisible characters, no word that begins with a combining mark",
}

local MAX_GUEST = 32  -- characters
local MAX_USER = 128  -- bytes
local MAX_KEY = 64    -- bytes
local MAX_DEVICE = 64 -- bytes

--- The number of characters of valid UTF-8.
local function characters(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

-- First and last code points that no name has: what is not seen, what turns the direction of the
-- text, other blanks than the one of ASCII, what means something else in each font, and what is
-- no character. In Unicode's terms: Default_Ignorable_Code_Point, Z*, Cc, Co, noncharacters, and
-- some that look like a blank.
local UNSEEN = {
  0x00, 0x1f, 0x7f, 0xa0, 0xad, 0xad, 0x34f, 0x34f, 0x61c, 0x61c, 0x115f, 0x1160,
  0x1680, 0x1680, 0x17b4, 0x17b5, 0x180b, 0x180f, 0x2000, 0x200f, 0x2028, 0x202f,
  0x205f, 0x206f, 0x2800, 0x2800, 0x3000, 0x3000, 0x3164, 0x3164, 0xe000, 0xf8ff,
  0xfdd0, 0xfdef, 0xfe00, 0xfe0f, 0xfeff, 0xfeff, 0xffa0, 0xffa0, 0xfff0, 0xffff,
  0x13430, 0x1343f, 0x13441, 0x13442, 0x1bca0, 0x1bca3, 0x1d159, 0x1d159, 0x1d173, 0x1d17a,
  0xe0000, 0x10ffff,
}

--- The code point of one character of valid UTF-8.
---@param character string
---@return integer
function names.code_of(character)
  local first = character:byte()
  local code = first % (first < 0xe0 and 0x20 or first < 0xf0 and 0x10 or 0x08)
  for i = 2, #character do code = code * 64 + character:byte(i) % 64 end
  return code
end

--- Whether a code point is in one of the ranges, which ascend.
local function is_among(code, ranges)
  local low, high = 1, #ranges / 2
  while low <= high do
    local middle = math.floor((low + high) / 2)
    if code < ranges[2 * middle - 1] then
      high = middle - 1
    elseif code > ranges[2 * middle] then
      low = middle + 1
    else
      return true
    end
  end
  return false
end

local function is_unseen(code)
  return is_among(code, UNSEEN) or code % 0x10000 >= 0xfffe -- the last two of each plane
end

local CHARACTER = "[\194-\244][\128-\191]*"

--- Whether a word of the text begins with a mark that has nothing to stand on.
local function has_loose_mark(text)
  for first in (" " .. text):gmatch(" (" .. CHARACTER .. ")") do
    if is_among(names.code_of(first), marks) then return true end
  end
  return false
end

--- Whether all of a text is seen, by itself: single blanks of ASCII between other characters.
---@param text string valid UTF-8
---@return boolean
function names.is_clean(text)
  if text == "" or text:find "%c" or text:find "^ " or text:find " $" or text:find("  ", 1, true)
  then
    return false
  end
  if not text:find "[\128-\255]" then return true end
  for character in text:gmatch(CHARACTER) do
    if is_unseen(names.code_of(character)) then return false end
  end
  return not has_loose_mark(text)
end

-- What emoji, and the scripts of Iran and India, are joined and kept apart with.
local JOINERS = { "\226\128\140", "\226\128\141", "\239\184\143" }

--- The same for a line that names nobody, as a title: it may have joiners.
---@param text string valid UTF-8
---@return boolean
function names.is_title(text)
  for _, joiner in ipairs(JOINERS) do text = text:gsub(joiner, "") end
  return names.is_clean(text)
end

--- What a guest may choose, of valid UTF-8.
---@param text string
---@return boolean
function names.is_guest(text) return names.is_clean(text) and characters(text) <= MAX_GUEST end

--- What may be in a token, of valid UTF-8: the ids of identity providers are longer.
---@param text any
---@return boolean
function names.is_user(text)
  return type(text) == "string" and #text <= MAX_USER and names.is_clean(text)
end

---@param key any nil: none
---@return boolean
function names.is_key(key)
  return key == nil or (type(key) == "string" and key ~= "" and #key <= MAX_KEY)
end

---@param device any nil: none
---@return boolean
function names.is_device(device)
  return device == nil or (type(device) == "string" and device ~= "" and #device <= MAX_DEVICE)
end

return names
