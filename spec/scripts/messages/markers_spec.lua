local all_markers = require "scripts.messages.markers"

describe("read markers", function()
  local state, markers

  before_each(function()
    state = {}
    markers = all_markers.over(state, 6)
  end)

  it("go forward only, each of its own", function()
    assert.is_nil(markers:of("tea", "ann"))
    assert.same({ true, 5 }, { markers:move("tea", "ann", 5) })
    assert.same({ false, 5 }, { markers:move("tea", "ann", 5) })
    assert.same({ false, 5 }, { markers:move("tea", "ann", 4) })
    assert.same({ true, 9 }, { markers:move("tea", "ann", 9) })
    assert.is_nil(markers:of("tea", "bob"))
    assert.is_nil(markers:of("milk", "ann"))
  end)

  it("are so many at most, those that were moved last", function()
    for n = 1, 100 do
      markers:move("tea", "user " .. n, n)
      markers:move("tea", "user 1", 1000 + n)
      local kept = 0
      for i = 1, n do
        if markers:of("tea", "user " .. i) then kept = kept + 1 end
      end
      assert.is_true(kept <= 6)
      assert.is_true(kept >= math.min(n, 3))
      assert.equal(n, n == 1 and 1 or markers:of("tea", "user " .. n))
      assert.equal(1000 + n, markers:of("tea", "user 1"))
    end
  end)

  it("survive in their state", function()
    markers:move("tea", "ann", 5)
    assert.equal(5, all_markers.over(state, 6):of("tea", "ann"))
  end)

  it("go with their room, young and old", function()
    for n = 1, 4 do markers:move("tea", "user " .. n, n) end
    markers:move("milk", "ann", 5)
    markers:forget "tea"
    markers:forget "water"
    for n = 1, 4 do assert.is_nil(markers:of("tea", "user " .. n)) end
    assert.equal(5, markers:of("milk", "ann"))
    assert.equal(1, state.count)
  end)

  it("go with a room that gets another name", function()
    for n = 1, 4 do markers:move("tea", "user " .. n, n) end
    markers:move("milk", "ann", 5)
    markers:rename("tea", "milk")
    markers:rename("water", "wine")
    assert.is_nil(markers:of("milk", "ann"))
    for n = 1, 4 do
      assert.equal(n, markers:of("milk", "user " .. n))
      assert.is_nil(markers:of("tea", "user " .. n))
    end
    assert.equal(1, state.count)
  end)
end)
