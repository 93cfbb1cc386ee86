local tally = require "messages.tally"

describe("a tally", function()
  --- How many of so many are told.
  local function told(own, count, from, to, now_ms)
    local n = 0
    for _ = 1, count do
      if own:may(from, to, now_ms) then
        own:add(from, to)
        n = n + 1
      end
    end
    return n
  end

  it("counts by who tells and who hears, in each minute", function()
    local own = tally.new(3, 100)
    assert.equal(3, told(own, 5, "ann", "bob", 60000))
    assert.equal(3, told(own, 5, "ann", "carl", 60000))
    assert.equal(3, told(own, 5, "dora", "bob", 119999))
    assert.equal(0, told(own, 5, "ann", "bob", 119999))
    assert.equal(3, told(own, 5, "ann", "bob", 120000))
    assert.equal(3, told(own, 5, "ann", "bob", 0)) -- the clock was set back
  end)

  it("counts nothing until it is told to", function()
    local own = tally.new(1, 100)
    for _ = 1, 3 do assert.is_true(own:may("ann", "bob", 0)) end
    own:add("ann", "bob")
    assert.is_false(own:may("ann", "bob", 0))
  end)

  it("has a limit of users whom one tells", function()
    local own, count = tally.new(3, 2), 0
    for n = 1, 9 do count = count + told(own, 1, "ann", "user " .. n, 0) end
    assert.equal(2, count)
    assert.equal(2, told(own, 5, "ann", "user 1", 0))
    assert.equal(0, told(tally.new(0, 2), 1, "ann", "bob", 0))
  end)

  it("takes all as one beyond 10,000 who tell", function()
    local own = tally.new(1, 100)
    for n = 1, 10000 do told(own, 1, "user " .. n, "bob", 0) end
    assert.equal(1, told(own, 1, "ann", "bob", 0))
    assert.equal(0, told(own, 1, "carl", "bob", 0))
    assert.equal(0, told(own, 1, "user 7", "bob", 0))
    assert.equal(1, told(own, 1, "user 7", "ann", 0))
  end)
end)
