local fake_core = require "spec.support.fake_core"
local token = require "spec.support.token"

local SECRET = ("s"):rep(32)
local NOW_MS = 1760000000000
local NOW_S = NOW_MS / 1000

describe("a JSON Web Token", function()
  local jwt, jwk, json, core
  local rsa, curve

  setup(function() rsa, curve = token.pair "RSA:2048", token.pair "EC:P-256" end)

  before_each(function()
    local world = fake_core.world()
    jwt, jwk, json, core = world.jwt, world.jwk, world.json, world.core
  end)

  local function key(more)
    local made = { algorithm = "HS256", secret = SECRET }
    for name, value in pairs(more or {}) do made[name] = value end
    return made
  end

  local function signed(claims, header, secret)
    return token.by_secret(header or '{"alg":"HS256"}', claims, secret or SECRET)
  end

  --- What has become of it: its claims, or a code and a text.
  local function verify(text, keys, options, now_ms)
    keys = keys or { key() }
    assert.is_nil(jwt.problem_of(keys, options))
    local claims, code, why, kid = jwt.verify(text, keys, options or {}, now_ms or NOW_MS)
    if claims then
      assert.same({}, { code, why, kid })
      return claims
    end
    return code, why, kid
  end

  local function is_bad(why, text, keys, options)
    local code, said = verify(text, keys, options)
    assert.same({ "bad_token", why }, { code, said })
  end

  describe("of the RFC", function()
    for _, algorithm in ipairs { "HS256", "RS256", "ES256" } do
      local case = token.RFC[algorithm]

      it("is read, and over in its time: " .. algorithm, function()
        local keys = { assert(jwk.key_of(case.jwk)) }
        assert.same({ iss = "joe", exp = token.EXPIRES_MS / 1000,
          ["http://example.com/is_root"] = true },
          verify(case.token, keys, { skew_ms = 0, issuer = "joe" }, token.EXPIRES_MS - 1))
        assert.same({ "expired_token", "its time is over" },
          { verify(case.token, keys, { skew_ms = 0 }, token.EXPIRES_MS) })
        is_bad("its signature is wrong", case.token:gsub(".$", "A"), keys)
      end)
    end
  end)

  it("gives its claims as they are", function()
    assert.same({ sub = "ann", n = 1.5, deep = { { true } }, none = json.null },
      verify(signed '{"sub":"ann","n":1.5,"deep":[[true]],"none":null}'))
  end)

  it("has its time, within the skew of the clocks", function()
    local function at(claim, offset_s, options)
      return (verify(signed(('{"%s":%d}'):format(claim, NOW_S + offset_s)), nil, options))
    end
    assert.is_table(at("exp", -59))
    assert.equal("expired_token", at("exp", -60))
    assert.is_table(at("exp", 1, { skew_ms = 0 }))
    assert.equal("expired_token", at("exp", 0, { skew_ms = 0 }))
    for _, claim in ipairs { "nbf", "iat" } do
      assert.is_table(at(claim, 60))
      assert.equal("early_token", at(claim, 61))
      assert.is_table(at(claim, 0, { skew_ms = 0 }))
      assert.equal("early_token", at(claim, 1, { skew_ms = 0 }))
    end
    assert.is_table(at("exp", -1000, { skew_ms = 1000001 }))
  end)

  it("tells only who may know it that its time is over", function()
    local over = '{"exp":1,"iss":"joe"}'
    is_bad("its signature is wrong", signed(over, nil, "another"))
    is_bad("it is of another issuer", signed(over), nil, { issuer = "ann" })
    assert.equal("expired_token", (verify(signed(over), nil, { issuer = "joe" })))
  end)

  it("has no times that are none", function()
    for _, name in ipairs { "exp", "nbf", "iat" } do
      for _, value in ipairs { '"1"', "null", "true", "[]", "{}" } do
        is_bad(("its %s is no number"):format(name), signed(('{"%s":%s}'):format(name, value)))
      end
    end
    assert.equal("bad_token", (verify(signed '{"exp":1e999}')))
  end)

  it("is of the issuer and for the audience that are asked for", function()
    local both = { issuer = "joe", audience = "chat" }
    assert.is_table(verify(signed '{"iss":"joe","aud":"chat"}', nil, both))
    assert.is_table(verify(signed '{"iss":"joe","aud":["shop","chat"]}', nil, both))
    for _, claims in ipairs { '{"aud":"chat"}', '{"iss":"Joe","aud":"chat"}',
      '{"iss":["joe"],"aud":"chat"}', '{"iss":null,"aud":"chat"}' } do
      is_bad("it is of another issuer", signed(claims), nil, both)
    end
    for _, claims in ipairs { '{"iss":"joe"}', '{"iss":"joe","aud":"chats"}',
      '{"iss":"joe","aud":[]}', '{"iss":"joe","aud":["shop",["chat"]]}',
      '{"iss":"joe","aud":{"chat":true}}', '{"iss":"joe","aud":1}' } do
      is_bad("it is for another audience", signed(claims), nil, both)
    end
  end)

  it("is signed in the way of the key, whatever it says", function()
    local why = "it is signed in another way than the key is for"
    local public = { algorithm = "RS256", pem = rsa.public }
    is_bad(why, signed("{}", '{"alg":"HS256"}', rsa.public), { public })
    is_bad("its signature is wrong", signed("{}", '{"alg":"RS256"}', rsa.public), { public })
    is_bad(why, token.by_key("RS512", "{}", rsa.private), { public })
    for _, alg in ipairs { '"none"', '"None"', '"hs256"', '"HS256 "', "null", "1", '["HS256"]' } do
      is_bad(why, signed("{}", ('{"alg":%s}'):format(alg)))
    end
    is_bad(why, signed("{}", "{}"))
    is_bad(why, signed("{}", '{"alg":"HS256","alg":"none"}'))
    local none = token.base64 '{"alg":"none"}' .. "." .. token.base64 "{}" .. "."
    is_bad("it is not made of three parts in base64", none)
    is_bad(why, none .. "AA")
  end)

  it("is compared with the keys that it may mean", function()
    local old, new = key { kid = "old", secret = "old" }, key { kid = "new", secret = "new" }
    local function by(kid, secret)
      return signed("{}", ('{"alg":"HS256","kid":"%s"}'):format(kid), secret)
    end
    assert.is_table(verify(by("old", "old"), { new, old }))
    assert.is_table(verify(by("new", "new"), { new, old }))
    assert.is_table(verify(signed("{}", nil, "old"), { new, old }))
    assert.is_table(verify(by("third", "third"), { new, key { secret = "third" } }))
    is_bad("its signature is wrong", by("new", "old"), { new, old })
    assert.same({ "bad_token", "there is no key for it", "third" },
      { verify(by("third", "old"), { new, old }) })
    assert.same({ "bad_token", "there is no key for it" }, { verify(signed "{}", {}) })
  end)

  it("is tried with eight keys at most, those of its kid first", function()
    local keys = {}
    for i = 1, 20 do keys[i] = key { secret = "key" .. i } end
    assert.is_table(verify(signed("{}", nil, "key8"), keys))
    is_bad("its signature is wrong", signed("{}", nil, "key9"), keys)
    keys[20].kid = "last"
    assert.is_table(verify(signed("{}", '{"alg":"HS256","kid":"last"}', "key20"), keys))
  end)

  it("asks for no extensions, and is no other kind of token", function()
    is_bad("it asks for extensions, and there are none",
      signed("{}", '{"alg":"HS256","crit":["b64"],"b64":false}'))
    is_bad("its kid is no string", signed("{}", '{"alg":"HS256","kid":1}'))
    for _, typ in ipairs { '"at+jwt"', "1", "null", '""' } do
      is_bad("its typ is not JWT", signed("{}", ('{"alg":"HS256","typ":%s}'):format(typ)))
    end
    assert.is_table(verify(signed("{}", '{"alg":"HS256","typ":"jwt"}')))
  end)

  it("is none when it is malformed", function()
    local good = signed "{}"
    local parts = "it is not made of three parts in base64"
    for _, text in ipairs { "", ".", "..", good .. ".", good .. ".x", "." .. good, good .. "=",
      good .. " ", " " .. good, good .. "\n", good .. "\0", good:gsub("%.", "", 1),
      (good:gsub("%.", "..", 1)), good:sub(1, -2) .. "\255" } do
      is_bad(parts, text)
    end
    is_bad("its signature is wrong", good .. "A")
    is_bad("it is no string", nil)
    is_bad("it is no string", {})
    is_bad("it is no string", 5)
    for _, header in ipairs { "", "x", "[]x", "[1]", '"HS256"', "1", "null", '{"alg":"HS256"',
      '{"alg":"HS256"}}', ("["):rep(40) } do
      local code, why = verify(signed("{}", header))
      assert.equal("bad_token", code)
      assert.is_true(why == parts or why == "its header is no JSON object", header)
    end
    for _, claims in ipairs { "[1]", "1", "null", '"x"' } do
      assert.equal("bad_token", (verify(signed(claims))))
    end
  end)

  it("is at most 16 KiB long", function()
    local filler = ("x"):rep(12000)
    assert.is_table(verify(signed(('{"a":"%s"}'):format(filler))))
    is_bad("it is too long", signed(('{"a":"%s"}'):format(filler .. ("x"):rep(1000))))
  end)

  it("says nothing of itself in a text", function()
    local seen = {}
    for _, text in ipairs { signed "{}" .. "x", signed("{}", nil, "y"), "tell.tale.secret!" } do
      local _, why = verify(text)
      seen[#seen + 1] = why
      for part in text:gmatch "[%w_-]+" do assert.is_nil(why:find(part, 1, true)) end
    end
    assert.equal(3, #seen)
  end)

  describe("key", function()
    local function problem(more, without)
      local made = key(more)
      if without then made[without] = nil end
      return jwt.problem_of_key(made)
    end

    it("is fit when it is of its algorithm", function()
      assert.is_nil(problem())
      for algorithm, pem in pairs { RS256 = rsa.public, RS512 = rsa.public, ES256 = curve.public,
        ES384 = token.pair("EC:P-384").public, ES512 = token.pair("EC:P-521").public } do
        assert.is_nil(problem({ algorithm = algorithm, pem = pem, kid = "k" }, "secret"))
      end
    end)

    it("is refused with what was expected", function()
      local function of(algorithm, pem)
        return problem({ algorithm = algorithm, pem = pem }, "secret")
      end
      local none = 'pem: expected "-----BEGIN PUBLIC KEY-----" and a key, found none'
      assert.equal("expected a table, got a string", jwt.problem_of_key "x")
      assert.equal(none, of("RS256", "x"))
      assert.equal(none, of("RS256", rsa.private))
      assert.equal("pem: expected at most 4096 bytes, got 4097",
        of("RS256", rsa.public .. (" "):rep(4097 - #rsa.public)))
      assert.equal("pem: RS256 needs the PEM of a public key, got a nil", of "RS256")
      assert.equal("pem: RS256 needs RSA of 2048 to 8192 bits, got EC of 256 bits",
        of("RS256", curve.public))
      assert.equal("pem: ES384 needs EC of P-384, got EC of 256 bits", of("ES384", curve.public))
      assert.equal("pem: RS256 needs RSA of 2048 to 8192 bits, got RSA of 1024 bits",
        of("RS256", token.pair("RSA:1024").public))
      assert.equal("pem: ES256 needs EC of P-256, got another key of 256 bits",
        of("ES256", token.pair("EC:secp256k1").public))
      assert.equal("pem: HS256 has none, but a secret", problem { pem = rsa.public })
      assert.equal("secret: RS256 has none, but a pem", problem { algorithm = "RS256" })
      assert.equal("secret: expected a string that is not empty", problem { secret = "" })
      assert.equal("secret: expected a string that is not empty", problem(nil, "secret"))
      assert.equal("kid: expected a string, got a number", problem { kid = 1 })
      assert.equal('there is no "key", there are: algorithm, kid, pem, secret',
        problem { key = "x" })
      assert.equal("algorithm: expected a string, got a nil", problem(nil, "algorithm"))
      for _, name in ipairs { "none", "EdDSA", "PS256", "hs256", "HS256\0", "" } do
        local wanted = 'algorithm: expected HS, RS or ES and 256, 384 or 512, got "%s"'
        assert.equal(wanted:format(name), problem { algorithm = name })
      end
    end)

    it("is not so long that it takes for ever", function()
      local length
      core.C.moon_key_kind = function(_, _, bits)
        bits[0] = length
        return core.C.MOON_KEY_RSA
      end
      length = 8192
      assert.is_nil(problem({ algorithm = "RS256", pem = "long" }, "secret"))
      length = 8193
      assert.equal("pem: RS256 needs RSA of 2048 to 8192 bits, got RSA of 8193 bits",
        problem({ algorithm = "RS256", pem = "longer" }, "secret"))
    end)

    it("is looked at once, and again when many others came between", function()
      local looked = 0
      local kind = core.C.moon_key_kind
      core.C.moon_key_kind = function(...)
        looked = looked + 1
        return kind(...)
      end
      local pem = { algorithm = "ES256", pem = curve.public }
      assert.is_nil(jwt.problem_of_key(pem))
      assert.is_nil(jwt.problem_of_key(pem))
      assert.equal(1, looked)
      for i = 1, 256 do
        assert.is_nil(jwt.problem_of_key { algorithm = "ES256", pem = curve.public .. i })
      end
      assert.is_nil(jwt.problem_of_key(pem))
      assert.equal(258, looked)
    end)
  end)

  it("is compared with keys and options that make sense", function()
    assert.equal("keys: expected a list, got a nil", jwt.problem_of())
    assert.equal("keys[2], secret: expected a string that is not empty",
      jwt.problem_of { key(), key { secret = "" } })
    local many = {}
    for i = 1, 101 do many[i] = key() end
    assert.equal("keys: 101 of them, at most 100", jwt.problem_of(many))
    assert.equal("options, expected a table, got a string", jwt.problem_of({}, "x"))
    assert.equal('options, there is no "skew", there are: audience, issuer, skew_ms',
      jwt.problem_of({}, { skew = 1 }))
    assert.equal("options, issuer: expected a string, got a number",
      jwt.problem_of({}, { issuer = 1 }))
    for _, skew_ms in ipairs { -1, math.huge, 0 / 0 } do
      assert.matches("^options, skew_ms: expected at least 0 ms, got ",
        jwt.problem_of({}, { skew_ms = skew_ms }))
    end
  end)
end)
