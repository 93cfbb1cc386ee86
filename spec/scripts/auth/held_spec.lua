local held = require "scripts.auth.held"

describe("auth held", function()
  local state

  before_each(function() state = held.new() end)

  it("are let go when their time is over, oldest first", function()
    for i, user in ipairs { "ann", "bob", "carl" } do held.add(state, user, i * 10, 9) end
    assert.is_nil(held.expire(state, 9))
    assert.equal("ann", held.expire(state, 20))
    assert.equal("bob", held.expire(state, 20))
    assert.is_nil(held.expire(state, 20))
    assert.equal(1, state.count)
  end)

  it("are at most so many", function()
    assert.is_nil(held.add(state, "ann", 10, 2))
    assert.is_nil(held.add(state, "bob", 20, 2))
    assert.is_nil(held.add(state, "ann", 30, 2))
    assert.equal("bob", held.add(state, "carl", 40, 2))
    assert.equal("ann", held.expire(state, 40))
  end)

  it("leave nothing behind when they are let go, in any order", function()
    for round = 1, 3 do
      for _, user in ipairs { "ann", "bob", "carl" } do held.add(state, user, round, 9) end
      for _, user in ipairs { "bob", "ann", "carl", "bob" } do held.drop(state, user) end
    end
    assert.same({ users = {}, until_ms = {}, places = {}, first = 10, last = 9, count = 0 }, state)
  end)
end)
