local replies = dofile "scripts/router/replies.lua"

describe("replies that are remembered", function()
  local LIMITS = { window_ms = 1000, entries = 3, user_bytes = 4000, all_bytes = 8000 }
  local state

  before_each(function() state = replies.ready {} end)

  local function find(user, id, now_ms)
    return replies.find(state, LIMITS, user, id, now_ms or 0)
  end

  local function keep(user, id, bytes, now_ms)
    local entry = assert(replies.begin(state, LIMITS, user, id, 1))
    replies.keep(state, LIMITS, entry, bytes or "reply", "json", now_ms or 0)
    return entry
  end

  --- Nothing is left, and nothing of what was is held.
  local function assert_empty()
    assert.same({ users = {}, queue = {}, bytes = 0 },
      { users = state.users, queue = state.queue, bytes = state.bytes })
  end

  it("are found by user and id", function()
    local entry = keep("ann", "a")
    assert.equal(entry, find("ann", "a"))
    assert.same({ "reply", "json", 0 }, { entry.bytes, entry.encoding, entry.at_ms })
    assert.is_nil(find("bob", "a"))
    assert.is_nil(find("ann", "b"))
  end)

  it("are said again so many times a second, of one, and of a user", function()
    local limits = { per_second = 3, id_per_second = 2 }
    local one, two = keep("ann", "a"), replies.begin(state, LIMITS, "ann", "b", 7)
    local bobs = keep("bob", "a")
    local function wait(entry, now_ms) return replies.repeats(state, limits, entry, now_ms) end
    assert.same({ 0, 0, 600 }, { wait(one, 100), wait(one, 400), wait(one, 500) })
    assert.same({ 0, 500 }, { wait(two, 600), wait(two, 600) })
    assert.equal(0, wait(bobs, 600))
    assert.same({ 0, 0, 0 }, { wait(one, 1100), wait(one, 1100), wait(two, 1100) })
    assert.equal(0, wait(one, 50)) -- the clock was set back
  end)

  it("are under way before, for as long as it takes", function()
    local entry = replies.begin(state, LIMITS, "ann", "a", 7)
    assert.equal(entry, find("ann", "a", 1e9))
    assert.is_nil(entry.at_ms)
    assert.equal(7, entry.conn_id)
    replies.sweep(state, LIMITS, 1e9, 10)
    assert.equal(entry, find("ann", "a", 1e9))
    replies.forget(state, entry)
    assert.is_nil(find("ann", "a"))
    assert_empty()
  end)

  it("may be under way so often for a user, and no more", function()
    local first = replies.begin(state, LIMITS, "ann", "a", 1)
    replies.begin(state, LIMITS, "ann", "b", 1)
    replies.begin(state, LIMITS, "ann", "c", 1)
    assert.is_nil(replies.begin(state, LIMITS, "ann", "d", 1))
    assert.is_truthy(replies.begin(state, LIMITS, "bob", "d", 1))
    replies.keep(state, LIMITS, first, "reply", "json", 0)
    assert.is_truthy(replies.begin(state, LIMITS, "ann", "d", 1))
  end)

  it("are forgotten when the window is over", function()
    keep("ann", "a", "reply", 100)
    assert.is_truthy(find("ann", "a", 1099))
    assert.is_nil(find("ann", "a", 1100))
    assert_empty()
  end)

  it("are swept, oldest first, so many at once", function()
    keep("ann", "a", "reply", 0)
    keep("bob", "a", "reply", 1)
    keep("ann", "b", "reply", 2)
    replies.sweep(state, LIMITS, 1002, 2)
    assert.is_nil(state.users.bob)
    assert.is_truthy(state.users.ann.of.b)
    assert.is_nil(state.users.ann.of.a)
    replies.sweep(state, LIMITS, 1001, 10)
    assert.is_truthy(state.users.ann)
    replies.sweep(state, LIMITS, 1002, 10)
    assert_empty()
  end)

  it("make room for newer ones of the same user", function()
    for _, id in ipairs { "a", "b", "c", "d" } do keep("ann", id) end
    keep("bob", "a")
    assert.is_nil(find("ann", "a"))
    for _, id in ipairs { "b", "c", "d" } do assert.is_truthy(find("ann", id)) end
    assert.is_truthy(find("bob", "a"))
  end)

  it("make room for the bytes of newer ones", function()
    keep("ann", "a", ("x"):rep(2000))
    keep("ann", "b", ("x"):rep(2000))
    assert.is_nil(find("ann", "a"))
    assert.is_truthy(find("ann", "b"))
  end)

  it("make room for those of others when all have too many bytes", function()
    for _, user in ipairs { "ann", "bob", "cat", "dan" } do keep(user, "a", ("x"):rep(2000)) end
    assert.is_nil(find("ann", "a"))
    for _, user in ipairs { "bob", "cat", "dan" } do assert.is_truthy(find(user, "a")) end
    assert.is_true(state.bytes <= LIMITS.all_bytes)
  end)

  it("are known without their bytes when those are too many", function()
    keep("ann", "a", ("x"):rep(4000))
    assert.is_nil(find("ann", "a").bytes)
  end)

  it("are not kept for what has been forgotten meanwhile", function()
    local entry = replies.begin(state, LIMITS, "ann", "a", 1)
    replies.forget(state, entry)
    replies.keep(state, LIMITS, entry, "reply", "json", 0)
    replies.forget(state, entry)
    assert_empty()
    local other = keep("ann", "a")
    replies.keep(state, LIMITS, entry, "other", "json", 0)
    replies.keep(state, LIMITS, other, "other", "json", 0)
    assert.equal("reply", find("ann", "a").bytes)
  end)

  it("hold to their limits whatever comes, and to nothing when all is over", function()
    local now_ms, open, seed = 0, {}, 7
    local function random(n)
      seed = (seed * 16807) % 2147483647
      return seed % n + 1
    end
    for _ = 1, 20000 do
      now_ms = now_ms + random(100)
      local user, id = "u" .. random(5), "i" .. random(9)
      local entry = replies.find(state, LIMITS, user, id, now_ms)
      if entry and entry.at_ms then
        assert.is_true(now_ms - entry.at_ms < LIMITS.window_ms)
      elseif not entry then
        open[#open + 1] = replies.begin(state, LIMITS, user, id, 1)
      end
      if open[1] and random(2) == 1 then
        local done = table.remove(open, random(#open))
        local bytes = ("x"):rep(random(3000))
        if random(4) == 1 then
          replies.forget(state, done)
        else
          replies.keep(state, LIMITS, done, bytes, "json", now_ms)
        end
      end
      assert.is_true(state.bytes <= LIMITS.all_bytes)
      for _, own in pairs(state.users) do
        assert.is_true(own.kept <= 3 and own.under_way <= 3 and own.bytes <= LIMITS.user_bytes)
        assert.is_true(own.last - own.first < 100)
      end
    end
    for _, entry in ipairs(open) do replies.forget(state, entry) end
    replies.sweep(state, LIMITS, now_ms + 1000, 1000)
    assert_empty()
  end)
end)
