local names = require "rooms.names"

describe("sorted names", function()
  local function walked(...)
    local found = {}
    for name in names.walk(...) do found[#found + 1] = name end
    return table.concat(found, " ")
  end

  it("have each once, whatever comes and goes", function()
    math.randomseed(7)
    local list, set = {}, {}
    for _ = 1, 3000 do
      local name = tostring(math.random(300))
      if math.random() < 0.5 then
        names.put(list, name)
        set[name] = true
      else
        names.drop(list, name)
        set[name] = nil
      end
    end
    local expected = {}
    for name in pairs(set) do expected[#expected + 1] = name end
    table.sort(expected)
    assert.is_true(#expected > 50)
    assert.same(expected, list)
  end)

  it("are gone through behind one, those with a prefix", function()
    local list = { "a", "ab", "abc", "b", "ba" }
    assert.equal("a ab abc b ba", walked { list })
    assert.equal("abc b ba", walked({ list }, "ab"))
    assert.equal("abc b ba", walked({ list }, "aba"))
    assert.equal("ab abc", walked({ list }, nil, "ab"))
    assert.equal("abc", walked({ list }, "ab", "ab"))
    assert.equal("b ba", walked({ list }, "a", "b"))
    assert.equal("", walked({ list }, "bb", "a"))
    assert.equal("", walked({ list }, nil, "c"))
    assert.equal("", walked({ {} }, "a", "a"))
  end)

  it("of some lists are gone through as if they were one", function()
    assert.equal("a b c d e", walked { { "b", "e" }, {}, { "a", "c", "d" } })
    assert.equal("c ca d e", walked({ { "ca", "e" }, { "a", "c", "d" } }, "b"))
    assert.equal("b1 b2", walked({ { "a", "b2", "c" }, { "b1" } }, "a", "b"))
  end)
end)
