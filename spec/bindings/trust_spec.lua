local fake_gate = require "spec.support.fake_gate"
local trust = require "moongate.trust"

describe("trust", function()
  it("is what is written, else that of all", function()
    local read = trust.read({ capabilities = { "http" } }, trust.TRUSTED)
    assert.same({ trust = "trusted", capabilities = { http = true } }, read)
    read = trust.read({ trust = "guarded" }, read)
    assert.same({ trust = "guarded", capabilities = { http = true } }, read)
    assert.same({ trust = "guarded", capabilities = {} }, trust.GUARDED)
  end)

  it("says what is wrong", function()
    assert.same({ nil, 'trust: expected "trusted" or "guarded", got "none"' },
      { trust.read({ trust = "none" }, trust.GUARDED) })
    assert.same({ nil, 'capabilities: there is no "file", there are: fetch, http, rooms, store' },
      { trust.read({ capabilities = { "file" } }, trust.GUARDED) })
    assert.same({ nil, 'capabilities: expected a list as { "fetch" }, got a boolean' },
      { trust.read({ capabilities = true }, trust.GUARDED) })
  end)

  it("that has changed loads the plugin again, and no other", function()
    local gate = fake_gate.load { init = 'return { "a", "b" }',
      a = "return function() end", b = "return function() end" }
    assert(gate:reload { init = 'return { "a", { "b", trust = "trusted" } }' })
    assert.is_truthy(gate:logged "b (its trust has changed), 1 as before")
    assert(gate:reload { init = 'return { { "a", capabilities = { "http" } }, '
      .. '{ "b", trust = "trusted" } }' })
    assert.is_truthy(gate:logged "a (its capabilities have changed), 1 as before")
  end)
end)
