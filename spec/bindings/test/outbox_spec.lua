local fake_core = require "spec.support.fake_core"
local ffi = require "ffi"

describe("outbox of a client that does not read", function()
  local core, C, id, events

  before_each(function()
    core = fake_core.new()
    C, events = core.C, {}
    core.drain = function()
      for _, event in ipairs(core.events) do events[#events + 1] = event.kind end
      core.events = {}
    end
    id = core:open()
    core:pause(id)
  end)

  local function send(bytes, class, key)
    return C.moon_send(id, C.MOON_BINARY, class or C.MOON_RELIABLE, key or 0, bytes, #bytes)
  end

  local function limit(fields) C.moon_limit(id, ffi.new("struct moon_limits", fields)) end

  local function heard() return core.conns[id].heard end

  local function has(kind)
    core:settle()
    for _, each in ipairs(events) do
      if each == kind then return true end
    end
    return false
  end

  it("keeps what is sent until it reads again, in order", function()
    send "a"
    send "b"
    assert.same({}, heard())
    core:resume(id)
    assert.same({ "a", "b" }, heard())
    send "c"
    assert.same({ "a", "b", "c" }, heard())
  end)

  it("keeps the newest of a key, where the one before was", function()
    send("old", C.MOON_LATEST, 1)
    send "between"
    send("new", C.MOON_LATEST, 1)
    send("other", C.MOON_LATEST, 2)
    core:resume(id)
    assert.same({ "new", "between", "other" }, heard())
  end)

  it("drops what is volatile for what is not, and when there is no room", function()
    limit { outbox_messages = 2 }
    send("v", C.MOON_VOLATILE)
    send "a"
    send "b"
    send("w", C.MOON_VOLATILE)
    send("reply", C.MOON_CONTROL)
    core:resume(id)
    assert.same({ "a", "b", "reply" }, heard())
    local books = core.conns[id].books
    assert.same({ 2, 0, 2 }, { tonumber(books.delivered[0]), tonumber(books.queued[0]),
      tonumber(books.dropped[2]) })
  end)

  it("ends the connection with 4008 when something reliable has no room", function()
    limit { outbox_bytes = 10 }
    send "12345678"
    assert.is_nil(core.conns[id].closed)
    send "123"
    assert.same({ code = 4008, reason = "slow" }, core.conns[id].closed)
    core:resume(id)
    assert.same({}, heard())
  end)

  it("ends it when something has waited for too long, and drops what is volatile", function()
    limit { outbox_age_ms = 1000 }
    send("v", C.MOON_VOLATILE)
    core:later(1000)
    assert.is_nil(core.conns[id].closed)
    send "a"
    core:later(999)
    assert.is_nil(core.conns[id].closed)
    core:later(1)
    assert.equal(4008, core.conns[id].closed.code)
  end)

  it("tells the scripts at half of a limit, and when it has drained", function()
    limit { outbox_messages = 4 }
    send "a"
    assert.is_false(has(C.MOON_SLOWED))
    send "b"
    assert.is_true(has(C.MOON_SLOWED))
    assert.is_false(has(C.MOON_DRAINED))
    core:resume(id)
    assert.is_true(has(C.MOON_DRAINED))
  end)
end)
