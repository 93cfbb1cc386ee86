local listing = require "rooms.listing"

local function names(first, last)
  local found = {}
  for n = first, last do found[("u%04d"):format(n)] = 1 end
  return found
end

describe("a page", function()
  it("has the names behind another, sorted, and where the next begins", function()
    local users = { bob = 1, ann = 2, dan = 1, carl = 1 }
    assert.same({ { "ann", "bob" }, "bob" }, { listing.page(users, nil, 2) })
    assert.same({ { "carl", "dan" } }, { listing.page(users, "bob", 2) })
    assert.same({ { "carl", "dan" } }, { listing.page(users, "bon", 9) })
    assert.same({ {} }, { listing.page(users, "dan", 2) })
  end)

  it("of members has 500 at most, and all have each once", function()
    local users, seen, after = names(1, 1203), {}, nil
    repeat
      local answer = listing.members("tea", users, 1203, { after = after })
      assert.equal(1203, answer.count)
      assert.is_true(#answer.members <= 500)
      for _, name in ipairs(answer.members) do
        assert.is_nil(seen[name])
        seen[name] = 1
      end
      after = answer.next
    until not after
    assert.same(users, seen)
  end)

  it("is refused when it cannot be one", function()
    for _, data in ipairs { { limit = 0 }, { limit = 501 }, { limit = 1.5 }, { limit = "5" },
      { after = 7 }, { after = ("x"):rep(513) } } do
      local answer, problem = listing.members("tea", {}, 0, data)
      assert.is_nil(answer)
      assert.matches("^data.%l+: expected a ", problem)
    end
    assert.is_nil((listing.rooms(error, tonumber, { limit = 101 })))
    assert.is_nil((listing.rooms(error, tonumber, { kind = 1 })))
  end)
end)

describe("a list of rooms", function()
  local tea = { name = "tea", kind = "public", title = "Hot Drinks" }
  local milk = { name = "milk", kind = "announcement", topic = "cold" }
  local old = { name = "old", kind = "public", archived = true }

  it("is filtered by kind, prefix and text, and has archived ones apart", function()
    for _, case in ipairs {
      { {}, "tea milk" }, { { kind = "public" }, "tea" }, { { kind = "cave" }, "" },
      { { prefix = "mi" }, "milk" }, { { prefix = "ilk" }, "" }, { { text = "DRINK" }, "tea" },
      { { text = "cold" }, "milk" }, { { text = "EA" }, "tea" }, { { text = "%a" }, "" },
      { { archived = true }, "old" }, { { archived = false }, "tea milk" },
      { { archived = true, kind = "announcement" }, "" },
    } do
      local found = {}
      for _, record in ipairs { tea, milk, old } do
        local fits = listing.fits(record, case[1], listing.text_of(record))
        if fits then found[#found + 1] = record.name end
      end
      assert.equal(case[2], table.concat(found, " "))
    end
  end)

  it("refuses a filter that is none", function()
    assert.is_nil(listing.problem_of_filter { kind = "x", prefix = "y", text = "z",
      archived = true })
    for _, data in ipairs { { kind = 1 }, { prefix = {} }, { text = true }, { archived = 1 },
      { text = ("x"):rep(513) } } do
      assert.matches("^data.%l+: expected ", listing.problem_of_filter(data))
    end
  end)

  it("is for all but of some kinds", function()
    local shown = {}
    for _, kind in ipairs { "public", "unlisted", "private", "direct", "announcement",
      "ephemeral", "table" } do
      shown[kind] = listing.is_for_all { kind = kind }
    end
    assert.same({ public = true, unlisted = false, private = false, direct = false,
      announcement = true, ephemeral = true, table = true }, shown)
  end)

  it("has what is known of each", function()
    local function find(limit)
      assert.equal(1, limit)
      return { milk }, "milk"
    end
    assert.same({ list = { { room = "milk", kind = "announcement", topic = "cold", count = 3 } },
      next = "milk" }, listing.rooms(find, function() return 3 end, { limit = 1 }))
  end)

  it("has the biggest, without empty ones", function()
    assert.same({ tea = 2, milk = 1 }, listing.biggest { tea = 2, milk = 1, water = 0 })
    local many = {}
    for n = 1, 120 do many[("r%03d"):format(n)] = n end
    local found, count = listing.biggest(many), 0
    for _ in pairs(found) do count = count + 1 end
    assert.same({ 100, 120, 21, nil }, { count, found.r120, found.r021, found.r020 })
  end)
end)
