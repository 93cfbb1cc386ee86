local fake_core = require "spec.support.fake_core"

describe("repeats", function()
  local core, repeats

  before_each(function()
    local world = fake_core.world()
    core, repeats = world.core, world.repeats
  end)

  --- How often of so many times it is due.
  local function due(what, times)
    local count = 0
    for _ = 1, times do
      if repeats.is_due(what) then count = count + 1 end
    end
    return count
  end

  it("lets the first few through, of each", function()
    assert.equal(5, due("a", 100))
    assert.equal(3, due("b", 3))
    assert.equal(2, due("b", 100))
  end)

  it("begins anew after ten seconds, and says how many there were", function()
    due("a", 12)
    core:later(9999)
    assert.equal(0, due("a", 1))
    core:later(1)
    assert.same({ true, 8 }, { repeats.is_due "a" })
    assert.same({ true, 0 }, { repeats.is_due "a" })
    assert.equal(3, due("a", 100))
  end)

  it("keeps no more than so many in mind", function()
    for n = 1, 5000 do assert.equal(1, due("a" .. n, 1)) end
    assert.equal(5, due("a5000", 10) + 1)
  end)

  it("has words for what was left out", function()
    assert.equal("", repeats.words(0))
    assert.equal(" (and 8 times more, not logged)", repeats.words(8))
  end)
end)
