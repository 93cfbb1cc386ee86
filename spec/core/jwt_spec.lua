local core = require "spec.support.core"
local token = require "spec.support.token"
local C = core.load_apart("core/jwt.h", "crypto")

local function is_signed(text, algorithm, key)
  return C.moon_jwt_is_signed(core.terminated(text), core.terminated(algorithm), core.exact(key),
    #key)
end

local SECRET = ("s"):rep(32)

--- The token with one bit changed in the byte at this place.
local function spoiled(text, at)
  local byte = text:byte(at)
  return text:sub(1, at - 1) .. string.char(byte == 65 and 66 or 65) .. text:sub(at + 1)
end

describe("a token", function()
  local rsa, curve, other_rsa

  setup(function()
    rsa, curve, other_rsa = token.pair "RSA:2048", token.pair "EC:P-256", token.pair "RSA:2048"
  end)

  after_each(core.tidy)

  it("is signed by the secret, of each length of digest", function()
    for _, algorithm in ipairs { "HS256", "HS384", "HS512" } do
      local text = token.by_key(algorithm, '{"a":1}', SECRET)
      assert.is_true(is_signed(text, algorithm, SECRET), algorithm)
      assert.is_false(is_signed(text, algorithm, SECRET .. "s"), algorithm)
      for _, other in ipairs { "HS256", "HS384", "HS512", "RS256", "ES256" } do
        assert.equal(other == algorithm, is_signed(text, other, SECRET))
      end
    end
  end)

  it("is signed by the private key of the public one", function()
    for algorithm, pair in pairs { RS256 = rsa, RS384 = rsa, RS512 = rsa, ES256 = curve } do
      local text = token.by_key(algorithm, '{"a":1}', pair.private)
      assert.is_true(is_signed(text, algorithm, pair.public), algorithm)
      assert.is_false(is_signed(text, algorithm, other_rsa.public), algorithm)
      for _, other in ipairs { "RS256", "RS384", "RS512", "ES256", "ES384", "HS256" } do
        assert.equal(other == algorithm, is_signed(text, other, pair.public))
      end
    end
  end)

  it("is not, with anything in it changed", function()
    for algorithm, key in pairs { HS256 = { SECRET, SECRET }, RS256 = { rsa.private, rsa.public },
      ES256 = { curve.private, curve.public } } do
      local text = token.by_key(algorithm, '{"a":1}', key[1])
      for at = 1, #text, 7 do
        assert.is_false(is_signed(spoiled(text, at), algorithm, key[2]), algorithm .. at)
      end
      for letter in ("ABCDEFGHIJKLMNOPQRSTUVWXYZ_-0123456789"):gmatch "." do -- spare bits, too
        local other = text:sub(1, -2) .. letter
        assert.equal(other == text, is_signed(other, algorithm, key[2]))
      end
      assert.is_false(is_signed(text:sub(1, -2), algorithm, key[2]))
      assert.is_false(is_signed(text .. "A", algorithm, key[2]))
      assert.is_false(is_signed(text:match "^(.*%.)", algorithm, key[2]))
    end
  end)

  it("has not the public key of another algorithm for its secret", function()
    local text = token.by_secret('{"alg":"HS256"}', '{"a":1}', rsa.public)
    assert.is_true(is_signed(text, "HS256", rsa.public)) -- as it would be with a secret
    for _, algorithm in ipairs { "RS256", "RS384", "RS512", "ES256", "none", "hs256" } do
      assert.is_false(is_signed(text, algorithm, rsa.public))
    end
    -- and one that only says that it is of RSA
    text = token.by_secret('{"alg":"RS256"}', '{"a":1}', rsa.public)
    assert.is_false(is_signed(text, "HS256", rsa.public))
    assert.is_false(is_signed(text, "RS256", rsa.public))
  end)

  it("is never signed by nobody", function()
    local body = "." .. token.base64 '{"a":1}' .. "."
    for _, name in ipairs { "none", "None", "NONE", "" } do
      local text = token.base64(('{"alg":"%s"}'):format(name)) .. body
      for _, algorithm in ipairs { "none", "None", "HS256", "RS256", "" } do
        assert.is_false(is_signed(text, algorithm, rsa.public))
        assert.is_false(is_signed(text, algorithm, ""))
      end
    end
    assert.is_false(is_signed(token.by_secret('{"alg":"HS256"}', "{}", ""), "HS256", ""))
  end)

  it("is refused when it is none", function()
    for _, text in ipairs { "", ".", "..", "...", "a.b.c", ("."):rep(1000), ("a"):rep(5000),
      token.base64 '{"alg":"HS256"}', token.base64 '{"alg":"HS256"}' .. ".",
      token.base64 '{"alg":1}' .. "." .. token.base64 "{}" .. ".", "\255.\255.\255",
      token.by_secret("[]", "{}", SECRET), token.by_secret("{}", "{}", SECRET),
      token.by_secret(("["):rep(3000), "{}", SECRET), token.by_secret("", "", SECRET) } do
      for _, algorithm in ipairs { "HS256", "RS256", "ES256" } do
        assert.is_false(is_signed(text, algorithm, SECRET), text)
      end
    end
  end)

  it("is not signed by what is no key", function()
    local text = token.by_key("RS256", '{"a":1}', rsa.private)
    for _, key in ipairs { "", "x", rsa.private, rsa.public:sub(1, 200), curve.public } do
      assert.is_false(is_signed(text, "RS256", key))
    end
  end)

  it("has algorithms of this spelling, and no others", function()
    local function has(name) return C.moon_jwt_has_algorithm(core.terminated(name)) end
    for _, kind in ipairs { "HS", "RS", "ES" } do
      for _, bits in ipairs { "256", "384", "512" } do assert.is_true(has(kind .. bits)) end
    end
    for _, name in ipairs { "none", "", "HS", "hs256", "HS2560", "PS256", "EdDSA", "ES256K" } do
      assert.is_false(has(name), name)
    end
  end)
end)
