local auth = require "spec.support.auth"
local fake_crypto = require "spec.support.fake_crypto"
local file = require "spec.support.file"

local SECRET, OTHER = ("s"):rep(32), ("o"):rep(32)
local PEM = "-----BEGIN PUBLIC KEY-----\nnot looked at by the spec's crypto\n"
local HS, RS = { alg = "HS256", kid = "one" }, { alg = "RS256", kid = "two" }

describe("auth jwt", function()
  local gate, path, now_s

  local function load(options)
    options = options or {}
    options.methods = options.methods or { "jwt" }
    options.keys = options.keys or { { kid = "one", algorithm = "HS256", secret = SECRET },
      { kid = "two", algorithm = "RS256", file = path } }
    gate = auth.load(options)
    now_s = gate.core.now_ms / 1000
  end

  setup(function()
    path = file.free_path()
    file.write(path, PEM)
  end)
  teardown(function() os.remove(path) end)
  before_each(function() load() end)

  --- Claims of Ann, with others.
  local function claims(more)
    local all = { sub = "ann", exp = now_s + 3600 }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  local function ask(token)
    local conn = gate:connect()
    local reply, code, text, temporary = auth.ask(gate, conn, { token = token })
    return reply or code, conn, text, temporary
  end

  --- The code of a token that is refused.
  local function code_of(header, body, secret)
    return (ask(fake_crypto.sign(header, body, secret)))
  end

  it("says who it is, by any of the keys", function()
    local reply, conn = ask(fake_crypto.sign(HS, claims(), SECRET))
    assert.same({ user = "ann", expires_at = (now_s + 3660) * 1000 }, reply)
    assert.equal("jwt", conn.state.auth.method)
    assert.equal("ann", ask(fake_crypto.sign(RS, claims(), PEM)).user)
  end)

  it("says it by the claims that are chosen", function()
    load { user_claim = "email", admin_claim = "is_root", claims = { "plan", "team" } }
    local reply, conn = ask(fake_crypto.sign(HS,
      claims { email = "ann@x.example", is_root = true, plan = "gold", card = "4711" }, SECRET))
    assert.same({ "ann@x.example", true }, { reply.user, reply.admin })
    assert.same({ plan = "gold" }, conn.state.auth.info)
    assert.is_nil(ask(fake_crypto.sign(HS, claims { email = "b@x", is_root = 1 }, SECRET)).admin)
    assert.equal("bad_token", code_of(HS, claims { email = 7 }, SECRET))
    assert.equal("bad_token", code_of(HS, claims(), SECRET))
  end)

  it("is refused when it is not what it should be", function()
    local cases = {
      { "bad_token", HS, {}, OTHER },                        -- wrong signature
      { "bad_token", { alg = "HS256", kid = "two" }, {}, PEM }, -- key confusion
      { "bad_token", { alg = "HS256" }, {}, PEM },
      { "bad_token", { alg = "none" }, {}, SECRET },
      { "bad_token", { alg = "HS512", kid = "one" }, {}, SECRET },
      { "bad_token", { alg = "HS256", kid = "three" }, {}, SECRET },
      { "expired_token", HS, { exp = now_s - 61 }, SECRET },
      { "early_token", HS, { nbf = now_s + 61 }, SECRET },
    }
    for i, case in ipairs(cases) do
      assert.equal(case[1], code_of(case[2], claims(case[3]), case[4]), "case " .. i)
    end
  end)

  it("is refused when it has no signature at all", function()
    local unsigned = fake_crypto.sign({ alg = "none" }, claims(), SECRET):match "^.*%."
    assert.equal("bad_token", (ask(unsigned)))
  end)

  it("may be of a clock that differs by a minute", function()
    assert.equal("ann", code_of(HS, claims { nbf = now_s + 59 }, SECRET).user)
    assert.equal("ann", code_of(HS, claims { exp = now_s - 59 }, SECRET).user)
  end)

  it("ends a minute later for that, and never before it has begun", function()
    local reply, conn = ask(fake_crypto.sign(HS, claims { exp = now_s - 59 }, SECRET))
    assert.equal(gate.core.now_ms + 1000, reply.expires_at)
    gate:later(10999)
    assert.is_nil(auth.closed(gate, conn))
    gate:later(1001)
    assert.equal(4401, (auth.closed(gate, conn)))
  end)

  it("has to have an end, which is not far", function()
    local endless = claims()
    endless.exp = nil
    local code, _, text = ask(fake_crypto.sign(HS, endless, SECRET))
    assert.same({ "bad_token", "it has no exp" }, { code, text })
    load { require_exp = false }
    assert.same({ user = "ann" }, (ask(fake_crypto.sign(HS, endless, SECRET))))
    load { max_lifetime_ms = 3600000 }
    assert.equal("ann", code_of(HS, claims(), SECRET).user)
    assert.equal("ann", code_of(HS, claims { exp = now_s + 3660 }, SECRET).user)
    code, _, text = ask(fake_crypto.sign(HS, claims { exp = now_s + 3661 }, SECRET))
    assert.same({ "bad_token", "exp: more than 3600 s from now" }, { code, text })
  end)

  it("is refused when its end is no time, also where an end may be missing", function()
    for _, require_exp in ipairs { true, false } do
      load { require_exp = require_exp }
      for _, exp in ipairs { 1e308, 2 ^ 53, 2 ^ 53 / 1000 } do
        assert.equal("bad_token", code_of(HS, claims { exp = exp }, SECRET), exp)
      end
    end
  end)

  it("has to be of the issuer, for the audience", function()
    load { issuer = "https://id.example", audience = "chat" }
    assert.equal("ann", code_of(HS, claims { iss = "https://id.example", aud = "chat" },
      SECRET).user)
    assert.equal("bad_token", code_of(HS, claims { iss = "https://id.example" }, SECRET))
    assert.equal("bad_token", code_of(HS, claims { iss = "x", aud = "chat" }, SECRET))
  end)

  it("is a matter of the next method when it is none", function()
    load { methods = { "jwt", "static" },
      tokens = { { token = "ann's long token", user = "ann" } } }
    assert.same({ user = "ann" }, (ask "ann's long token"))
    assert.equal("bad_token", code_of(HS, claims(), OTHER))
  end)

  it("closes with 4401 those whose handshake brought one that has run out", function()
    local conn = gate:connect(nil,
      { token = fake_crypto.sign(HS, claims { exp = now_s - 100 }, SECRET) })
    assert.same({ 4401, "token_expired" }, { auth.closed(gate, conn) })
  end)

  it("has keys that are checked at load, and said by no message", function()
    local broken = file.free_path()
    file.write(broken, "-----BEGIN PUBLIC KEY-----\n")
    local cases = {
      { { algorithm = "HS256", secret = "too short" }, "secret: expected a string of at least 32" },
      { { algorithm = "HS256" }, "secret: expected" },
      { { algorithm = "RS256", secret = SECRET }, "secret: only of HS256" },
      { { algorithm = "RS256" }, "file: expected the path of a public key" },
      { { algorithm = "RS256", file = broken }, "pem: expected a public key" },
      { { algorithm = "RS256", file = "/dev/null" }, "/dev/null: is no PEM" },
      { { algorithm = "RS256", file = "/nowhere.pem" }, "/nowhere.pem: No such file" },
      { { algorithm = "none", secret = SECRET }, "algorithm: expected one as HS256" },
      { { secret = SECRET }, "algorithm: expected one" },
      { { kid = 7, algorithm = "HS256", secret = SECRET }, "kid: expected a string" },
    }
    for _, case in ipairs(cases) do
      local ok, problem = pcall(load, { keys = { case[1] } })
      assert.is_false(ok)
      assert.matches('option "keys": entry 1: ' .. case[2], problem, 1, true)
      assert.is_nil(problem:find(SECRET, 1, true))
    end
    os.remove(broken)
  end)

  it("is in no log, nor are its keys", function()
    local token = fake_crypto.sign(HS, claims(), OTHER)
    ask(token)
    auth.is_not_logged(gate, token)
    local answer = gate.world.json.encode(gate:ctl { command = "plugins" })
    assert.is_nil(answer:find(SECRET, 1, true))
  end)
end)
