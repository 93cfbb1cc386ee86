--- Public keys as an identity provider publishes them (RFC 7517), from PEM.
local mime = require "mime"
local token = require "spec.support.token"

local jwk = {}

local EXPONENT = "\2\3\1\0\1" -- 65537, as DER

---@param algorithm "RS256"|"ES256"
---@param pem string of a public key: RSA with the usual exponent, or P-256
---@param kid string
---@return table jwk
function jwk.of(algorithm, pem, kid)
  local der = mime.unb64((pem:gsub("%-%-%-%-%-[^\n]*\n", ""):gsub("%s", "")))
  local key = { kid = kid, use = "sig", alg = algorithm }
  if algorithm == "ES256" then
    assert(der:byte(-65) == 4, "no point of P-256 that is not compressed")
    key.kty, key.crv = "EC", "P-256"
    key.x, key.y = token.base64(der:sub(-64, -33)), token.base64(der:sub(-32))
    return key
  end
  assert(der:sub(-5) == EXPONENT, "another exponent")
  local bytes = der:byte(-262) == 0 and 256 or error "expected 2048 bits"
  key.kty, key.e, key.n = "RSA", "AQAB", token.base64(der:sub(-5 - bytes, -6))
  return key
end

return jwk
