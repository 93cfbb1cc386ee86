--- What may be the name of a user, the key of a guest and the id of a device.
local names = {}

local MAX_GUEST = 32  -- characters
local MAX_USER = 128  -- bytes
local MAX_KEY = 64    -- bytes
local MAX_DEVICE = 64 -- bytes

--- The number of characters of valid UTF-8.
local function characters(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

local function is_clean(text)
  return text ~= ""
    and not text:find "%c" and not text:find "\194[\128-\159]" -- control characters
    and not text:find "^%s" and not text:find "%s$"
end

--- What a guest may choose, of valid UTF-8.
---@param text string
---@return boolean
function names.is_guest(text) return is_clean(text) and characters(text) <= MAX_GUEST end

--- What may be in a token, of valid UTF-8: the ids of identity providers are longer.
---@param text any
---@return boolean
function names.is_user(text)
  return type(text) == "string" and #text <= MAX_USER and is_clean(text)
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
