--- gate.crypto: what a plugin needs to know who somebody is.
local checks = require "moongate.check"
local core = require "moongate.ffi"
local jwk = require "moongate.jwk"
local jwt = require "moongate.jwt"
local membrane = require "moongate.membrane"
local password = require "moongate.password"

local C = core.C
local check = checks.kind

local HEX_DIGITS = 64
local MIN_TOKEN_BYTES, TOKEN_BYTES, MAX_TOKEN_BYTES = 16, 24, 64

---@class moongate.Crypto
local Crypto = {}
local crypto_mt = { __index = Crypto, __newindex = function(_, name)
  error(("gate.crypto.%s cannot be set"):format(tostring(name)), 2)
end }

local same, sha256, hmac_sha256 = membrane.text_for "gate.crypto:same",
  membrane.text_for "gate.crypto:sha256", membrane.text_for "gate.crypto:hmac_sha256"

membrane.seal(crypto_mt, {
  name = "gate.crypto", methods = Crypto, fields = {},
  takes = {
    same = { same, same }, sha256 = { sha256 }, hmac_sha256 = { hmac_sha256, hmac_sha256 },
    verify_jwt = { nil, membrane.spec, membrane.spec },
    check_key = { membrane.spec }, jwk_to_key = { membrane.spec },
  },
})

local digits = core.new("char[?]", HEX_DIGITS)
local bytes = core.new("char[?]", MAX_TOKEN_BYTES)
local text = core.new("char[?]", MAX_TOKEN_BYTES * 2)

local function called(self, what)
  if self ~= nil and getmetatable(self) == crypto_mt then return end
  error(("gate.crypto.%s: called with a dot, it is gate.crypto:%s(...)"):format(what, what), 3)
end

--- Whether two strings are the same, in a time that does not tell where they differ: for what
--- somebody must not find out by trying.
---@param a string
---@param b string
---@return boolean
function Crypto:same(a, b)
  called(self, "same")
  check(a, "string", "gate.crypto:same")
  check(b, "string", "gate.crypto:same")
  return C.moon_is_same(a, #a, b, #b) == 1
end

--- The SHA-256 of a string, as 64 hexadecimal digits in lower case. No hash for passwords.
---@param value string
---@return string
function Crypto:sha256(value)
  called(self, "sha256")
  check(value, "string", "gate.crypto:sha256")
  C.moon_sha256(value, #value, digits)
  return core.string(digits, HEX_DIGITS)
end

--- The HMAC-SHA-256 of a string by a key, in the same form; to be compared by gate.crypto:same.
---@param key string
---@param value string
---@return string
function Crypto:hmac_sha256(key, value)
  called(self, "hmac_sha256")
  check(key, "string", "gate.crypto:hmac_sha256")
  check(value, "string", "gate.crypto:hmac_sha256")
  C.moon_hmac_sha256(key, #key, value, #value, digits)
  return core.string(digits, HEX_DIGITS)
end

--- Random bytes that nobody can guess, in letters, digits, "-" and "_": 4 for each 3 bytes.
---@param count? integer of bytes: 16 to 64, 24 unless it is said
---@return string
function Crypto:token(count)
  called(self, "token")
  if count == nil then count = TOKEN_BYTES end
  if type(count) ~= "number" or count % 1 ~= 0 or count < MIN_TOKEN_BYTES
    or count > MAX_TOKEN_BYTES then
    error(("gate.crypto:token: expected a whole number from %d to %d, got %s"):format(
      MIN_TOKEN_BYTES, MAX_TOKEN_BYTES, tostring(count)), 2)
  end
  C.moon_random(bytes, count)
  return core.string(text, C.moon_to_base64(bytes, count, text))
end

--- The claims of a JSON Web Token that is signed by one of these keys, and in force now. The key
--- says by which algorithm, never the token. There is no EdDSA; a "typ" has to be JWT.
---@param token any what a client has sent
---@param keys moongate.Key[] at most 100; a mistake in one raises: gate.crypto:check_key
---@param options? moongate.JwtOptions
---@return table? claims null is gate.json.null
---@return "bad_token"|"expired_token"|"early_token"? code "bad_token": never valid; "early_token":
--- by "nbf" or "iat"
---@return string? text
---@return string? kid what the token names, when no key is of that name
function Crypto:verify_jwt(token, keys, options)
  called(self, "verify_jwt")
  local problem = jwt.problem_of(keys, options)
  if problem then error("gate.crypto:verify_jwt: " .. problem, 2) end
  return jwt.verify(token, keys, options or {}, C.moon_time_ms())
end

--- Whether tokens can be compared with a key: for options, which an operator has written.
---@param key moongate.Key
---@return true? usable
---@return string? problem
function Crypto:check_key(key)
  called(self, "check_key")
  local problem = jwt.problem_of_key(key)
  if problem then return nil, problem end
  return true
end

--- The key that a JSON Web Key describes: of RSA, EC (P-256, P-384, P-521) or oct.
---@param fields table the JWK, decoded: one of "keys" in a set
---@return moongate.Key? key
---@return string? problem why it is none for tokens: fine for one of several in a set
function Crypto:jwk_to_key(fields)
  called(self, "jwk_to_key")
  check(fields, "table", "gate.crypto:jwk_to_key")
  return jwk.key_of(fields)
end

--- A hash of a password, to be stored in its place: argon2id with a salt of its own. Takes tens of
--- milliseconds on a thread of the core, one after the other; waits for it, only in a task.
---@param secret string at most 1024 bytes
---@return string? hash "$argon2id$v=19$m=19456,t=2,p=1$..."
---@return "full"|"too_big"|"no_memory"? reason "full": 16 are under way already
function Crypto:hash_password(secret)
  called(self, "hash_password")
  check(secret, "string", "gate.crypto:hash_password")
  return password.hash("gate.crypto:hash_password", secret)
end

--- Whether a hash is that of a password; waits as gate.crypto:hash_password does.
---@param secret string
---@param hash string of argon2id, at most m=65536,t=10,p=4
---@return boolean? right nil when that is not known
---@return boolean|"full"|"bad_hash"|"no_memory"? outdated of one that is right: it costs other than
--- those that are made now, and should be replaced; of nil, the reason
function Crypto:check_password(secret, hash)
  called(self, "check_password")
  check(secret, "string", "gate.crypto:check_password")
  check(hash, "string", "gate.crypto:check_password")
  return password.check("gate.crypto:check_password", secret, hash)
end

return setmetatable({}, crypto_mt)
