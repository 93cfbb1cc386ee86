--- A gate.crypto for specs: real hashes, and signatures that are all made with HMAC-SHA-256. The
--- key decides the algorithm, and a PEM is the secret of its own signatures.
local ffi = require "ffi"
local json = require "cjson"

ffi.cdef [[
  unsigned char *SHA256(const unsigned char *bytes, size_t length, unsigned char *hash);
  const void *EVP_sha256(void);
  unsigned char *HMAC(const void *digest, const void *key, int key_length,
    const unsigned char *bytes, size_t length, unsigned char *hash, unsigned int *hash_length);
]]
local openssl = ffi.load "libcrypto.so.3"

local Crypto = {}
local crypto_mt = { __index = Crypto }

local function hex(bytes)
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

local function sha256(text)
  local hash = ffi.new "unsigned char[32]"
  openssl.SHA256(text, #text, hash)
  return ffi.string(hash, 32)
end

local function hmac(key, text)
  local hash, length = ffi.new "unsigned char[32]", ffi.new "unsigned int[1]"
  openssl.HMAC(openssl.EVP_sha256(), key, #key, text, #text, hash, length)
  return ffi.string(hash, 32)
end

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function base64(bytes)
  local text = bytes:gsub("..?.?", function(some)
    local a, b, c = some:byte(1, 3)
    local n, digits = a * 65536 + (b or 0) * 256 + (c or 0), {}
    for i = 1, #some + 1 do
      local at = math.floor(n / 64 ^ (4 - i)) % 64 + 1
      digits[i] = DIGITS:sub(at, at)
    end
    return table.concat(digits)
  end)
  return text
end

local function unbase64(text)
  local bytes, bits, count = {}, 0, 0
  for digit in text:gmatch "." do
    bits, count = bits * 64 + DIGITS:find(digit, 1, true) - 1, count + 6
    if count >= 8 then
      count = count - 8
      bytes[#bytes + 1] = string.char(math.floor(bits / 2 ^ count))
      bits = bits % 2 ^ count
    end
  end
  return table.concat(bytes)
end

function Crypto:same(a, b) return a == b end -- luacheck: no unused args

function Crypto:sha256(text) return hex(sha256(text)) end -- luacheck: no unused args

function Crypto:hmac_sha256(key, text) return hex(hmac(key, text)) end -- luacheck: no unused args

local function is_signed(key, header, signed, signature)
  local secret = key.secret or key.pem
  local is_meant = key.kid == nil or header.kid == nil or key.kid == header.kid
  return is_meant and key.algorithm == header.alg and base64(hmac(secret, signed)) == signature
end

--- As the contract has it: nil, code, text when it is refused.
function Crypto:verify_jwt(token, keys, options)
  -- Not as a method, which has the limits of plugins: it stands in for C.
  local head, body, signature = string.match(token, "^([%w_-]+)%.([%w_-]+)%.([%w_-]*)$")
  local ok, header = pcall(json.decode, head and unbase64(head) or "")
  if not ok or type(header) ~= "table" then return nil, "bad_token", "malformed" end
  local found = false
  for _, key in ipairs(keys) do
    found = found or is_signed(key, header, head .. "." .. body, signature)
  end
  if not found then return nil, "bad_token", "no key has signed it" end
  local claims, now_ms = json.decode(unbase64(body)), self.now_ms()
  if (options.issuer and claims.iss ~= options.issuer)
    or (options.audience and claims.aud ~= options.audience) then
    return nil, "bad_token", "of another issuer, or for others"
  end
  local skew_ms = options.skew_ms
  if claims.exp and now_ms >= claims.exp * 1000 + skew_ms then
    return nil, "expired_token", "it has run out"
  end
  if claims.nbf and now_ms < claims.nbf * 1000 - skew_ms then
    return nil, "early_token", "it is not good yet"
  end
  return claims
end

function Crypto:token(bytes) -- luacheck: no unused args
  self.tokens = (self.tokens or 0) + 1
  return base64(sha256("token " .. self.tokens):sub(1, bytes or 24))
end

--- A stand-in; `is_full` refuses all, `version` makes old ones stale.
function Crypto:hash_password(password)
  if self.is_full then return nil, "full" end
  self.hashed = (self.hashed or 0) + 1
  return ("$%d$%s"):format(self.version or 1, hex(sha256(password)))
end

function Crypto:check_password(password, hash)
  if self.is_full then return nil, "full" end
  self.checked = (self.checked or 0) + 1
  local version, of = hash:match "^%$(%d+)%$(%x+)$"
  return of == hex(sha256(password)), tonumber(version) ~= (self.version or 1)
end

--- A stand-in: of a PEM it wants the words at the end, too.
function Crypto:check_key(key) -- luacheck: no unused args
  if not key.pem or key.pem:find "the spec's crypto" then return true end
  return nil, "pem: expected a public key"
end

--- A stand-in: the PEM is what the field `n` has.
function Crypto:jwk_to_key(jwk) -- luacheck: no unused args
  if jwk.kty ~= "RSA" then return nil, "kty: expected RSA" end
  return { kid = jwk.kid, algorithm = "RS256", pem = jwk.n }
end

---@param header table
---@param claims table
---@param secret string
---@return string token
local function sign(header, claims, secret)
  local signed = base64(json.encode(header)) .. "." .. base64(json.encode(claims))
  return signed .. "." .. base64(hmac(secret, signed))
end

---@param now_ms fun(): number
local function new(now_ms) return setmetatable({ now_ms = now_ms }, crypto_mt) end

return { new = new, sign = sign, base64 = base64 }
