local fake_core = require "spec.support.fake_core"

describe("store thread", function()
  local core, thread, C, told

  before_each(function()
    local world = fake_core.world()
    core, thread, C, told = world.core, world.store_thread, world.core.C, {}
  end)

  local function done(...) told[#told + 1] = { ... } end

  local function ask(operation, more)
    local asked = { space = "lobby", key = "k" }
    for name, value in pairs(more or {}) do asked[name] = value end
    thread.ask(operation, asked, done)
    local commands = core:issued "store"
    return commands[#commands]
  end

  it("packs the texts one behind the other, any bytes", function()
    local asked = ask(C.MOON_STORE_SWAP,
      { key = "\0k", value = "v\0", expected = "", expires_ms = 5 })
    assert.same({ "lobby", "\0k", "v\0", "", false, 5 }, { asked.space, asked.key, asked.value,
      asked.expected, asked.must_be_new, asked.expires_ms })
    asked = ask(C.MOON_STORE_SCAN, { key = "", limit = 3 })
    assert.same({ "", "", 3, 0, true }, { asked.key, asked.value, asked.limit, asked.expires_ms,
      asked.must_be_new })
  end)

  it("gives each question a ticket of its own, and its answer once", function()
    local one, two = ask(C.MOON_STORE_GET), ask(C.MOON_STORE_GET)
    assert.is_true(two.ticket > one.ticket)
    thread.answer(two.ticket, C.MOON_STORE_DONE, false, "2")
    assert.same({ { C.MOON_STORE_DONE, "2", false } }, told)
    assert.has_error(function() thread.answer(two.ticket, C.MOON_STORE_DONE, false, "2") end)
    thread.answer(one.ticket, C.MOON_STORE_ABSENT, false, "")
    assert.same({ C.MOON_STORE_ABSENT, "", false }, told[2])
  end)

  it("says at once what the core refuses", function()
    core.answers.moon_store = C.MOON_EFULL
    ask(C.MOON_STORE_PUT, { value = "1" })
    assert.same({ { nil, "full" } }, told)
  end)

  it("takes a scan apart, with lengths of every size", function()
    local asked = ask(C.MOON_STORE_SCAN, { limit = 3 })
    local long = ("v"):rep(0x010203)
    thread.answer(asked.ticket, C.MOON_STORE_DONE, true,
      "\1\0\0\0\3\2\1\0" .. "k" .. long .. "\0\2\0\0\0\0\0\0" .. ("n"):rep(512))
    assert.same({ C.MOON_STORE_DONE, { { key = "k", value = long },
      { key = ("n"):rep(512), value = "" } }, true }, told[1])
  end)

  it("has no entries of a scan that has failed", function()
    local asked = ask(C.MOON_STORE_SCAN, { limit = 3 })
    thread.answer(asked.ticket, C.MOON_STORE_FAILED, false, "")
    assert.same({ C.MOON_STORE_FAILED, "", false }, told[1])
  end)
end)
