local test = require "moongate.test"

describe("welcome", function()
  it("greets who comes, and nobody else", function()
    local gate = test.gate { { "welcome", options = { text = "Be kind." } } }
    local ann, bob = gate:connect { user = "ann" }, gate:connect { user = "bob" }
    ann:ask("join", { room = "tea" })
    ann:heard()
    bob:ask("join", { room = "tea" })
    assert.same({ { type = "notice", room = "tea", data = { text = "Hello bob. Be kind." } } },
      bob:heard())
    local heard = ann:heard()
    assert.same({ 1, "joined" }, { #heard, heard[1].type })
  end)
end)
