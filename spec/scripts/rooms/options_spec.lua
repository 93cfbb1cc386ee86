local options = require "rooms.options"

local function is_utf8(text) return not text:find "\255" end

describe("a room's options", function()
  it("are complete, whatever is given", function()
    assert.same({ max_members = 10000, history = 100, who_may_say = "everyone", slow_mode_ms = 0,
      retention_ms = 2592000000 }, options.read())
    local before = options.read { history = 0, who_may_say = "owner" }
    assert.same({ max_members = 2, history = 0, who_may_say = "owner", slow_mode_ms = 0,
      retention_ms = 2592000000 }, options.read({ max_members = 2 }, before))
    assert.equal(10000, before.max_members)
  end)

  it("are refused with what was expected and what was given", function()
    for _, case in ipairs {
      { { max_members = 0 }, "data.options.max_members: expected a whole number from 1 to 10000, "
        .. "got 0" },
      { { max_members = 10001 }, "got 10001" },
      { { history = 1001 }, "data.options.history: expected a whole number from 0 to 1000" },
      { { history = 1.5 }, "got 1.5" },
      { { history = "10" }, 'got "10"' },
      { { slow_mode_ms = 3600001 }, "from 0 to 3600000, got 3600001" },
      { { slow_mode_ms = -1 }, "got -1" },
      { { retention_ms = 999 }, "data.options.retention_ms: expected a whole number from 1000 to "
        .. "31622400000, got 999" },
      { { history = 0 / 0 }, "got nan" },
      { { who_may_say = "nobody" }, "data.options.who_may_say: expected everyone, members, "
        .. 'moderators or owner, got "nobody"' },
      { { who_may_say = true }, "got true" },
      { { colour = 1 }, "data.options.colour: there is no such option: max_members, history, "
        .. "who_may_say, slow_mode_ms, retention_ms" },
      { { who_may_say = ("x"):rep(99) }, 'got "' .. ("x"):rep(32) .. '"' },
      { { who_may_say = "\255\n" }, 'got "??"' },
      { { history = {} }, "got an object" },
      { { history = require("cjson").null }, "got null" },
      { { ["\195\164"] = 1 }, "data.options.??: there is no such option" },
      { 7, "data.options: expected an object" },
    } do
      local complete, problem = options.read(case[1])
      assert.is_nil(complete)
      assert.is_truthy(problem:gsub("%-nan", "nan"):find(case[2], 1, true), problem)
    end
  end)

  it("take what stands at the ends of their ranges", function()
    for name, values in pairs { max_members = { 1, 10000 }, history = { 0, 1000 },
      slow_mode_ms = { 0, 3600000 }, retention_ms = { 1000, 31622400000 } } do
      for _, value in ipairs(values) do
        assert.equal(value, options.read({ [name] = value })[name])
      end
    end
  end)
end)

describe("a room's texts", function()
  it("are UTF-8 of some length, without control characters", function()
    local function problem(data) return options.problem_of_texts(data, is_utf8) end
    assert.is_nil(problem {})
    assert.is_nil(problem { title = ("t"):rep(128), topic = ("t"):rep(1024) })
    assert.is_nil(problem { title = "", topic = "" })
    for _, title in ipairs { ("t"):rep(129), "a\nb", "\255", "\194\133", 7, "Tea ",
      "Te\226\128\139a", "\226\128\174Tea" } do
      assert.matches("^data.title: ", problem { title = title })
    end
    for _, topic in ipairs { ("t"):rep(1025), "\0", {} } do
      assert.matches("^data.topic: ", problem { topic = topic })
    end
  end)

  it("are set, and taken away by empty ones", function()
    local record = { title = "Tea", topic = "hot" }
    options.set_texts(record, { topic = "" })
    assert.same({ title = "Tea" }, record)
    options.set_texts(record, { title = "Milk", topic = "cold" })
    assert.same({ title = "Milk", topic = "cold" }, record)
  end)
end)

describe("a room's name", function()
  it("has 1 to 64 bytes, that of two users more", function()
    assert.is_true(options.is_name("t", is_utf8))
    assert.is_true(options.is_name(("t"):rep(64), is_utf8))
    assert.is_true(options.is_name("@" .. ("t"):rep(299), is_utf8))
    for _, name in ipairs { "", ("t"):rep(65), "a\nb", "\255", "@" .. ("t"):rep(300), "tea ", " ",
      "te\226\128\139a", "tea  time" } do
      assert.is_false(options.is_name(name, is_utf8), name)
    end
  end)

  it("of two users is the same whoever asks, and of no other two", function()
    assert.equal("@ann,bob", options.direct_name("bob", "ann"))
    assert.equal("@ann,bob", options.direct_name("ann", "bob"))
    assert.are_not.equal(options.direct_name("a,b", "c"), options.direct_name("a", "b,c"))
    assert.are_not.equal(options.direct_name("a%2Cb", "c"), options.direct_name("a,b", "c"))
    local longest = ("\240\159\141\181"):rep(32)
    assert.is_true(options.is_name(options.direct_name(longest, longest), is_utf8))
  end)
end)
