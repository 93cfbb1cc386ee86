--- The verbs of bindings/api.h that need no gate: what is only computed is the core's own, in the
-- binary or in the library that spec/support/fake_core.lua loads. Passwords are answered at once.
local ffi = require "ffi"

local C = ffi.C -- its constants are there when the first verb is called

local verbs = {}

for name in ([[moon_password_now moon_sha256 moon_hmac_sha256 moon_is_same moon_random
  moon_to_base64 moon_from_base64 moon_key_kind moon_rsa_key moon_ec_key
  moon_has_jwt_algorithm moon_is_signed]]):gmatch "%S+" do
  verbs[name] = function(_, ...) return C[name](...) end
end

local function refusal(core, length, hash_length)
  if core.answers.moon_password then return core.answers.moon_password end
  local is_big = length > C.MOON_MAX_PASSWORD_BYTES or hash_length >= C.MOON_MAX_HASH_BYTES
  return is_big and C.MOON_EBIG or C.MOON_OK
end

function verbs.moon_password(core, ticket, password, length, hash, hash_length)
  assert(length == #password and hash_length == #hash, "a length is not that of its bytes")
  local status = refusal(core, length, hash_length)
  if status ~= C.MOON_OK then return status end
  local made = ffi.new("char[?]", C.MOON_MAX_HASH_BYTES)
  local outcome = C.moon_password_now(password, length, hash, hash_length, made)
  core:hashed(ticket, outcome, ffi.string(made))
  return status
end

return verbs
