local test = require "moongate.test"

describe("seen", function()
  it("says when somebody was here last", function()
    local gate = test.gate { { "seen", capabilities = { "store" } } }
    local ann, bob = gate:connect { user = "ann" }, gate:connect { user = "bob" }
    ann:ask("join", { room = "tea" })
    assert.same({ name = "bob", is_here = true }, ann:say("tea", "/seen bob"))
    bob:drop()
    local at = ann:say("tea", "/seen bob").at
    gate:later(20)
    assert.equal("number", type(at))
    assert.same({ name = "bob", at = at }, ann:say("tea", "/seen bob"))
    assert.same({ nil, "unknown", "nobody has seen them" }, { ann:say("tea", "/seen zoe") })
  end)
end)
