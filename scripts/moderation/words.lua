--- Words and links that are not wanted in what is said. Knows no gate.
--
-- Words are compared whole, with ASCII in any case. A word is what is between other signs: digits,
-- letters, and all that is not ASCII but for the punctuation of Unicode. No pattern comes from
-- outside.

local gmatch, find = string.gmatch, string.find

local WORD = "[%w\128-\255]+"
local MAX_WORD = 64 -- bytes
local LINK = "***"

---@class moderation.Words
---@field private set table<string, true>
---@field private has_words boolean
local Words = {}
local words_mt = { __index = Words }

--- Punctuation that is not ASCII becomes as many blanks: U+00A0 to 00BF, U+2000 to 206F and U+3000
--- to 303F.
local function blanked(text)
  if not find(text, "[\194\226\227]") then return text end
  text = text:gsub("\194[\160-\191]", "  ")
  text = text:gsub("\226\128[\128-\191]", "   "):gsub("\226\129[\128-\175]", "   ")
  return (text:gsub("\227\128[\128-\191]", "   "))
end

local function has_link(text)
  local lower = text:lower()
  return find(lower, "://", 1, true) ~= nil or find(lower, "%f[%w]www%.[%w\128-\255]") ~= nil
end

--- Whether one of the words is in the text.
---@param text string
---@return boolean
function Words:has_word(text)
  if not self.has_words then return false end
  for word in gmatch(blanked(text):lower(), WORD) do
    if self.set[word] then return true end
  end
  return false
end

---@param text string
---@return boolean
function Words.has_link(_, text) return has_link(text) end

--- As many asterisks as the word has characters.
local function stars(word) return ("*"):rep(select(2, word:gsub("[^\128-\191]", ""))) end

--- The text with asterisks in place of the words.
---@param text string
---@return string
function Words:mask_words(text)
  local parts, last = {}, 1
  for at, word, past in gmatch(blanked(text):lower(), "()(" .. WORD .. ")()") do
    if self.set[word] then
      parts[#parts + 1] = text:sub(last, at - 1)
      parts[#parts + 1] = stars(word)
      last = past
    end
  end
  return table.concat(parts) .. text:sub(last)
end

--- The text with three asterisks in place of each link.
---@param text string
---@return string
function Words.mask_links(_, text)
  return (text:gsub("%S+", function(part) return has_link(part) and LINK or nil end))
end

--- What `fn` says of the first text in a value that it says anything of; keys are not looked at.
---@param value any
---@param fn fun(text: string): any
---@return any
local function each(value, fn)
  if type(value) == "string" then return fn(value) end
  if type(value) ~= "table" then return nil end
  for _, element in pairs(value) do
    local found = each(element, fn)
    if found then return found end
  end
end

--- The value with other texts: those that `fn` makes of them. Tables are changed in place.
---@param value any
---@param fn fun(text: string): string
---@return any
local function map(value, fn)
  if type(value) == "string" then return fn(value) end
  if type(value) ~= "table" then return value end
  for key, element in pairs(value) do value[key] = map(element, fn) end
  return value
end

local words = { each = each, map = map }

--- nil, or what is wrong with a list of words.
---@param list any
---@return string? problem
function words.problem_of(list)
  if type(list) ~= "table" then return "expected a list of words" end
  for place, word in pairs(list) do
    local is_word = type(place) == "number" and type(word) == "string" and #word <= MAX_WORD
      and find(blanked(word), "^" .. WORD .. "$")
    if not is_word then
      return ("expected words of at most 64 bytes without blanks or punctuation, got %s"):format(
        type(word) == "string" and ("%q"):format(word) or tostring(word))
    end
  end
end

---@param list string[]
---@return moderation.Words
function words.of(list)
  local set = {}
  for _, word in ipairs(list) do set[word:lower()] = true end
  return setmetatable({ set = set, has_words = next(set) ~= nil }, words_mt)
end

return words
