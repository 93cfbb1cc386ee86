local fake_gate = require "spec.support.fake_gate"

describe("rollback", function()
  local gate, ann

  local function load(plugins)
    gate = fake_gate.load(plugins)
    ann = gate:connect "ann"
  end

  local function answering(word, more)
    return ([[return function(gate)
      %s
      gate:on("which", function() return { word = %q } end)
    end]]):format(more or "", word)
  end

  local FAILING = [[return function(gate)
    gate:on("which", function() error "ouch" end)
  end]]

  local function which()
    local data, code = gate:deliver(ann, { type = "which" })
    return data and data.word or code
  end

  local function rollback() return gate.world.plugin.rollback() end

  local function state() return gate.world.state.of "a" end

  describe("by command", function()
    it("brings the code of the generation before back", function()
      load { a = answering "one" }
      assert(gate:reload { a = answering "two" })
      assert.equal("two", which())
      assert.same({ true, "generation 1 is in force again instead of 2" }, { rollback() })
      assert.equal("one", which())
      assert.is_truthy(gate:logged "plugin: generation 1 is in force again instead of 2")
    end)

    it("goes back step by step, three at most, and says when there is no more", function()
      load { a = answering "1" }
      for n = 2, 6 do assert(gate:reload { a = answering(tostring(n)) }) end
      for n = 5, 3, -1 do
        assert.is_true(rollback())
        assert.equal(tostring(n), which())
      end
      assert.same({ false, "there is no generation before 3 to go back to" }, { rollback() })
      assert.equal("3", which())
    end)

    it("brings the routes back", function()
      load { a = [[return function(gate) gate:raw("/old", {}) end]] }
      assert(gate:reload { a = [[return function(gate) gate:raw("/new", {}) end]] })
      rollback()
      local routes = gate.core:issued "route"
      assert.matches("^ws /old", routes[#routes].text)
    end)

    it("goes on as it was when the I/O threads cannot take the routes", function()
      load { a = answering "one" }
      assert(gate:reload { a = answering "two" })
      gate.core.answers.moon_route = gate.core.C.MOON_EFULL
      assert.is_false(rollback())
      assert.equal("two", which())
    end)

    it("keeps a state that was not migrated, as it is now", function()
      load { a = answering("one", "gate.state.n = 1") }
      assert(gate:reload { a = answering "two" })
      state().n = 2
      rollback()
      assert.same({ n = 2 }, state())
    end)

    it("brings back a state that was migrated, as it was, and says whose", function()
      load { a = answering("one", "gate.state.list = { 1 }"), b = "return function() end" }
      local list = state().list
      assert(gate:reload { a = answering("two",
        "gate:migrate(1, function(state) state.list[1], state.map = nil, {} end)") })
      assert.same({ list = {}, map = {} }, state())
      assert.same({ true, "generation 1 is in force again instead of 2; state as before its "
        .. "migration, of: a" }, { rollback() })
      assert.same({ list = { 1 } }, state())
      assert.equal(list, state().list)
    end)

    it("leaves the file on the disk out of force until it changes", function()
      load { a = answering "one", b = "return function() end" }
      assert(gate:reload { a = answering "two" })
      rollback()
      assert(gate:reload { b = "return function(gate) end" })
      assert.equal("one", which())
      assert(gate:reload { a = answering "three" })
      assert.equal("three", which())
    end)

    it("leaves it out of force also when the one before that comes back", function()
      load { a = answering "one", b = "return function() end" }
      assert(gate:reload { a = answering "two" })
      assert(gate:reload { a = answering "three" })
      rollback()
      rollback()
      assert(gate:reload { b = "return function(gate) end" })
      assert.equal("one", which())
      assert(gate:reload { a = answering "two" })
      assert.equal("two", which())
      assert(gate:reload { a = answering "three" })
      assert.equal("three", which())
    end)

    it("has what was deleted meanwhile, as long as it is not there", function()
      load { init = [[return { "a", "p" }]], a = answering("one", "gate:option('x', require 'm')"),
        p = "return function() end", m = "return 1" }
      assert(gate:reload { init = [[return { "a" }]], a = answering "two", p = false, m = false })
      rollback()
      assert.is_truthy(gate.world.plugin.current().plugins.p)
      gate:reload {}
      assert.is_truthy(gate:logged "nothing has changed but what was rolled back")
      assert(gate:reload { init = [[return { "a", "b" }]], b = "return function() end" })
      assert.equal("one", which())
      assert.is_nil(gate:reload { init = [[return { "p", "a", "b" }]], p = ")" })
    end)

    it("is named by a reload that finds nothing else", function()
      load { a = answering "one" }
      assert(gate:reload { a = answering "two" })
      rollback()
      gate:reload {}
      assert.is_truthy(gate:logged(("nothing has changed but what was rolled back (%s/a.lua), "
        .. "generation 1 goes on"):format(gate.folder)))
      assert(gate:reload { a = answering "three" })
      gate:reload {}
      assert.is_truthy(gate:logged "nothing has changed, generation 3 goes on")
    end)

    it("has the next generation counted on", function()
      load { a = answering "one" }
      assert(gate:reload { a = answering "two" })
      rollback()
      assert(gate:reload { a = answering "three" })
      assert.is_truthy(gate:logged "generation 3: a (changed)")
    end)
  end)

  describe("by itself", function()
    local function fail(times)
      for _ = 1, times do assert.equal("internal", which()) end
    end

    it("comes when much more fails than before", function()
      load { a = answering "one" }
      for _ = 1, 200 do which() end
      assert(gate:reload { a = FAILING })
      fail(10)
      gate:later(0)
      assert.equal("one", which())
      assert.is_truthy(gate:logged
        "10 of 10 calls have failed since generation 2 came, 0.0 % before")
      assert.is_truthy(gate:logged "generation 1 is in force again instead of 2")
    end)

    it("does not come for fewer errors", function()
      load { a = answering "one" }
      assert(gate:reload { a = FAILING })
      fail(9)
      gate:later(0)
      assert.equal("internal", which())
      assert.is_nil(gate:logged "in force again")
    end)

    it("does not come when as much has failed before", function()
      load { a = FAILING }
      fail(200)
      assert(gate:reload { a = FAILING .. "\n" })
      fail(50)
      gate:later(0)
      assert.is_nil(gate:logged "in force again")
    end)

    it("does not come later than ten seconds after the swap", function()
      load { a = answering "one" }
      assert(gate:reload { a = FAILING })
      gate:later(10001)
      fail(50)
      gate:later(0)
      assert.is_nil(gate:logged "in force again")
    end)

    it("does not come for errors of calls that the code before has begun", function()
      local SLOW = [[return function(gate)
        gate:on("which", function() gate:sleep(1000) error "ouch" end)
      end]]
      load { a = SLOW, b = "return function() end" }
      for _ = 1, 24 do gate:ask(gate:connect(), { type = "which" }) end
      assert(gate:reload { b = "return function(gate) end" }) -- "a" is in force
      assert(gate:reload { a = answering "fixed" })
      gate:later(1001)
      assert.equal("fixed", which())
      assert.is_nil(gate:logged "rolling back")
    end)

    it("leaves alone what has come since the verdict", function()
      load { a = answering "one" }
      assert(gate:reload { a = FAILING })
      local verdict -- of a timer that is due when the file is saved
      gate.world.timer.start = function(_, fn) verdict = fn end
      fail(10)
      assert(gate:reload { a = answering "fixed" })
      verdict()
      assert.equal("fixed", which())
      assert.is_nil(gate:logged "in force again")
    end)

    it("tries again when the I/O threads cannot take the routes, and says so", function()
      load { a = answering "one" }
      assert(gate:reload { a = FAILING })
      gate.core.answers.moon_route = gate.core.C.MOON_EFULL
      fail(10)
      gate:later(0)
      assert.is_truthy(gate:logged "not rolled back: the I/O threads are too far behind")
      gate.core.answers.moon_route = nil
      gate:later(1000)
      assert.equal("one", which())
    end)

    it("can be switched off in the list, and has numbers there", function()
      load { init = [[return { "a", rollback = false }]], a = answering "one" }
      assert(gate:reload { a = FAILING })
      fail(50)
      gate:later(0)
      assert.is_nil(gate:logged "in force again")
      load { init = [[return { "a", rollback = { min_errors = 2 } }]], a = answering "one" }
      assert(gate:reload { a = FAILING })
      fail(2)
      gate:later(0)
      assert.is_truthy(gate:logged "in force again")
    end)
  end)

  it("begins again what the code has begun while it was loaded, once", function()
    local source = [[return function(gate)
      gate:spawn(function()
        while true do
          gate:sleep(10)
          gate.state.n = (gate.state.n or 0) + 1
        end
      end)
    end]]
    load { a = source }
    assert(gate:reload { a = "return function() end" })
    rollback()
    gate:later(10)
    assert.equal(1, state().n)
  end)

  describe("timers", function()
    local function ticking(ms, name)
      return ([[return function(gate)
        gate:every(%d, function() gate.state.n = (gate.state.n or 0) + 1 end, %s)
      end]]):format(ms, name and ("%q"):format(name) or "nil")
    end

    it("keep what is left of their time across a reload", function()
      load { a = ticking(100) }
      gate:later(60)
      assert(gate:reload { a = ticking(100) .. "\n" })
      gate:later(39)
      assert.is_nil(state().n)
      gate:later(1)
      assert.equal(1, state().n)
      gate:later(100)
      assert.equal(2, state().n)
    end)

    it("begin anew under another name, and sooner when the interval is shorter", function()
      load { a = ticking(100, "one") }
      gate:later(60)
      assert(gate:reload { a = ticking(100, "two") })
      gate:later(99)
      assert.is_nil(state().n)
      gate:later(1)
      assert.equal(1, state().n)
      assert(gate:reload { a = ticking(10, "two") })
      gate:later(10)
      assert.equal(2, state().n)
    end)

    it("are not touched by the reload of another plugin", function()
      load { a = ticking(100), b = "return function() end" }
      gate:later(60)
      assert(gate:reload { b = "return function(gate) end" })
      gate:later(40)
      assert.equal(1, state().n)
    end)
  end)
end)
