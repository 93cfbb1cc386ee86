local fake_core = require "spec.support.fake_core"

describe("secret", function()
  local secret = fake_core.world("moongate.secret").secret

  it("is what is under a name that sounds like one", function()
    for _, name in ipairs { "password", "API_KEY", "key", "AuthToken", "pin" } do
      assert.is_true(secret.is_one(name), name)
    end
    for _, name in ipairs { "keys", "spin", "text", 1 } do assert.is_false(secret.is_one(name)) end
  end)

  it("is masked in a copy, however deep it lies", function()
    local given = { user = "ann", inner = { token = "x", list = { 1, 2 } }, key = { "y" } }
    assert.same({ user = "ann", inner = { token = "***", list = { 1, 2 } }, key = "***" },
      secret.masked(given))
    assert.equal("x", given.inner.token)
    assert.equal(5, secret.masked(5))
  end)

  it("does not follow tables without end", function()
    local loop = { n = 1 }
    loop.again = loop
    assert.same({ n = 1, again = { n = 1, again = "..." } }, secret.masked(loop, 2))
  end)
end)
