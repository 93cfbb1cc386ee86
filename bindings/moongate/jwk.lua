--- JSON Web Keys (RFC 7517), as lists of them are found at the URLs of identity providers: of
--- each, a key that tokens can be compared with.
local core = require "moongate.ffi"
local jwt = require "moongate.jwt"

local C = core.C

local MAX_TEXT_BYTES = 4096 -- of one number of a key

-- curve -> the algorithm it is for, and the bytes of a coordinate
local CURVES = {
  ["P-256"] = { "ES256", 32 }, ["P-384"] = { "ES384", 48 }, ["P-521"] = { "ES512", 66 },
}

local jwk = {}

local buffer = core.new("char[?]", MAX_TEXT_BYTES)
local pem = core.new("char[?]", C.MOON_MAX_PEM_BYTES)

--- The bytes of a field; nil and what is wrong.
local function bytes_of(fields, name)
  local text = fields[name]
  if type(text) ~= "string" then
    return nil, ("%s: expected a string, got a %s"):format(name, type(text))
  end
  local is_short = #text > 0 and #text <= MAX_TEXT_BYTES
  local length = is_short and tonumber(C.moon_from_base64(text, #text, buffer)) or -1
  if length < 0 then
    return nil, ("%s: expected base64url of at most %d bytes"):format(name, MAX_TEXT_BYTES)
  end
  return core.string(buffer, length)
end

--- Both fields; nil and what is wrong.
local function pair_of(fields, one, other)
  local first, problem = bytes_of(fields, one)
  if not first then return nil, problem end
  local second
  second, problem = bytes_of(fields, other)
  if not second then return nil, problem end
  return first, second
end

--- The key that is in `pem`, and its algorithm; nil and what is wrong.
local function made(status, algorithm, what)
  if status ~= C.MOON_OK then return nil, what end
  return { pem = core.string(pem) }, algorithm
end

-- kty -> what makes a key of it, and the algorithm if the JWK does not say
local READERS = {}

function READERS.RSA(fields)
  local n, e = pair_of(fields, "n", "e")
  if not n then return nil, e end
  return made(C.moon_rsa_key(n, #n, e, #e, pem), "RS256", "n, e: they make no key")
end

function READERS.EC(fields)
  local curve = CURVES[fields.crv]
  if not curve then
    return nil, ("crv: expected P-256, P-384 or P-521, got %s"):format(tostring(fields.crv))
  end
  local x, y = pair_of(fields, "x", "y")
  if not x then return nil, y end
  if #x ~= curve[2] or #y ~= curve[2] then
    return nil, ("x, y: expected %d bytes each, got %d and %d"):format(curve[2], #x, #y)
  end
  local point = "\4" .. x .. y
  return made(C.moon_ec_key(fields.crv, point, #point, pem), curve[1],
    "x, y: that is not on the curve")
end

function READERS.oct(fields)
  local secret, problem = bytes_of(fields, "k")
  if not secret then return nil, problem end
  return { secret = secret }, "HS256"
end

--- What it is not for; nil: tokens.
local function problem_of_use(fields)
  if fields.use ~= nil and fields.use ~= "sig" then
    return ('use: expected "sig", got %s'):format(tostring(fields.use))
  end
  local operations = fields.key_ops
  if type(operations) ~= "table" then return end
  for _, name in ipairs(operations) do
    if name == "verify" then return end
  end
  return 'key_ops: expected "verify" among them'
end

--- The key that a JWK describes; nil and why it is none for tokens.
---@param fields table
---@return moongate.Key? key
---@return string? problem
function jwk.key_of(fields)
  local read = READERS[fields.kty]
  if not read then
    return nil, ("kty: expected RSA, EC or oct, got %s"):format(tostring(fields.kty))
  end
  local problem = problem_of_use(fields)
  if problem then return nil, problem end
  local key, algorithm = read(fields)
  if not key then return nil, algorithm end
  key.kid = fields.kid
  key.algorithm = fields.alg == nil and algorithm or fields.alg
  problem = jwt.problem_of_key(key)
  if problem then return nil, problem end
  return key
end

return jwk
