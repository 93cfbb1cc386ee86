local fake_core = require "spec.support.fake_core"
local file = require "spec.support.file"

describe("the core without a gate", function()
  local world = fake_core.world("moongate.idle")
  local idle, real = world.idle, world.core.C

  --- The verbs whose C asks the gate or the operators' socket, which are not there.
  local function need_gate()
    local names = {}
    local source = file.read "bindings/api.c"
    for name, body in source:gmatch "(moon_[%l%d_]+)%b()\n(%b{})" do
      names[name] = body:find "%f[%w]gate%f[%W]" ~= nil or body:find "%f[%w]admin%f[%W]" ~= nil
    end
    return names
  end

  it("takes the place of each verb that would reach it, and of no other", function()
    local count = 0
    for name, needs in pairs(need_gate()) do
      if not name:find "^moon_api_bind" then
        assert.equal(needs, rawget(idle, name) ~= nil, name)
        count = count + 1
      end
    end
    assert.is_true(count >= 30)
  end)

  it("finds nobody, and lets the rest be what it is", function()
    assert.equal(real.MOON_EGONE, idle.moon_send(1, 1, 0, 0, "x", 1))
    assert.equal(0, idle.moon_publish(1, 0, 1, 0, 0, "x", 1))
    assert.equal(real.MOON_EFULL, idle.moon_store())
    assert.equal(real.MOON_TEXT, idle.MOON_TEXT)
    assert.equal(real.moon_time_ms(), idle.moon_time_ms())
    assert.are_not.equal(idle.moon_timer_start(1), idle.moon_timer_start(1))
    assert.same({}, world.core.commands)
  end)

  it("refuses the table of routes that a gate would refuse", function()
    assert.equal(0, idle.moon_route("", 5))
    assert.equal(real.MOON_EBIG, idle.moon_route("", real.MOON_MAX_FRAME_BYTES + 1))
  end)
end)
