local test = require "moongate.test"

describe("typing", function()
  it("shows the others who is writing", function()
    local gate = test.gate { "typing" }
    local ann, bob = gate:connect { user = "ann" }, gate:connect { user = "bob" }
    for _, conn in ipairs { ann, bob } do conn:ask("join", { room = "tea" }) end
    ann:heard()
    ann:ask("typing", { room = "tea" })
    assert.same({ { type = "typing", room = "tea", user = "ann" } }, bob:heard())
    assert.same({}, ann:heard())
    assert.equal("not_a_member", select(2, ann:ask("typing", { room = "milk" })))
  end)

  it("keeps the newest of each for who reads slowly", function()
    local gate = test.gate { "typing" }
    local ann, bob = gate:connect { user = "ann" }, gate:connect { user = "bob" }
    for _, conn in ipairs { ann, bob } do conn:ask("join", { room = "tea" }) end
    bob:heard()
    bob:pause()
    for _ = 1, 3 do ann:ask("typing", { room = "tea" }) end
    bob:resume()
    local count = #bob:heard()
    assert.is_true(count >= 1 and count <= 3) -- with --live the kernel takes some
    if not test.is_live then assert.equal(1, count) end
  end)
end)
