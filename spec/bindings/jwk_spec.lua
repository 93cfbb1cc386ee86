local fake_core = require "spec.support.fake_core"
local token = require "spec.support.token"

describe("a JSON Web Key", function()
  local jwk

  before_each(function() jwk = fake_core.world().jwk end)

  --- One of the RFC's, with other fields; false takes one away.
  local function like(algorithm, more)
    local made = {}
    for name, value in pairs(token.RFC[algorithm].jwk) do made[name] = value end
    for name, value in pairs(more or {}) do
      if value == false then value = nil end
      made[name] = value
    end
    return made
  end

  local function problem(algorithm, more)
    local key, why = jwk.key_of(like(algorithm, more))
    assert.is_nil(key)
    return why
  end

  it("is a key for the algorithm of its kind, or for the one it names", function()
    for _, case in ipairs { { "HS256" }, { "RS256" }, { "ES256" }, { "HS256", "HS512" },
      { "RS256", "RS384" }, { "ES256", "ES256" } } do
      local key = assert(jwk.key_of(like(case[1], { alg = case[2], kid = "k", use = "sig" })))
      assert.equal(case[2] or case[1], key.algorithm)
      assert.equal("k", key.kid)
      assert.equal(case[1] == "HS256", key.secret ~= nil)
      assert.equal(case[1] ~= "HS256", key.pem ~= nil)
    end
    assert.is_nil(jwk.key_of(like "RS256").kid)
  end)

  it("has the secret that it spells", function()
    local key = jwk.key_of { kty = "oct", k = "-_8A" }
    assert.same({ algorithm = "HS256", secret = "\251\255\0" }, key)
  end)

  it("may have fields that say nothing of tokens", function()
    assert.is_table(jwk.key_of(like("RS256", { x5c = { "MIIC" }, x5t = "x", d = "private",
      key_ops = { "sign", "verify" } })))
  end)

  it("is none for tokens when it says so", function()
    assert.equal('use: expected "sig", got enc', problem("RS256", { use = "enc" }))
    assert.equal('key_ops: expected "verify" among them',
      problem("RS256", { key_ops = { "encrypt" } }))
    for kty, said in pairs { OKP = "OKP", ["rsa"] = "rsa" } do
      assert.equal("kty: expected RSA, EC or oct, got " .. said, problem("RS256", { kty = kty }))
    end
    assert.equal("kty: expected RSA, EC or oct, got nil", problem("RS256", { kty = false }))
    assert.matches('^algorithm: expected HS, RS or ES .* got "RSA%-OAEP"$',
      problem("RS256", { alg = "RSA-OAEP" }))
    assert.matches('^algorithm: .* got "PS256"$', problem("RS256", { alg = "PS256" }))
  end)

  it("is none by an algorithm of another kind of key", function()
    assert.equal("pem: HS256 has none, but a secret", problem("RS256", { alg = "HS256" }))
    assert.equal("secret: RS256 has none, but a pem", problem("HS256", { alg = "RS256" }))
    assert.matches("^pem: RS256 needs RSA", problem("ES256", { alg = "RS256" }))
    assert.matches("^pem: ES384 needs EC of P%-384", problem("ES256", { alg = "ES384" }))
    assert.equal("kid: expected a string, got a number", problem("RS256", { kid = 1 }))
    assert.equal("algorithm: expected a string, got a number", problem("RS256", { alg = 1 }))
  end)

  it("says which number is missing, or no number", function()
    for field, algorithm in pairs { n = "RS256", e = "RS256", x = "ES256", y = "ES256",
      k = "HS256" } do
      local wanted = field .. ": expected a string, got a "
      assert.equal(wanted .. "nil", problem(algorithm, { [field] = false }))
      assert.equal(wanted .. "number", problem(algorithm, { [field] = 1 }))
      for _, text in ipairs { "", "=", "AQAB=", "a b", ("A"):rep(4097), "A" } do
        assert.equal(field .. ": expected base64url of at most 4096 bytes",
          problem(algorithm, { [field] = text }))
      end
    end
  end)

  it("has numbers that make a key", function()
    assert.equal("n, e: they make no key", problem("RS256", { e = "AQ" }))
    assert.equal("n, e: they make no key", problem("RS256", { n = "AQAB" }))
    assert.equal("pem: RS256 needs RSA of 2048 to 8192 bits, got RSA of 128 bits",
      problem("RS256", { n = token.base64(("\255"):rep(16)) }))
    assert.is_table(jwk.key_of(like("RS256", { n = token.base64(("\255"):rep(1024)) })))
    assert.equal("n, e: they make no key",
      problem("RS256", { n = token.base64(("\255"):rep(1025)) }))
    assert.equal("x, y: that is not on the curve",
      problem("ES256", { x = like("ES256").y, y = like("ES256").x }))
    assert.equal("x, y: expected 32 bytes each, got 31 and 32",
      problem("ES256", { x = token.base64(("x"):rep(31)) }))
    assert.equal("x, y: expected 48 bytes each, got 32 and 32", problem("ES256", { crv = "P-384" }))
    assert.equal("crv: expected P-256, P-384 or P-521, got secp256k1",
      problem("ES256", { crv = "secp256k1" }))
  end)
end)
