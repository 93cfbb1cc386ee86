local typings = require "scripts.messages.typing"

describe("typing", function()
  local state, typing

  before_each(function()
    state = {}
    typing = typings.over(state, 6000, 3)
  end)

  local function tick(now_ms)
    local words = {}
    for _, news in ipairs(typing:tick(now_ms)) do
      words[#words + 1] = ("%s %s %s"):format(news.room, news.user, tostring(news.is_on))
    end
    table.sort(words)
    return words
  end

  it("is told once, however often it is said, and ends by itself", function()
    assert.is_true(typing:set("tea", "ann", true, 1000))
    assert.is_nil(typing:set("tea", "ann", true, 3000))
    assert.same({}, tick(8999))
    assert.same({ "tea ann false" }, tick(9000))
    assert.same({}, tick(9500))
    assert.same({}, state.rooms)
    assert.equal(0, state.count)
  end)

  it("is told at most once a second of a user; later what is so by then", function()
    assert.is_true(typing:set("tea", "ann", true, 1000))
    assert.is_nil(typing:set("tea", "ann", false, 1200))
    assert.is_nil(typing:set("tea", "ann", true, 1400))
    assert.is_nil(typing:set("tea", "ann", false, 1600))
    assert.is_nil(typing:set("milk", "ann", true, 1600))
    assert.is_true(typing:set("tea", "bob", true, 1600))
    assert.same({}, tick(1999))
    assert.equal(1, #tick(2000))
    assert.equal(1, #tick(3000))
    assert.same({}, tick(4000))
    assert.equal(2, state.count) -- ann in milk, bob in tea
  end)

  it("that has come and gone untold is never told", function()
    typing:set("tea", "ann", true, 1000)
    typing:set("milk", "ann", true, 1100)
    typing:set("milk", "ann", false, 1200)
    assert.same({}, tick(2500))
  end)

  it("ends with what is said, without a word", function()
    typing:set("tea", "ann", true, 1000)
    typing:said("tea", "ann")
    typing:said("tea", "ann")
    typing:said("milk", "ann")
    assert.same({}, tick(60000))
    assert.equal(0, state.count)
    assert.is_nil(typing:set("tea", "ann", false, 60000))
  end)

  it("is of so many users at once", function()
    for _, user in ipairs { "ann", "bob", "carl" } do
      assert.is_true(typing:set("tea", user, true, 1000))
    end
    assert.same({ nil, "full" }, { typing:set("tea", "dan", true, 1000) })
    assert.is_nil((select(2, typing:set("tea", "dan", false, 1000))))
    typing:said("tea", "ann")
    assert.is_true(typing:set("tea", "dan", true, 1000))
  end)

  it("forgets of whom it was told when", function()
    typing:set("tea", "ann", true, 1000)
    tick(7000)
    tick(8000)
    assert.same({}, state.told_at)
  end)

  it("ends with its room", function()
    typing:set("tea", "ann", true, 1000)
    typing:set("tea", "carl", true, 1000)
    typing:set("milk", "bob", true, 1000)
    typing:forget "tea"
    typing:forget "water"
    assert.equal(1, state.count)
    assert.same({ "milk bob false" }, tick(7000))
  end)

  it("goes with a room that gets another name", function()
    typing:set("tea", "ann", true, 1000)
    typing:set("milk", "bob", true, 1000)
    typing:rename("tea", "milk")
    typing:rename("water", "wine")
    assert.same({ "milk ann false" }, tick(7000))
    assert.equal(0, state.count)
  end)
end)
