local fake_core = require "spec.support.fake_core"
local fake_gate = require "spec.support.fake_gate"
local guarded = require "spec.support.guarded"
local token = require "spec.support.token"

local ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

describe("gate.crypto", function()
  local gate, ann

  before_each(function()
    gate = fake_gate.load { a = [[return function(gate)
      gate:on("run", function(_, message)
        local fn = assert(load("local crypto, gate = ... " .. message.code))
        local results = { fn(gate.crypto, gate) }
        for i = 1, 4 do results[i] = tostring(results[i]) end
        return results
      end)
    end]] }
    ann = gate:connect "ann"
  end)

  --- What the code returns, as texts, of four values.
  local function run(code)
    return gate:deliver(ann, { type = "run", code = code })
  end

  local function is(wanted, code)
    for i = #wanted + 1, 4 do wanted[i] = "nil" end
    assert.same(wanted, run(code))
  end

  --- What the log says of code that raises.
  local function fails(text, code)
    assert.is_nil(run(code))
    assert.is_truthy(gate:logged(text), text)
  end

  it("compares in constant time", function()
    is({ "true", "true", "false", "false" }, [[
      return crypto:same("", ""), crypto:same("a\0b", "a\0b"), crypto:same("a", "b"),
        crypto:same("a", "aa")]])
    fails("gate.crypto:same: expected a string, got number", "crypto:same('a', 1)")
  end)

  it("digests, with a key or without", function()
    is({ ABC, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8" }, [[
      return crypto:sha256 "abc",
        crypto:hmac_sha256("key", "The quick brown fox jumps over the lazy dog")]])
    fails("gate.crypto:sha256: expected a string, got nil", "crypto:sha256()")
    fails("gate.crypto:hmac_sha256: expected a string, got nil", "crypto:hmac_sha256('k')")
  end)

  it("makes tokens that are safe in a URL, and never the same", function()
    local lengths = run [[
      return #crypto:token(), #crypto:token(16), #crypto:token(64), crypto:token():find "[^%w_-]"]]
    assert.same({ "32", "22", "86", "nil" }, lengths)
    is({ "1000" }, [[
      local seen, count = {}, 0
      for _ = 1, 1000 do
        local made = crypto:token(16)
        if not seen[made] then count = count + 1 end
        seen[made] = true
      end
      return count]])
    for _, count in ipairs { "15", "65", "24.5", "'24'", "0 / 0" } do
      fails("gate.crypto:token: expected a whole number from 16 to 64, got "
        .. tostring(loadstring("return " .. count)()), ("crypto:token(%s)"):format(count))
    end
  end)

  it("believes a token that is in force, by the time of the core", function()
    local secret = ("s"):rep(32)
    local exp = gate.core.now_ms / 1000 + 10
    local text = token.by_secret('{"alg":"HS256"}', ('{"sub":"ann","exp":%d}'):format(exp), secret)
    local code = ([[
      local claims, code, text, kid = crypto:verify_jwt(%q,
        { { algorithm = "HS256", secret = %q } }, { skew_ms = 0 })
      return claims and claims.sub, code, text, kid]]):format(text, secret)
    is({ "ann" }, code)
    gate:later(10000)
    is({ "nil", "expired_token", "its time is over" }, code)
  end)

  it("names the key that a token asks for and nobody has", function()
    is({ "nil", "bad_token", "there is no key for it", "next" }, ([[
      return crypto:verify_jwt(%q, { { algorithm = "HS256", secret = "s", kid = "last" } })]])
      :format(token.by_secret('{"alg":"HS256","kid":"next"}', "{}", "s")))
  end)

  it("blames mistakes in keys and options on who made them", function()
    fails(":3: gate.crypto:verify_jwt: keys[1], algorithm: expected HS, RS or ES and 256, 384 or "
      .. '512, got "none"', "\n\ncrypto:verify_jwt('', { { algorithm = 'none' } })")
    fails("gate.crypto:verify_jwt: options, there is no \"aud\"",
      "crypto:verify_jwt('', {}, { aud = 'x' })")
  end)

  it("says whether a key is one", function()
    is({ "true" }, "return crypto:check_key { algorithm = 'HS256', secret = 's' }")
    is({ "nil", "secret: expected a string that is not empty" },
      "return crypto:check_key { algorithm = 'HS256' }")
    is({ "nil", "expected a table, got a nil" }, "return crypto:check_key()")
  end)

  it("reads a JSON Web Key", function()
    is({ "HS256", "k", "\251\255" }, [[
      local key = crypto:jwk_to_key { kty = "oct", k = "-_8", kid = "k" }
      return key.algorithm, key.kid, key.secret]])
    is({ "nil", "kty: expected RSA, EC or oct, got OKP" },
      "return crypto:jwk_to_key { kty = 'OKP' }")
    fails("gate.crypto:jwk_to_key: expected a table, got string", "crypto:jwk_to_key 'x'")
  end)

  it("hashes passwords, and knows them again", function()
    is({ "true", "true", "false", "false" }, [[
      local hash = crypto:hash_password "secret"
      local is_right, is_outdated = crypto:check_password("secret", hash)
      return hash:find("$argon2id$v=19$m=19456,t=2,p=1$", 1, true) == 1, is_right, is_outdated,
        (crypto:check_password("Secret", hash))]])
    is({ "nil", "bad_hash" }, "return crypto:check_password('secret', 'x')")
    is({ "nil", "too_big" }, "return crypto:hash_password(('x'):rep(1025))")
    is({ "true", "true" }, [[return crypto:check_password("password",
      "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")]])
    fails("gate.crypto:hash_password: expected a string, got nil", "crypto:hash_password()")
    fails("gate.crypto:check_password: expected a string, got nil", "crypto:check_password('x')")
  end)

  it("passes on that too many passwords wait", function()
    gate.core.answers.moon_password = gate.core.C.MOON_EFULL
    is({ "nil", "full" }, "return crypto:hash_password 'x'")
    is({ "nil", "full" }, "return crypto:check_password('x', 'y')")
  end)

  it("hashes in tasks only", function()
    local ok, problem = pcall(fake_gate.load, { b = [[return function(gate)
      gate.crypto:hash_password "x"
    end]] })
    assert.is_false(ok)
    assert.matches("gate.crypto:hash_password", problem, 1, true)
  end)

  it("cannot be changed, and is called with a colon", function()
    fails("gate.crypto.same cannot be set", "crypto.same = function() return true end")
    fails("gate.crypto.same: called with a dot, it is gate.crypto:same(...)",
      "crypto.same('a', 'a')")
    fails("gate.crypto.token: called with a dot, it is gate.crypto:token(...)", "crypto.token(24)")
  end)

  it("is there without a gate, but for passwords", function()
    local world = fake_core.world "moongate.idle"
    local told
    assert.equal(ABC, world.crypto:sha256 "abc")
    world.task.run(function() told = { world.crypto:hash_password "x" } end)
    assert.same({ nil, "full" }, told)
  end)
end)

describe("gate.crypto of a guarded plugin", function()
  local app

  before_each(function() app = guarded.load() end)

  it("needs no capability", function()
    assert.equal(ABC, app:run "return gate.crypto:sha256 'abc'")
    assert.equal("true", app:run [[
      return (gate.crypto:check_password("secret", gate.crypto:hash_password "secret"))]])
    assert.equal("ann", app:run(([[
      return gate.crypto:verify_jwt(%q, { { algorithm = "HS256", secret = "s" } }).sub]])
      :format(token.by_secret('{"alg":"HS256"}', '{"sub":"ann"}', "s"))))
  end)

  it("is given texts of some length: nobody can stop it", function()
    local HEAD = "local text = string.rep('a', 1048576) text = text .. text .. text .. text .. %q "
    for _, call in ipairs { "gate.crypto:sha256(text)", "gate.crypto:hmac_sha256(text, '')",
      "gate.crypto:hmac_sha256('', text)", "gate.crypto:same(text, '')",
      "gate.crypto:same('', text)", "gate:is_utf8(text)" } do
      assert.matches(call:match "^[^(]+" .. ": the text has 4194305 bytes, at most 4194304$",
        app:problem(HEAD:format "a" .. call))
      assert.is_true(select(2, app:run(HEAD:format "" .. call)))
    end
  end)

  it("is not given tables that run code", function()
    for _, code in ipairs {
      "gate.crypto:verify_jwt('', setmetatable({}, { __index = function() end }))",
      "gate.crypto:verify_jwt('', { setmetatable({}, { __index = function() end }) })",
      "gate.crypto:verify_jwt('', {}, setmetatable({}, { __index = function() end }))",
      "gate.crypto:check_key(setmetatable({}, { __index = function() end }))",
      "gate.crypto:jwk_to_key { key_ops = setmetatable({}, { __index = function() end }) }",
    } do
      local text, ok = app:run(code)
      assert.is_false(ok)
      assert.matches("a table with a metatable cannot be handed over", text)
    end
  end)

  it("cannot be changed", function()
    local text, ok = app:run "gate.crypto.same = print"
    assert.is_false(ok)
    assert.matches("gate.crypto.same cannot be set", text)
  end)
end)
