--- What is not shown to those who read logs: values under names that sound like secrets.
local DEPTH = 4
local MAX_VALUES = 200       -- of a copy, in all
local MAX_STRING_BYTES = 200 -- of its strings and names

-- Anywhere in a name, which is in lower case and without "_", "-", "." and blanks.
local PARTS = { "passw", "passphrase", "passcode", "pwd", "token", "secret", "auth", "cookie",
  "session", "credential", "jwt", "bearer", "apikey", "privatekey", "accesskey", "signingkey",
  "encryptionkey", "pincode", "cardnumber" }

-- As a word of it: "user_pass" and "userPass", but neither "passenger" nor "compass".
local WORDS = { pass = true, pw = true, pin = true, otp = true, totp = true, card = true,
  cvc = true, cvv = true, iban = true }

local secret = { MASK = "***" }

---@param name any
---@return boolean
function secret.is_one(name)
  if type(name) ~= "string" then return false end
  name = name:sub(1, MAX_STRING_BYTES)
  local joined = name:lower():gsub("[-_. ]", "")
  if joined == "key" then return true end
  for _, part in ipairs(PARTS) do
    if joined:find(part, 1, true) then return true end
  end
  for word in name:gsub("(%l)(%u)", "%1 %2"):lower():gmatch "%a+" do
    if WORDS[word] then return true end
  end
  return false
end

--- Cut between characters.
---@param text string
---@return string
local function short(text)
  if #text <= MAX_STRING_BYTES then return text end
  return text:sub(1, MAX_STRING_BYTES):gsub("[\192-\255]?[\128-\191]*$", "") .. "..."
end

local left = 0 -- so many values may still come into the copy that is made

local masked

--- Its values by next: code of its owner is not run.
local function masked_table(value, depth)
  if depth == 0 or getmetatable(value) ~= nil then return "..." end
  local copy = {}
  for key, inner in next, value do
    left = left - 1
    if type(key) == "string" then key = short(key) end
    if left < 0 then
      copy[key] = "..."
      return copy
    end
    copy[key] = secret.is_one(key) and secret.MASK or masked(inner, depth - 1)
  end
  return copy
end

function masked(value, depth)
  if type(value) == "string" then return short(value) end
  if type(value) ~= "table" then return value end
  return masked_table(value, depth)
end

--- A copy to be shown: of 200 values at most, in which long strings are cut. Objects are "...".
---@param value any
---@param depth? integer of the tables within it that are shown
---@return any
function secret.masked(value, depth)
  left = MAX_VALUES
  return masked(value, depth or DEPTH)
end

return secret
