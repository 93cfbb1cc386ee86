local auth = require "spec.support.auth"
local fake_crypto = require "spec.support.fake_crypto"
local json = require "cjson"

local URL = "https://id.example/keys"

describe("auth jwks", function()
  local gate

  before_each(function() gate = auth.load { methods = { "jwt" }, jwks_url = URL } end)

  --- A published key: the crypto of the specs signs with what `n` has.
  local function key(kid) return { kty = "RSA", kid = kid, use = "sig", n = "key of " .. kid } end

  local function token(kid, signed_with)
    return fake_crypto.sign({ alg = "RS256", kid = kid },
      { sub = "ann", exp = gate.core.now_ms / 1000 + 86400 }, "key of " .. (signed_with or kid))
  end

  local function publish(...)
    return gate:answer_fetch { body = json.encode { keys = { ... } } }
  end

  local function ask(kid, signed_with)
    return gate:ask(gate:connect(), { type = "auth",
      data = { token = token(kid, signed_with) } })
  end

  local function calls() return #gate.core:issued "fetch" end

  --- The set is known.
  local function begin(...)
    ask "first"
    publish(...)
  end

  it("is fetched when the first token comes, once for all who wait", function()
    local one, two = ask "a", ask "a"
    assert.equal(1, calls())
    assert.equal(URL, publish(key "a").url)
    assert.same({ "ann", "ann" }, { one.data.user, two.data.user })
    assert.equal("ann", ask("a").data.user)
    assert.equal(1, calls())
  end)

  it("refuses what none of its keys has signed", function()
    begin(key "a")
    assert.equal("bad_token", ask("a", "other").code)
  end)

  it("is fetched again for a kid that is not known, at most every 10 s", function()
    begin(key "a")
    assert.equal("bad_token", ask("b").code)
    assert.equal(1, calls())
    gate:later(10000)
    local got = ask "b"
    assert.equal(2, calls())
    publish(key "a", key "b")
    assert.equal("ann", got.data.user)
    for i = 1, 100 do assert.equal("bad_token", ask("c" .. i).code) end
    assert.equal(2, calls())
  end)

  it("is fetched again after 10 minutes, behind a token that need not wait", function()
    begin(key "a")
    gate:later(599999)
    ask "a"
    assert.equal(1, calls())
    gate:later(1)
    assert.equal("ann", ask("a").data.user)
    assert.equal(2, calls())
  end)

  it("keeps keys that are published no more for an hour", function()
    begin(key "a")
    gate:later(600000)
    ask "a"
    publish(key "b")
    assert.equal("ann", ask("a").data.user)
    gate:later(3599999)
    assert.equal("ann", ask("a").data.user)
    gate:later(1)
    assert.equal("bad_token", ask("a").code)
  end)

  it("takes a key of a kid it knows for the new one at once", function()
    begin(key "a")
    gate:later(600000)
    ask "a"
    local changed = key "a"
    changed.n = "key of b"
    publish(changed)
    assert.equal("bad_token", ask("a").code)
    assert.equal("ann", ask("a", "b").data.user)
  end)

  it("goes on with the last good set when the URL is down or wrong", function()
    begin(key "a")
    for _, answer in ipairs { "connect", { status = 500 }, { body = "x" }, { body = "{}" },
      { body = '{"keys":[]}' }, { body = '{"keys":[7,{"kty":"EC"}]}' } } do
      gate:later(600000)
      ask "a"
      gate:answer_fetch(answer)
      assert.equal("ann", ask("a").data.user)
    end
    assert.equal(7, calls())
    assert.is_truthy(gate:logged "the keys that are known go on")
  end)

  it("makes auth unavailable as long as there has been no set", function()
    local got = ask "a"
    gate:answer_fetch "timeout"
    assert.same({ "unavailable", true }, { got.code, got.temporary })
    assert.equal("unavailable", ask("a").code)
    assert.equal(1, calls())
    gate:later(10000)
    got = ask "a"
    publish(key "a")
    assert.equal("ann", got.data.user)
  end)

  it("takes no secrets, and no keys that are for something else", function()
    local secret, other = key "a", key "b"
    secret.kty, other.use = "oct", "enc"
    begin(secret, other, key "c")
    gate:later(10000)
    assert.equal("ann", ask("c").data.user)
    for _, kid in ipairs { "a", "b" } do
      local got = ask(kid)
      if not got.is_given then publish(secret, other, key "c") end
      assert.equal("bad_token", got.code)
    end
  end)

  it("is kept across a reload, and not for another URL", function()
    begin(key "a")
    assert(gate:reload())
    assert.equal("ann", ask("a").data.user)
    assert.equal(1, calls())
    assert(gate:reload(nil, { auth = { methods = { "jwt" }, jwks_url = URL .. "2" } }))
    assert.is_false(ask("a").is_given)
    assert.equal(2, calls())
  end)
end)
