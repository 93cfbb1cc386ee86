local fake_core = require "spec.support.fake_core"

describe("timer", function()
  local core, timer, fired

  local function note(word)
    return function() fired[#fired + 1] = word end
  end

  before_each(function()
    local world = fake_core.world()
    core, timer, fired = world.core, world.timer, {}
  end)

  it("fires once, when its time has come", function()
    timer.start(10, note "tick")
    core:later(9)
    assert.same({}, fired)
    core:later(1)
    assert.same({ "tick" }, fired)
    core:later(1000)
    assert.same({ "tick" }, fired)
  end)

  it("fires in the order of time, then of starting", function()
    timer.start(20, note "last")
    timer.start(10, note "first")
    timer.start(10, note "second")
    core:later(20)
    assert.same({ "first", "second", "last" }, fired)
  end)

  it("takes more than the core does at once, and can be cancelled all the while", function()
    local DAYS_MS = 24 * 3600 * 1000
    local token = timer.start(100 * DAYS_MS, note "hundred days")
    local other = timer.start(100 * DAYS_MS, note "never")
    core:later(60 * DAYS_MS)
    assert.equal(40 * DAYS_MS, timer.left_ms(token))
    timer.cancel(other)
    assert.equal(1, #core.timers)
    core:later(40 * DAYS_MS - 1)
    assert.same({}, fired)
    core:later(1)
    assert.same({ "hundred days" }, fired)
    assert.is_nil(timer.left_ms(token))
  end)

  it("starts another when it fires", function()
    timer.start(10, function() timer.start(10, note "again") end)
    core:later(19)
    assert.same({}, fired)
    core:later(1)
    assert.same({ "again" }, fired)
  end)

  it("leaves nothing in the core once cancelled, and is not called", function()
    local kept, token = timer.start(10, note "kept"), timer.start(10, note "tick")
    timer.cancel(token)
    assert.equal(1, #core.timers)
    assert.equal(kept, core.timers[1].token)
    core:later(10)
    assert.same({ "kept" }, fired)
  end)

  it("is not called when it is cancelled between its time and its turn", function()
    local second
    timer.start(10, function() timer.cancel(second) end)
    second = timer.start(10, note "second")
    local first_of, rest = table.remove(core.timers, 1), table.remove(core.timers, 1)
    for _, each in ipairs { first_of, rest } do
      core.events[#core.events + 1] = { kind = core.C.MOON_FIRED, subject = each.token, code = 0,
        reason = 0, bytes = "" }
    end
    core:settle()
    assert.same({}, fired)
  end)

  it("may be cancelled when it has fired, without harm to others", function()
    local token = timer.start(1, note "one")
    core:later(1)
    timer.start(1, note "two")
    timer.cancel(token)
    core:later(1)
    assert.same({ "one", "two" }, fired)
  end)

  it("gives each token once", function()
    local one, two = timer.start(1, note "one"), timer.start(1, note "two")
    assert.is_true(two > one)
    assert.is_function(timer.take(one))
    assert.is_nil(timer.take(one))
    assert.is_nil(timer.take(99))
  end)

  it("keeps the delay within what the core takes", function()
    timer.start(-5, note "now")
    timer.start(1e12, note "late")
    local asked = core:issued "timer_start"
    assert.equal(0, asked[1].delay_ms)
    assert.equal(4294967295, asked[2].delay_ms)
  end)
end)
