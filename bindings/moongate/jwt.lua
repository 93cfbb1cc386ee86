--- JSON Web Tokens: which key a token may be signed with, and what its claims have to say. The
--- signature itself is looked at in C.
local core = require "moongate.ffi"
local fields = require "moongate.fields"
local json = require "moongate.json"

local C = core.C

local MAX_TOKEN_BYTES = 16384
local MAX_KEYS = 100
local MAX_TRIED = 8      -- keys that one token may be tried with
local MAX_CHECKED = 256  -- keys that are known to be fit
local MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
local CURVE_BITS = { ES256 = 256, ES384 = 384, ES512 = 521 }

local jwt = {}

---@class moongate.Key
---@field kid? string tokens that name another one are not tried with this key
---@field algorithm "HS256"|"HS384"|"HS512"|"RS256"|"RS384"|"RS512"|"ES256"|"ES384"|"ES512" the only
--- one that this key is good for, whatever a token says
---@field secret? string for HS: the bytes, best as many as the digest has, 32 for HS256
---@field pem? string for RS and ES: the public key, "-----BEGIN PUBLIC KEY-----"

---@class moongate.JwtOptions
---@field issuer? string what the claim "iss" has to be
---@field audience? string what the claim "aud" has to be, or have among others
---@field skew_ms? integer how far the clocks may be apart: 60000

-- ---- keys ----

local KEY = { kid = true, algorithm = true, secret = true, pem = true }
local NAMES = { [C.MOON_KEY_RSA] = "RSA", [C.MOON_KEY_EC] = "EC" }

local bits = core.new "uint32_t[1]"
local checked, checked_count = {}, 0 -- algorithm and PEM -> true

--- Whether a key of this kind, and of bits[0], is fit; and what is.
local function is_fit(algorithm, kind)
  local curve_bits = CURVE_BITS[algorithm]
  if curve_bits then
    return kind == C.MOON_KEY_EC and bits[0] == curve_bits, "EC of P-" .. curve_bits
  end
  return kind == C.MOON_KEY_RSA and bits[0] >= MIN_RSA_BITS and bits[0] <= MAX_RSA_BITS,
    ("RSA of %d to %d bits"):format(MIN_RSA_BITS, MAX_RSA_BITS)
end

