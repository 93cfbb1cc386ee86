local test = require "moongate.test"

describe("slow_mode", function()
  local gate

  before_each(function()
    gate = test.gate { { "slow_mode", options = { seconds = 1 } } }
  end)

  local function enter(user)
    local conn = gate:connect { user = user }
    conn:ask("join", { room = "tea" })
    return conn
  end

  it("lets a user say one thing in its time, on whichever device", function()
    local ann, phone, bob = enter "ann", enter "ann", enter "bob"
    assert.is_truthy(ann:say("tea", "one"))
    assert.same({ nil, "slow_mode", "wait 1 s" }, { phone:say("tea", "two") })
    assert.is_truthy(bob:say("tea", "three"))
    gate:later(1000)
    assert.is_truthy(phone:say("tea", "four"))
  end)

  it("remembers who comes back", function()
    local ann = enter "ann"
    ann:say("tea", "one")
    ann:drop()
    ann:reconnect()
    ann:ask("join", { room = "tea" })
    assert.same({ nil, "slow_mode", "wait 1 s" }, { ann:say("tea", "two") })
  end)
end)
