local core = require "spec.support.core"
local ffi = require "ffi"
local file = require "spec.support.file"
local token = require "spec.support.token"
local C = core.load_apart("core/signature.h", "crypto")
core.load_apart("core/base64.h", "crypto")

local KINDS = { R = C.MOON_KEY_RSA, E = C.MOON_KEY_EC }

--- What was signed, and the signature.
local function parts(text)
  local signed, signature = text:match "^(.*)%.(.-)$"
  local bytes = ffi.new("char[?]", #signature)
  return signed, ffi.string(bytes, C.moon_base64_decode(signature, #signature, bytes))
end

---@param algorithm string "RS256"
local function is_by(algorithm, pem, bytes, signature)
  local kept = core.exact(pem)
  local signer = ffi.new("struct moon_signer", KINDS[algorithm:sub(1, 1)],
    tonumber(algorithm:sub(3)), kept, #pem)
  return C.moon_signature_is_by(signer, core.exact(bytes), #bytes, core.exact(signature),
    #signature)
end

--- A public key of this command of openssl.
local function public(command)
  return file.output(("openssl %s 2>/dev/null | openssl pkey -pubout"):format(command))
end

describe("a signature", function()
  local pairs_of = {}

  setup(function()
    for algorithm, kind in pairs { RS = "RSA:2048", ES256 = "EC:P-256", ES384 = "EC:P-384",
      ES512 = "EC:P-521" } do
      pairs_of[algorithm] = token.pair(kind)
    end
    for _, bits in ipairs { "256", "384", "512" } do pairs_of["RS" .. bits] = pairs_of.RS end
  end)

  after_each(core.tidy)

  local ALGORITHMS = { "RS256", "RS384", "RS512", "ES256", "ES384", "ES512" }

  it("is that of the RFC's examples", function()
    -- RFC 7515, A.3, as PEM; that of A.2: spec/bindings/jwk_spec.lua makes one of the JWK.
    local pem = "-----BEGIN PUBLIC KEY-----\n"
      .. "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
      .. "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
      .. "-----END PUBLIC KEY-----\n"
    local signed, signature = parts(token.RFC.ES256.token)
    assert.is_true(is_by("ES256", pem, signed, signature))
    assert.is_false(is_by("ES256", pem, signed .. "x", signature))
  end)

  it("is by the key that has made it, and the algorithm, and no other", function()
    for _, algorithm in ipairs(ALGORITHMS) do
      local signed, signature = parts(token.by_key(algorithm, "{}", pairs_of[algorithm].private))
      for _, other in ipairs(ALGORITHMS) do
        assert.equal(other == algorithm,
          is_by(other, pairs_of[algorithm].public, signed, signature), algorithm .. other)
        assert.equal(other == algorithm, is_by(other, pairs_of[other].public, signed, signature))
      end
      for _, wrong in ipairs { "ES0", "RS1", "ES257", "XS256" } do
        KINDS.X = C.MOON_KEY_OTHER
        assert.is_false(is_by(wrong, pairs_of[algorithm].public, signed, signature))
      end
    end
  end)

  it("is wrong with any bit changed, and with anything left out or put to it", function()
    for _, algorithm in ipairs(ALGORITHMS) do
      local pem = pairs_of[algorithm].public
      local signed, signature = parts(token.by_key(algorithm, "{}", pairs_of[algorithm].private))
      for at = 1, #signature, 5 do
        local byte = signature:byte(at)
        local changed = signature:sub(1, at - 1) .. string.char(byte < 128 and byte + 128
          or byte - 128) .. signature:sub(at + 1)
        assert.is_false(is_by(algorithm, pem, signed, changed))
      end
      for _, wrong in ipairs { "", signature:sub(2), signature:sub(1, -2), signature .. "\0",
        "\0" .. signature, ("\0"):rep(#signature), ("\255"):rep(#signature),
        signature:sub(#signature / 2 + 1) .. signature:sub(1, #signature / 2) } do
        assert.is_false(is_by(algorithm, pem, signed, wrong))
      end
      assert.is_false(is_by(algorithm, pem, "", signature))
    end
  end)

  it("of EC is right with zeros in front of r or s, too, and is no DER", function()
    local pem, is_seen, tries = pairs_of.ES256.public, {}, 0
    repeat
      local signed, signature = parts(token.by_key("ES256", ('{"n":%d}'):format(tries),
        pairs_of.ES256.private))
      assert.is_true(is_by("ES256", pem, signed, signature))
      is_seen.r = is_seen.r or signature:byte(1) == 0
      is_seen.s = is_seen.s or signature:byte(33) == 0
      is_seen.high = is_seen.high or signature:byte(1) > 127 -- which DER has a zero more for
      tries = tries + 1
    until is_seen.r and is_seen.s and is_seen.high
    local folder = file.folder()
    file.write(folder .. "/key", pairs_of.ES256.private)
    file.write(folder .. "/text", "hello")
    local der = file.output(("openssl dgst -sha256 -sign %s/key %s/text"):format(folder, folder))
    file.run("rm -r " .. folder)
    assert.equal(0x30, der:byte(1))
    assert.is_false(is_by("ES256", pem, "hello", der))
  end)

  it("is by no key of another kind, however many bits it has", function()
    local signed, signature = parts(token.by_key("RS256", "{}", pairs_of.RS.private))
    for _, pem in ipairs { "", "x", pairs_of.RS.private, pairs_of.RS.public:sub(1, 200),
      public "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
      public "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
      public "genpkey -algorithm ED25519" } do
      for _, algorithm in ipairs { "RS256", "ES256" } do
        assert.is_false(is_by(algorithm, pem, signed, signature))
        assert.is_false(is_by(algorithm, pem, signed, ("\1"):rep(64)))
      end
    end
  end)

  --- r and s of DER, of 32 bytes each.
  local function raw(der)
    local numbers, at = {}, 3
    for n = 1, 2 do
      local size = der:byte(at + 1)
      local number = der:sub(at + 2, at + 1 + size):gsub("^%z+", "")
      numbers[n], at = ("\0"):rep(32 - #number) .. number, at + 2 + size
    end
    return numbers[1] .. numbers[2]
  end

  it("of EC is on the curve of the algorithm, and not on another of as many bits", function()
    local folder = file.folder()
    file.write(folder .. "/text", "hello")
    for curve, is_right in pairs { ["P-256"] = true, secp256k1 = false } do
      file.run(("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:%s -out %s/key"):format(
        curve, folder))
      local der = file.output(("openssl dgst -sha256 -sign %s/key %s/text"):format(folder, folder))
      local pem = file.output(("openssl pkey -in %s/key -pubout"):format(folder))
      assert.equal(is_right, is_by("ES256", pem, "hello", raw(der)))
    end
    file.run("rm -r " .. folder)
  end)

  it("is told apart with more keys than are kept, again and again", function()
    local made = {}
    for n = 1, 20 do
      local pair = token.pair "EC:P-256"
      local signed, signature = parts(token.by_key("ES256", "{}", pair.private))
      made[n] = { pem = pair.public, signed = signed, signature = signature }
    end
    for _ = 1, 3 do
      for n, one in ipairs(made) do
        assert.is_true(is_by("ES256", one.pem, one.signed, one.signature))
        assert.is_false(is_by("ES256", made[n % 20 + 1].pem, one.signed, one.signature))
        assert.is_true(is_by("ES256", one.pem, one.signed, one.signature))
      end
    end
  end)

  it("is by a key in a PEM of 4096 bytes at most", function()
    local signed, signature = parts(token.by_key("ES256", "{}", pairs_of.ES256.private))
    local pem = pairs_of.ES256.public
    local longest = pem .. ("x"):rep(C.MOON_MAX_PEM_BYTES - #pem)
    assert.is_true(is_by("ES256", longest, signed, signature))
    assert.is_false(is_by("ES256", longest .. "x", signed, signature))
  end)
end)