local function problem_of_pem(key)
  if type(key.pem) ~= "string" then
    return ("pem: %s needs the PEM of a public key, got a %s"):format(key.algorithm, type(key.pem))
  end
  if #key.pem > C.MOON_MAX_PEM_BYTES then
    return ("pem: expected at most %d bytes, got %d"):format(C.MOON_MAX_PEM_BYTES, #key.pem)
  end
  local kind = C.moon_key_kind(key.pem, #key.pem, bits)
  if kind == C.MOON_KEY_NONE then
    return 'pem: expected "-----BEGIN PUBLIC KEY-----" and a key, found none'
  end
  local fits, wanted = is_fit(key.algorithm, kind)
  if fits then return end
  return ("pem: %s needs %s, got %s of %d bits"):format(key.algorithm, wanted,
    NAMES[kind] or "another key", bits[0])
end

--- The same once for each key.
local function problem_of_known_pem(key)
  local name = key.algorithm .. tostring(key.pem)
  if checked[name] then return end
  local problem = problem_of_pem(key)
  if problem then return problem end
  if checked_count >= MAX_CHECKED then checked, checked_count = {}, 0 end
  checked[name], checked_count = true, checked_count + 1
end

local function problem_of_algorithm(key)
  local name = key.algorithm
  if type(name) ~= "string" then return "algorithm: expected a string, got a " .. type(name) end
  if name:find "%z" or C.moon_has_jwt_algorithm(name) == 0 then
    return ('algorithm: expected HS, RS or ES and 256, 384 or 512, got "%s"'):format(name)
  end
end

local function problem_of_secret(key)
  if key.pem ~= nil then return ("pem: %s has none, but a secret"):format(key.algorithm) end
  if type(key.secret) ~= "string" or key.secret == "" then
    return "secret: expected a string that is not empty"
  end
end

--- nil, or what is wrong with a key.
---@param key any
---@return string? problem
function jwt.problem_of_key(key)
  if type(key) ~= "table" then return "expected a table, got a " .. type(key) end
  local problem = fields.unknown(key, KEY) or problem_of_algorithm(key)
  if problem then return problem end
  if key.kid ~= nil and type(key.kid) ~= "string" then
    return "kid: expected a string, got a " .. type(key.kid)
  end
  if key.algorithm:sub(1, 2) == "HS" then return problem_of_secret(key) end
  return key.secret ~= nil and ("secret: %s has none, but a pem"):format(key.algorithm)
    or problem_of_known_pem(key)
end

-- ---- what a token is made of ----

local buffer = core.new("char[?]", MAX_TOKEN_BYTES)

--- The bytes; nil when it is no base64.
local function decoded(text)
  local length = tonumber(C.moon_from_base64(text, #text, buffer))
  return length >= 0 and core.string(buffer, length) or nil
end

--- nil when it is no object.
local function object_of(part)
  local text = decoded(part)
  local value = text and json.decode(text)
  return type(value) == "table" and value[1] == nil and value or nil
end

--- nil, or what is wrong with a header.
local function problem_of_header(header)
  if header.crit ~= nil then return "it asks for extensions, and there are none" end
  if header.kid ~= nil and type(header.kid) ~= "string" then return "its kid is no string" end
  local typ = header.typ
  if typ ~= nil and (type(typ) ~= "string" or typ:lower() ~= "jwt") then
    return "its typ is not JWT"
  end
end

--- Header and claims, not yet believed; nil and what is wrong.
local function read(token)
  if type(token) ~= "string" then return nil, "it is no string" end
  if #token > MAX_TOKEN_BYTES then return nil, "it is too long" end
  local head, body, signature = string.match(token, "^([%w_-]+)%.([%w_-]+)%.([%w_-]+)$")
  if not head or not decoded(signature) then
    return nil, "it is not made of three parts in base64"
  end
  local header = object_of(head)
  if not header then return nil, "its header is no JSON object" end
  local problem = problem_of_header(header)
  if problem then return nil, problem end
  return header, body
end

--- Keys that the token may mean, those with its kid first.
local function meant(kid, keys)
  local found = {}
  for _, key in ipairs(keys) do
    if kid ~= nil and key.kid == kid then
      table.insert(found, 1, key)
    elseif key.kid == nil or kid == nil then
      found[#found + 1] = key
    end
  end
  return found
end

--- Of those the ones for its algorithm; nil and what is wrong, and the kid if nobody has it.
local function candidates(header, keys)
  local all, found = meant(header.kid, keys), {}
  if not all[1] then return nil, "there is no key for it", header.kid end
  for _, key in ipairs(all) do
    if key.algorithm == header.alg then found[#found + 1] = key end
  end
  if found[1] then return found end
  return nil, "it is signed in another way than the key is for"
end

local function is_signed_with(token, key)
  local bytes = key.secret or key.pem
  return C.moon_is_signed(token, key.algorithm, bytes, #bytes) == 1
end

-- ---- what the claims say ----

local function has_audience(claims, audience)
  if type(claims.aud) ~= "table" then return claims.aud == audience end
  for _, name in ipairs(claims.aud) do
    if name == audience then return true end
  end
  return false
end

local function problem_of_claims(claims, options)
  for _, name in ipairs { "exp", "nbf", "iat" } do
    if claims[name] ~= nil and type(claims[name]) ~= "number" then
      return ("its %s is no number"):format(name)
    end
  end
  if options.issuer ~= nil and claims.iss ~= options.issuer then
    return "it is of another issuer"
  elseif options.audience ~= nil and not has_audience(claims, options.audience) then
    return "it is for another audience"
  end
end

local function judge(claims, options, now_ms)
  local problem = problem_of_claims(claims, options)
  if problem then return nil, "bad_token", problem end
  local skew_ms = options.skew_ms or 60000
  if claims.exp and now_ms >= claims.exp * 1000 + skew_ms then
    return nil, "expired_token", "its time is over"
  end
  local from_s = math.max(claims.nbf or 0, claims.iat or 0)
  if now_ms < from_s * 1000 - skew_ms then
    return nil, "early_token", "its time has not come yet"
  end
  return claims
end

-- ---- all of it ----

local OPTIONS = { issuer = "string", audience = "string", skew_ms = "number" }

local function problem_of_options(options)
  if type(options) ~= "table" then return "expected a table, got a " .. type(options) end
  local problem = fields.unknown(options, OPTIONS)
  if problem then return problem end
  for name, kind in pairs(OPTIONS) do
    local value = options[name]
    if value ~= nil and type(value) ~= kind then
      return ("%s: expected a %s, got a %s"):format(name, kind, type(value))
    end
  end
  local skew_ms = options.skew_ms or 0
  if not (skew_ms >= 0 and skew_ms < math.huge) then
    return "skew_ms: expected at least 0 ms, got " .. tostring(skew_ms)
  end
end

--- nil, or what is wrong with what a token is to be compared with.
---@param keys any
---@param options any
---@return string? problem
function jwt.problem_of(keys, options)
  if type(keys) ~= "table" then return "keys: expected a list, got a " .. type(keys) end
  if #keys > MAX_KEYS then
    return ("keys: %d of them, at most %d"):format(#keys, MAX_KEYS)
  end
  for i, key in ipairs(keys) do
    local problem = jwt.problem_of_key(key)
    if problem then return ("keys[%d], %s"):format(i, problem) end
  end
  local problem = options ~= nil and problem_of_options(options)
  return problem and "options, " .. problem or nil
end

--- The claims of a token, when it is to be believed. What it is compared with has no problem.
---@param token any
---@param keys moongate.Key[]
---@param options moongate.JwtOptions
---@param now_ms number since 1970 UTC
---@return table? claims
---@return "bad_token"|"expired_token"|"early_token"? code
---@return string? text
---@return string? kid
function jwt.verify(token, keys, options, now_ms)
  local header, body = read(token)
  if not header then return nil, "bad_token", body end
  local found, problem, kid = candidates(header, keys)
  if not found then return nil, "bad_token", problem, kid end
  for i = 1, math.min(#found, MAX_TRIED) do
    if is_signed_with(token, found[i]) then
      local claims = object_of(body)
      if not claims then return nil, "bad_token", "its claims are no JSON object" end
      return judge(claims, options, now_ms)
    end
  end
  return nil, "bad_token", "its signature is wrong"
end

return jwt
