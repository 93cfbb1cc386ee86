local repeats = require "server_api.repeats"

describe("calls of the server API that are made again", function()
  local LIMITS = { window_ms = 1000, entries = 2, user_bytes = 2000, all_bytes = 4000 }
  local state

  before_each(function() state = repeats.ready {} end)

  local function find(key, print, now_ms)
    return repeats.find(state, LIMITS, "ops publish", key, print or "body", now_ms or 0)
  end
  local function begin(key, print)
    return repeats.begin(state, LIMITS, "ops publish", key, print or "body", 0)
  end

  it("get the first answer within the window", function()
    assert.is_nil(find "k")
    local entry = begin "k"
    assert.same({ nil, "under_way", "the same call is being carried out", true }, { find "k" })
    repeats.finish(state, LIMITS, entry, "{}", 500)
    assert.equal("{}", find("k", nil, 1499))
    assert.is_nil(find("k", nil, 1500))
  end)

  it("are others when another calls, or another key is named", function()
    repeats.finish(state, LIMITS, begin "k", "{}", 0)
    assert.is_nil(find "l")
    assert.is_nil((repeats.find(state, LIMITS, "bot publish", "k", "body", 0)))
  end)

  it("must have the same body", function()
    repeats.finish(state, LIMITS, begin "k", "{}", 0)
    assert.equal("key_reused", (select(2, find("k", "other"))))
  end)

  it("may be carried out when they were refused the first time", function()
    repeats.finish(state, LIMITS, begin "k", nil, 0)
    assert.same({}, { find "k" })
    assert.is_truthy(begin "k")
  end)

  it("may be carried out when the first one never came to its end", function()
    begin "k"
    assert.equal("under_way", (select(2, find("k", nil, 119999))))
    assert.same({}, { find("k", nil, 120000) })
    assert.is_truthy(begin "k")
  end)

  it("are at most so many, the oldest are forgotten", function()
    for _, key in ipairs { "a", "b", "c" } do
      repeats.finish(state, LIMITS, begin(key), "{}", 0)
    end
    assert.is_nil((find "a"))
    assert.equal("{}", (find "c"))
    assert.is_truthy(begin "d" and begin "e")
    assert.is_nil(begin "f")
  end)

  it("say so when the answer was too long to be kept", function()
    repeats.finish(state, LIMITS, begin "k", ("x"):rep(3000), 0)
    assert.equal("duplicate", (select(2, find "k")))
  end)

  it("are forgotten when their window is over", function()
    repeats.finish(state, LIMITS, begin "k", "{}", 0)
    repeats.sweep(state, LIMITS, 1000, 10)
    assert.is_nil(next(state.users))
  end)

  it("name a key of 8 to 64 visible characters", function()
    assert.is_true(repeats.is_key "12345678" and repeats.is_key(("x"):rep(64)))
    for _, key in ipairs { "1234567", ("x"):rep(65), "1234 5678", "1234567\195\164" } do
      assert.is_false(repeats.is_key(key))
    end
  end)
end)
