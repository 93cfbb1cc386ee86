--- What is not shown to those who read logs: values under names that sound like secrets.
local DEPTH = 4

local SECRETS = { "passw", "token", "secret", "auth", "cookie", "session", "credential", "apikey",
  "api_key", "^pin$", "^key$" }

local secret = { MASK = "***" }

---@param name any
---@return boolean
function secret.is_one(name)
  name = tostring(name):lower()
  for _, word in ipairs(SECRETS) do
    if name:find(word) then return true end
  end
  return false
end

--- A copy to be shown.
---@param value any
---@param depth? integer of the tables within it that are shown
---@return any
function secret.masked(value, depth)
  depth = depth or DEPTH
  if type(value) ~= "table" then return value end
  if depth == 0 then return "..." end
  local copy = {}
  for key, inner in next, value do
    copy[key] = secret.is_one(key) and secret.MASK or secret.masked(inner, depth - 1)
  end
  return copy
end

return secret
