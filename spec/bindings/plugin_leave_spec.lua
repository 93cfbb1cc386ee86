local fake_gate = require "spec.support.fake_gate"

describe("plugin whose code was replaced", function()
  local gate, ann

  local function load(plugins)
    gate = fake_gate.load(plugins)
    ann = gate:connect "ann"
  end

  local function answering(word)
    return ([[return function(gate)
      gate:on("which", function() return { word = %q } end)
    end]]):format(word)
  end

  local function rollback() return gate.world.plugin.rollback() end

  describe("has tasks that", function()
    local SLEEPS = [[return function(gate)
      gate:on("which", function() gate:sleep(%d) gate:info "woke up" return { word = "old" } end)
    end]]

    it("end on it, and say so in the log", function()
      load { a = SLEEPS:format(1000) }
      local answer = gate:ask(ann, { type = "which" })
      assert(gate:reload { a = answering "new" })
      assert.same({ { plugin = "a#1", kind = "task", doing = "on which", ms = 0 } },
        gate.world.plugin.leaks())
      gate:later(1000)
      assert.same({ word = "old" }, answer.data)
      assert.equal("a#1: woke up", gate:logged "woke up")
      assert.same({}, gate.world.plugin.leaks())
    end)

    it("are cancelled ten seconds later", function()
      load { a = SLEEPS:format(20000) }
      local answer = gate:ask(ann, { type = "which" })
      assert(gate:reload { a = answering "new" })
      gate:later(9999)
      assert.is_false(answer.is_given)
      gate:later(1)
      assert.equal("timeout", answer.code)
      assert.is_true(answer.temporary)
      assert.is_truthy(gate:logged "a#1: on which: cancelled: its code was replaced 10 s ago")
    end)

    it("are not when the code is back by then", function()
      load { a = SLEEPS:format(20000) }
      local answer = gate:ask(ann, { type = "which" })
      assert(gate:reload { a = answering "new" })
      gate:later(1000)
      rollback()
      gate:later(19000)
      assert.same({ word = "old" }, answer.data)
    end)

    it("have ten seconds from when it was replaced last", function()
      load { a = SLEEPS:format(15000) }
      local answer = gate:ask(ann, { type = "which" })
      assert(gate:reload { a = answering "new" })
      gate:later(5000)
      rollback()
      gate:later(4000)
      assert(gate:reload { a = answering "newer" })
      gate:later(6000)
      assert.same({ word = "old" }, answer.data)
    end)

    it("are cancelled soon when they are begun after that", function()
      load { a = SLEEPS:format(25000), b = [[return function(gate)
        gate:before("which", function() gate:sleep(11500) return true end)
      end]] }
      local answer = gate:ask(ann, { type = "which" })
      assert(gate:reload { a = answering "new" })
      gate:later(11500)
      assert.is_false(answer.is_given)
      gate:later(1000)
      assert.equal("timeout", answer.code)
      assert.is_truthy(gate:logged "a#1: on which: cancelled: its code was replaced 1")
    end)
  end)

  it("does not start itself over and over", function()
    load { a = [[return function(gate)
      local function tick()
        gate.state.n = (gate.state.n or 0) + 1
        gate:after_ms(1000, tick)
      end
      gate:after_ms(1000, tick)
    end]] }
    for _ = 1, 5 do
      gate:later(1000)
      gate:reload()
    end
    gate:later(10000)
    local state = gate.world.state.of "a"
    state.n = 0
    gate:later(10000)
    assert.equal(10, state.n)
    assert.same({}, gate.world.plugin.leaks())
    assert.is_truthy(gate:logged "a#1: gate:after_ms: left out, its code was replaced 10 s ago")
  end)

  for _, trust in ipairs { "trusted", "guarded" } do
    it("is gone when there is no way back to it: " .. trust, function()
      local held = setmetatable({}, { __mode = "k" })
      local code = [[return function(gate)
        local kept = {}
        gate:on("which", function(_, message) kept[1] = gate return { kept } end)
        -- %d
      end]]
      load { stays = 'return function(gate) gate:on("other", function() return {} end) end',
        a = code:format(0), init = ([[return { "stays", { "a", trust = %q } }]]):format(trust) }
      held[gate.world.plugin.current().plugins.a] = true
      gate:deliver(ann, { type = "which" })
      for n = 1, 4 do
        collectgarbage()
        assert.is_not_nil(next(held), "after " .. n)
        assert(gate:reload { a = code:format(n) })
      end
      jit.flush()
      gate:later(20000)
      collectgarbage()
      collectgarbage()
      assert.is_nil(next(held))
    end)
  end

  describe("while memory is short", function()
    local MB = 1048576

    local function turns() for _ = 1, 1000 do gate:later(0) end end
    local function data() return gate.world.state.of "a" end

    before_each(function()
      load { a = answering "one", b = "return function() end" }
      for i = 1, 10000 do data()[i] = i end
    end)

    it("has to make room for its state first, and the others stay as they are", function()
      gate.core.heap.bytes = 2081 * MB
      local ok, problem = gate:reload { a = answering "two" }
      assert.is_falsy(ok)
      assert.matches("a.lua: there is not enough memory for a copy of its gate.state, which a "
        .. "reload keeps to go back to: 2081 MB are in use, of 1024. Take \"a\" out of the list of "
        .. "init.lua, and put it in again: then it begins with an empty state", problem, 1, true)
      assert.equal("one", gate:deliver(ann, { type = "which" }).word)
      assert.equal(10000, #data())
    end)

    it("loses its state when it is out of the list, and there is no way back", function()
      gate.core.heap.bytes = 1000 * MB
      local before = data()
      gate:reload { a = false }
      turns()
      assert.is_truthy(gate:logged("plugin: memory is short: what is older than generation 2 is "
        .. "let go of, and there is no way back to it"))
      assert.is_false(rollback())
      assert.is_not.equal(before, data())
      assert.same({}, data())
    end)

    it("loses it also when it was taken out before that", function()
      gate:reload { a = false }
      turns()
      assert.equal(10000, #data())
      gate.core.heap.bytes = 1000 * MB
      gate:reload { b = "return function() end -- mended" }
      turns()
      assert.same({}, data())
    end)

    it("keeps it when memory is not short after all", function()
      gate.core.heap.bytes = 1000 * MB
      gate:reload { a = false }
      gate.core.heap.bytes = 500 * MB
      turns()
      assert.is_true(rollback())
      assert.equal(10000, #data())
    end)
  end)
end)
