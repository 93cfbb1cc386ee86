--- JSON Web Tokens for specs: of the RFCs, and signed here, header and claims as they are given.
local core = require "spec.support.core"
local ffi = require "ffi"
local file = require "spec.support.file"

local C = core.load_apart("core/crypto.h", "crypto")
core.load_apart("core/base64.h", "crypto")

ffi.cdef [[
  typedef struct jwt jwt_t;
  int jwt_new(jwt_t **jwt);
  int jwt_add_headers_json(jwt_t *jwt, const char *json);
  int jwt_add_grants_json(jwt_t *jwt, const char *json);
  int jwt_set_alg(jwt_t *jwt, int alg, const char *key, int length);
  int jwt_str_alg(const char *name);
  char *jwt_encode_str(jwt_t *jwt);
  void jwt_free(jwt_t *jwt);
  void free(void *memory);
]]

local token = {}

-- RFC 7515, appendices A.1 to A.3: the same claims, of the year 2011.
local CLAIMS = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb29"
  .. "0Ijp0cnVlfQ"

token.EXPIRES_MS = 1300819380000

token.RFC = {
  HS256 = {
    token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." .. CLAIMS
      .. ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    jwk = { kty = "oct", k = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i"
      .. "PS4hcg"
      .. "UuTwjAzZr1Z9CAow" },
  },
  RS256 = {
    token = "eyJhbGciOiJSUzI1NiJ9." .. CLAIMS
      .. ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W"
      .. "2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkS"
      .. "jtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv"
      .. "Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    jwk = { kty = "RSA", e = "AQAB",
      n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEz"
        .. "P1Pt0B"
        .. "m4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSH"
        .. "SXndS5"
        .. "z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
        .. "IhlJH7"
        .. "aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" },
  },
  ES256 = {
    token = "eyJhbGciOiJFUzI1NiJ9." .. CLAIMS
      .. ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    jwk = { kty = "EC", crv = "P-256", x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" },
  },
}

---@return string of URL-safe base64
function token.base64(bytes)
  local text = ffi.new("char[?]", #bytes * 2 + 1)
  return ffi.string(text, C.moon_base64_encode(bytes, #bytes, text))
end

local function bytes_of(hex)
  return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

--- Signed by HMAC-SHA-256, whatever the header says.
---@param header string JSON, or what is none
---@param claims string the same
function token.by_secret(header, claims, secret)
  local text = token.base64(header) .. "." .. token.base64(claims)
  local digits = ffi.new "char[64]"
  C.moon_crypto_hmac_sha256(secret, #secret, text, #text, digits)
  return text .. "." .. token.base64(bytes_of(ffi.string(digits, 64)))
end

--- Signed by a private key, with the name of its kid if it has one.
---@param claims string JSON
---@param kid? string
function token.by_key(algorithm, claims, pem, kid)
  local jwt = ffi.new "jwt_t *[1]"
  assert(C.jwt_new(jwt) == 0)
  if kid then assert(C.jwt_add_headers_json(jwt[0], ('{"kid":"%s"}'):format(kid)) == 0) end
  assert(C.jwt_add_grants_json(jwt[0], claims) == 0)
  assert(C.jwt_set_alg(jwt[0], C.jwt_str_alg(algorithm), pem, #pem) == 0)
  local text = C.jwt_encode_str(jwt[0])
  assert(text ~= nil, "it cannot be signed by " .. algorithm)
  C.jwt_free(jwt[0])
  local found = ffi.string(text)
  C.free(text)
  return found
end

--- A new pair of keys, as openssl makes it.
---@param kind string "RSA:2048", "EC:P-256", "ED25519"
---@return { private: string, public: string } pair of PEM
function token.pair(kind)
  local name, what = kind:match "^(%w+):?(.*)$"
  local option = name == "RSA" and "-pkeyopt rsa_keygen_bits:" .. what
    or name == "EC" and "-pkeyopt ec_paramgen_curve:" .. what or ""
  local folder = file.folder()
  file.run(("openssl genpkey -algorithm %s %s -out %s/key 2>/dev/null"):format(name, option,
    folder))
  file.run(("openssl pkey -in %s/key -pubout -out %s/pub"):format(folder, folder))
  local pair = { private = file.read(folder .. "/key"), public = file.read(folder .. "/pub") }
  file.run("rm -r " .. folder)
  return pair
end

return token
