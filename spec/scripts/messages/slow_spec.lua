local slow_mode = require "scripts.messages.slow"

describe("slow mode", function()
  local state, slow

  before_each(function()
    state = {}
    slow = slow_mode.over(state)
  end)

  it("lets a user wait after each message, in that room", function()
    assert.is_nil(slow:wait_ms("tea", "ann", 1000, 5000))
    slow:said("tea", "ann", 5000)
    assert.equal(1000, slow:wait_ms("tea", "ann", 1000, 5000))
    assert.equal(1, slow:wait_ms("tea", "ann", 1000, 5999))
    assert.is_nil(slow:wait_ms("tea", "ann", 1000, 6000))
    assert.is_nil(slow:wait_ms("tea", "bob", 1000, 5000))
    assert.is_nil(slow:wait_ms("milk", "ann", 1000, 5000))
  end)

  it("goes with a room that gets another name", function()
    slow:said("tea", "ann", 5000)
    slow:rename("tea", "milk")
    assert.equal(1000, slow:wait_ms("milk", "ann", 1000, 5000))
    assert.is_nil(slow:wait_ms("tea", "ann", 1000, 5000))
  end)

  it("ends with its room", function()
    slow:said("tea", "ann", 5000)
    slow:said("milk", "ann", 5000)
    slow:forget "tea"
    slow:forget "water"
    assert.same({ milk = { ann = 5000 } }, state)
  end)

  it("forgets who need not wait any more", function()
    local slow_mode_of = { tea = 1000, milk = 0 }
    slow:said("tea", "ann", 5000)
    slow:said("tea", "bob", 5500)
    slow:said("milk", "ann", 5500)
    slow:sweep(6000, function(room) return slow_mode_of[room] end)
    assert.same({ tea = { bob = 5500 } }, state)
  end)
end)
