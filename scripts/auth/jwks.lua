--- The keys that an identity provider publishes (RFC 7517): fetched, kept, and fetched again.
--
-- The last good set is in gate.state, so that a reload asks for nothing. Keys that are no longer
-- published are kept for a while: tokens signed with them are still under way.

local RETRY_MS = 10000   -- at least so long between two calls
local TIMEOUT_MS = 5000
local MAX_KEYS = 50     -- of a set
local MAX_GIVEN = 100   -- keys that one token is compared with
local MAX_BYTES = 262144

--- The key entries of a body, by kid; nil and what is wrong.
local function read_set(gate, response)
  local body = response:json()
  local list = type(body) == "table" and body.keys
  if type(list) ~= "table" then return nil, "no set of keys" end
  local by_kid, count = {}, 0
  for i = 1, math.min(#list, MAX_KEYS) do
    local jwk = list[i]
    -- A secret (oct) that is published is none.
    local is_wanted = type(jwk) == "table" and (jwk.use == nil or jwk.use == "sig")
      and jwk.kty ~= "oct"
    local key = is_wanted and gate.crypto:jwk_to_key(jwk)
    if key then
      by_kid[key.kid or "#" .. i], count = key, count + 1
    end
  end
  if count == 0 then return nil, "no key that signs" end
  return by_kid
end

---@param gate moongate.Gate
---@param given { url: string, ttl_ms: integer, overlap_ms: integer }
return function(gate, given)
  if not given.url:find "^https?://" then
    error('option "jwks_url": expected a URL of http or https', 0)
  end
  local state = gate.state
  -- kid -> { key, until_ms? }; until_ms of those that are published no more
  if not state.jwks or state.jwks.url ~= given.url then
    state.jwks = { url = given.url, keys = {} }
  end
  local kept = state.jwks
  local jwks = {}

  local function take(by_kid)
    local now_ms = gate:now_ms()
    for kid, entry in pairs(kept.keys) do
      if not by_kid[kid] then entry.until_ms = entry.until_ms or now_ms + given.overlap_ms end
      if entry.until_ms and now_ms >= entry.until_ms then kept.keys[kid] = nil end
    end
    for kid, key in pairs(by_kid) do kept.keys[kid] = { key = key } end
    kept.fetched_ms = now_ms
  end

  local function fetch()
    local response, problem = gate:fetch(given.url, { timeout_ms = TIMEOUT_MS,
      max_bytes = MAX_BYTES })
    if response and response.status ~= 200 then
      response, problem = nil, "status " .. response.status
    end
    local by_kid
    if response then by_kid, problem = read_set(gate, response) end
    if by_kid then return take(by_kid) end
    gate:warn("%s: %s; the keys that are known go on", given.url, problem)
  end

  --- Asks for the set, with whoever does already; not again soon after a call.
  local function refresh()
    gate:share("jwks", function()
      local now_ms = gate:now_ms()
      if kept.asked_ms and now_ms - kept.asked_ms < RETRY_MS then return end
      kept.asked_ms = now_ms
      fetch()
    end)
  end

  local function has(kid)
    if kid == nil then return next(kept.keys) ~= nil end
    return kept.keys[kid] ~= nil
  end

  --- Adds the keys that are known to a list; asks for the set first when it must.
  ---@param kid? string of the token
  ---@param keys table[] the list
  ---@return boolean is_known whether there has been a set
  function jwks.add(kid, keys)
    if not has(kid) then
      refresh()
    elseif gate:now_ms() - kept.fetched_ms >= given.ttl_ms then
      gate:spawn(refresh)
    end
    local now_ms = gate:now_ms()
    for _, entry in pairs(kept.keys) do
      local is_good = not entry.until_ms or now_ms < entry.until_ms
      local is_meant = not kid or not entry.key.kid or entry.key.kid == kid
      if is_good and is_meant and #keys < MAX_GIVEN then keys[#keys + 1] = entry.key end
    end
    return kept.fetched_ms ~= nil
  end

  return jwks
end
