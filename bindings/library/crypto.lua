---@meta
-- Written by ./dev docs from bindings/moongate/*.lua, for editors: nothing runs this.
-- luacheck: ignore

---@class moongate.Crypto
local Crypto = {}

--- Whether two strings are the same, in a time that does not tell where they differ: for what
--- somebody must not find out by trying.
---@param a string
---@param b string
---@return boolean
function Crypto:same(a, b) end

--- The SHA-256 of a string, as 64 hexadecimal digits in lower case. No hash for passwords.
---@param value string
---@return string
function Crypto:sha256(value) end

--- The HMAC-SHA-256 of a string by a key, in the same form; to be compared by gate.crypto:same.
---@param key string
---@param value string
---@return string
function Crypto:hmac_sha256(key, value) end

--- Random bytes that nobody can guess, in letters, digits, "-" and "_": 4 for each 3 bytes.
---@param count? integer of bytes: 16 to 64, 24 unless it is said
---@return string
function Crypto:token(count) end

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
function Crypto:verify_jwt(token, keys, options) end

--- Whether tokens can be compared with a key: for options, which an operator has written.
---@param key moongate.Key
---@return true? usable
---@return string? problem
function Crypto:check_key(key) end

--- The key that a JSON Web Key describes: of RSA, EC (P-256, P-384, P-521) or oct.
---@param fields table the JWK, decoded: one of "keys" in a set
---@return moongate.Key? key
---@return string? problem why it is none for tokens: fine for one of several in a set
function Crypto:jwk_to_key(fields) end

--- A hash of a password, to be stored in its place: argon2id with a salt of its own. Takes tens of
--- milliseconds on a thread of the core, one after the other; waits for it, only in a task.
---@param secret string at most 1024 bytes
---@return string? hash "$argon2id$v=19$m=19456,t=2,p=1$..."
---@return "full"|"too_big"|"no_memory"? reason "full": 16 are under way already
function Crypto:hash_password(secret) end

--- Whether a hash is that of a password; waits as gate.crypto:hash_password does.
---@param secret string
---@param hash string of argon2id, at most m=65536,t=10,p=4
---@return boolean? right nil when that is not known
---@return boolean|"full"|"bad_hash"|"no_memory"? outdated of one that is right: it costs other than
--- those that are made now, and should be replaced; of nil, the reason
function Crypto:check_password(secret, hash) end
