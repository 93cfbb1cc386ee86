local fake_core = require "spec.support.fake_core"

--- What it has in common with the other store is in spec/system/store_spec.lua.
describe("store in memory", function()
  local core, memory, C

  before_each(function()
    local world = fake_core.world()
    core, memory, C = world.core, world.store_memory, world.core.C
  end)

  --- Answers at once: outcome, found, has_more.
  local function ask(operation, key, more)
    local asked = { space = "lobby", key = key, limit = 1000 }
    for name, value in pairs(more or {}) do asked[name] = value end
    local told
    memory.ask(operation, asked, function(...) told = { ... } end)
    return unpack(told, 1, 3)
  end

  local function put(key, value, more)
    more = more or {}
    more.value = value
    return (ask(C.MOON_STORE_PUT, key, more))
  end

  local function count() return #select(2, ask(C.MOON_STORE_SCAN, "")) end

  it("has an entry until the millisecond at which its time is over", function()
    put("k", "1", { expires_ms = core.now_ms + 10 })
    core:later(9)
    assert.same({ C.MOON_STORE_DONE, "1" }, { ask(C.MOON_STORE_GET, "k") })
    assert.equal(1, count())
    core:later(1)
    assert.equal(C.MOON_STORE_ABSENT, (ask(C.MOON_STORE_GET, "k")))
    assert.equal(0, count())
  end)

  it("has room for 64 MiB, and says once that it is used up", function()
    local long, most = ("x"):rep(262144), 0
    while put("k" .. most, long) == C.MOON_STORE_DONE do most = most + 1 end
    assert.equal(255, most) -- keys and what an entry costs count, too
    assert.equal(C.MOON_STORE_FAILED, put("other", long))
    assert.equal(C.MOON_STORE_FAILED, (ask(C.MOON_STORE_SWAP, "new", { value = long })))
    assert.equal(1, #core.log)
    assert.matches("store: without %-%-store there is room for 64 MiB", core.log[1].text)
    assert.equal(C.MOON_STORE_DONE, put("k0", long)) -- in the place of another
    ask(C.MOON_STORE_DELETE, "k1")
    assert.equal(C.MOON_STORE_DONE, put("other", long))
    assert.equal(255, count() + 254) -- one fits into a scan
  end)

  it("forgets in the background what has expired, some at a time, and then rests", function()
    local long = ("x"):rep(262144)
    for i = 1, 200 do put("k" .. i, long, { expires_ms = core.now_ms + 500 }) end
    put("stays", "1", { expires_ms = core.now_ms + 2500 })
    assert.equal(1, #core.timers)
    core:later(1000)
    for i = 1, 200 do assert.equal(C.MOON_STORE_DONE, put("new" .. i, long)) end
    assert.equal("1", select(2, ask(C.MOON_STORE_GET, "stays")))
    core:later(2000)
    assert.equal(0, #core.timers)
    assert.equal(0, #core.log)
  end)

  it("looks at no more than 256 of those with a time in one step", function()
    for i = 1, 600 do put("k" .. i, "", { expires_ms = core.now_ms + 1 }) end
    for _ = 1, 2 do
      core:later(1000)
      assert.equal(1, #core.timers)
    end
    core:later(1000)
    assert.equal(0, #core.timers)
  end)

  it("keeps an entry whose time was lifted or moved", function()
    put("lifted", "1", { expires_ms = core.now_ms + 10 })
    put("moved", "1", { expires_ms = core.now_ms + 10 })
    put("deleted", "1", { expires_ms = core.now_ms + 10 })
    put("lifted", "2")
    put("moved", "2", { expires_ms = core.now_ms + 5000 })
    ask(C.MOON_STORE_DELETE, "deleted")
    core:later(4000)
    assert.equal("2", select(2, ask(C.MOON_STORE_GET, "moved")))
    core:later(2000)
    assert.equal("2", select(2, ask(C.MOON_STORE_GET, "lifted")))
    assert.equal(C.MOON_STORE_ABSENT, (ask(C.MOON_STORE_GET, "moved")))
    assert.equal(1, count())
    assert.equal(0, #core.timers)
  end)

  it("has the entries that a simple list would have", function()
    local random, model = math.random, {}
    for _ = 1, 3000 do
      local key, kind = ("k%d"):format(random(40)), random(3)
      if kind == 1 then
        put(key, tostring(random(9)), { expires_ms = 0 })
        model[key] = select(2, ask(C.MOON_STORE_GET, key))
        assert.is_string(model[key])
      elseif kind == 2 then
        ask(C.MOON_STORE_DELETE, key)
        model[key] = nil
      else
        local outcome = ask(C.MOON_STORE_GET, key)
        assert.equal(model[key] and C.MOON_STORE_DONE or C.MOON_STORE_ABSENT, outcome)
      end
    end
    local keys, found = {}, {}
    for key in pairs(model) do keys[#keys + 1] = key end
    table.sort(keys)
    for i, entry in ipairs(select(2, ask(C.MOON_STORE_SCAN, ""))) do
      found[i] = entry.key
      assert.equal(model[entry.key], entry.value)
    end
    assert.same(keys, found)
  end)
end)
