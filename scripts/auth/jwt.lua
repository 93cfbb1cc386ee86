--- JSON Web Tokens (RFC 7519), signed with keys from the options or with published ones.
local new_jwks = require "auth.jwks"
local names = require "auth.names"

local MIN_SECRET = 32 -- bytes: RFC 7518, section 3.2
local MAX_TIME = 2 ^ 53 -- ms: beyond it whole numbers are not exact
local MAX_PEM = 65536 -- bytes

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local VALUE = {}
for i = 1, #ALPHABET do VALUE[ALPHABET:byte(i)] = i - 1 end

--- The bytes of URL-safe base64 without padding.
local function decode_base64(text)
  local bytes, bits, count = {}, 0, 0
  for i = 1, #text do
    bits, count = bits * 64 + VALUE[text:byte(i)], count + 6
    if count >= 8 then
      count = count - 8
      bytes[#bytes + 1] = string.char(math.floor(bits / 2 ^ count))
      bits = bits % 2 ^ count
    end
  end
  return table.concat(bytes)
end

--- The head of what looks like a token: three parts of base64. The signature may be empty, as
--- that of "none": it is for the crypto to refuse.
local function head_of(token)
  if token:find "[^%w_.-]" then return end
  local first = token:find(".", 1, true)
  local second = first and token:find(".", first + 1, true)
  if not second or token:find(".", second + 1, true) then return end
  return first > 1 and second > first + 1 and token:sub(1, first - 1) or nil
end

--- The kid that a token's head names, if it does.
local function kid_of(gate, head)
  local header = gate.json.decode(decode_base64(head))
  local kid = type(header) == "table" and header.kid
  return type(kid) == "string" and kid or nil
end

local function read_pem(path)
  local file, problem = io.open(path, "r")
  if not file then return nil, problem end
  local text = file:read(MAX_PEM) or ""
  file:close()
  if not text:find("-----BEGIN", 1, true) then return nil, path .. ": is no PEM" end
  return text
end

local function read_secret(entry)
  local secret = entry.secret
  if type(secret) ~= "string" or #secret < MIN_SECRET then
    return nil, ("secret: expected a string of at least %d bytes"):format(MIN_SECRET)
  end
  return { kid = entry.kid, algorithm = entry.algorithm, secret = secret }
end

local function read_public(entry)
  if entry.secret ~= nil then return nil, "secret: only of HS256, HS384, HS512" end
  if type(entry.file) ~= "string" then return nil, "file: expected the path of a public key" end
  local pem, problem = read_pem(entry.file)
  if not pem then return nil, problem end
  return { kid = entry.kid, algorithm = entry.algorithm, pem = pem }
end

--- The key for gate.crypto; nil and what is wrong.
local function read_key(entry)
  if type(entry) ~= "table" then return nil, "expected { algorithm =, secret = or file = }" end
  if entry.kid ~= nil and type(entry.kid) ~= "string" then return nil, "kid: expected a string" end
  local algorithm = entry.algorithm
  if type(algorithm) ~= "string" or not algorithm:find "^%u%u%w+$" then
    return nil, "algorithm: expected one as HS256, RS256 or ES256"
  end
  return (algorithm:sub(1, 2) == "HS" and read_secret or read_public)(entry)
end

local function read_keys(gate, list)
  local keys = {}
  for i, entry in ipairs(list) do
    local key, problem = read_key(entry)
    local is_usable
    if key then is_usable, problem = gate.crypto:check_key(key) end
    if not is_usable then key = nil end
    if not key then error(('option "keys": entry %d: %s'):format(i, problem), 0) end
    keys[i] = key
  end
  return keys
end

local function or_nil(text) return text ~= "" and text or nil end

--- What plugins may know of the claims: those that are listed.
local function chosen(claims, list)
  local info
  for _, name in ipairs(list) do
    if claims[name] ~= nil then
      info = info or {}
      info[name] = claims[name]
    end
  end
  return info
end

---@param gate moongate.Gate
---@param given { keys: table, jwks_url: string, jwks_ttl_ms: integer, overlap_ms: integer,
--- issuer: string, audience: string, skew_ms: integer, require_exp: boolean,
--- max_lifetime_ms: integer, user_claim: string, admin_claim: string,
--- claims: string[] }
return function(gate, given)
  local fixed = read_keys(gate, given.keys)
  local jwks = given.jwks_url ~= "" and new_jwks(gate, { url = given.jwks_url,
    ttl_ms = given.jwks_ttl_ms, overlap_ms = given.overlap_ms }) or nil
  if not fixed[1] and not jwks then
    error('option "keys": expected at least one key, or a jwks_url', 0)
  end
  local options = { issuer = or_nil(given.issuer), audience = or_nil(given.audience),
    skew_ms = given.skew_ms }
  local jwt = {}

  --- The keys that it may be signed with; and whether there are all that should be.
  local function keys_for(head)
    local kid, keys, has_named = kid_of(gate, head), {}, false
    for _, key in ipairs(fixed) do
      if not kid or not key.kid or key.kid == kid then keys[#keys + 1] = key end
      has_named = has_named or (kid ~= nil and key.kid == kid)
    end
    return keys, not jwks or has_named or jwks.add(kid, keys)
  end

  --- When it ends, the difference of the clocks included: until then it would be admitted anew.
  ---@return integer? expires_at nil: never, or
  ---@return string? problem
  local function end_of(claims)
    local exp = claims.exp
    if exp == nil then return nil, given.require_exp and "it has no exp" or nil end
    local expires_at = math.ceil(exp * 1000) + given.skew_ms
    if not (expires_at > 0 and expires_at < MAX_TIME) then return nil, "exp: out of range" end
    if expires_at - gate:now_ms() > given.max_lifetime_ms + 2 * given.skew_ms then
      return nil, ("exp: more than %.0f s from now"):format(given.max_lifetime_ms / 1000)
    end
    return expires_at
  end

  local function identity_of(claims)
    local expires_at, problem = end_of(claims)
    if problem then return nil, "bad_token", problem end
    local user = claims[given.user_claim]
    if not names.is_user(user) then
      return nil, "bad_token", ('the claim "%s" is no name of a user'):format(given.user_claim)
    end
    local is_admin = given.admin_claim ~= "" and claims[given.admin_claim] == true
    return { user = user, method = "jwt", admin = is_admin or nil,
      expires_at = expires_at, info = chosen(claims, given.claims) }
  end

  --- Who has this token; false: it is no JWT.
  ---@param token string
  function jwt.check(token)
    local head = head_of(token)
    if not head then return false end
    local keys, is_known = keys_for(head)
    local claims, code, text = gate.crypto:verify_jwt(token, keys, options)
    if claims then return identity_of(claims) end
    if code == "bad_token" and not is_known then
      return nil, "unavailable", "the keys that sign tokens are not known yet", true
    end
    return nil, code, text
  end

  return jwt
end
