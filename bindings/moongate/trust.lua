--- What init.lua says of how far a plugin is trusted: trust and capabilities.
local fields = require "moongate.fields"

local TRUST = { trusted = true, guarded = true }
local CAPABILITIES = { fetch = true, store = true, http = true, rooms = true }

---@class moongate.Trust
---@field trust "trusted"|"guarded"
---@field capabilities table<string, true> what a guarded plugin may do beside the rest

local trust = {
  GUARDED = { trust = "guarded", capabilities = {} }, ---@type moongate.Trust
  TRUSTED = { trust = "trusted", capabilities = {} }, ---@type moongate.Trust
}

local function read_capabilities(given)
  if type(given) ~= "table" then
    return nil, ('capabilities: expected a list as { "fetch" }, got a %s'):format(type(given))
  end
  local read, count = {}, 0
  for _, name in pairs(given) do
    local problem = fields.unknown({ [tostring(name)] = true }, CAPABILITIES)
    if problem then return nil, "capabilities: " .. problem end
    read[name], count = true, count + 1
  end
  if count ~= #given then
    return nil, 'capabilities: expected a list as { "fetch" }, got a table with names'
  end
  return read
end

--- The trust of a plugin, or of all: what is not named is as before.
---@param given { trust: any, capabilities: any }
---@param before moongate.Trust
---@return moongate.Trust? read
---@return string? problem
function trust.read(given, before)
  local read = { trust = before.trust, capabilities = before.capabilities }
  if given.trust ~= nil then
    if type(given.trust) ~= "string" or not TRUST[given.trust] then
      local shown = type(given.trust) == "string" and ('"%s"'):format(given.trust)
        or type(given.trust)
      return nil, ('trust: expected "trusted" or "guarded", got %s'):format(shown)
    end
    read.trust = given.trust
  end
  if given.capabilities ~= nil then
    local problem
    read.capabilities, problem = read_capabilities(given.capabilities)
    if problem then return nil, problem end
  end
  return read
end

return trust
