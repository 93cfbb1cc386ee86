local fake_gate = require "spec.support.fake_gate"
local fake_core = require "spec.support.fake_core"

describe("run", function()
  local core, run, turn, one, two

  before_each(function()
    local world = fake_core.world()
    core, run, turn = world.core, world.run, world.core.turn
    one = { name = "one", index = 1, budget = { soft_ms = 5, hard_ms = 50, load_ms = 500 } }
    two = { name = "two", index = 2, budget = { soft_ms = 7, hard_ms = 70, load_ms = 700 } }
  end)

  local function numbers() return { turn.number, turn.whole, turn.hard_ms } end

  it("says whose code runs, and puts that back", function()
    local outer, outer_doing = run.enter(one, "on a")
    assert.same({ one, "on a", one }, { run.plugin, run.doing, run.first })
    local inner, inner_doing = run.enter(two, "on b")
    assert.same({ two, "on b", one }, { run.plugin, run.doing, run.first })
    run.leave(inner, inner_doing)
    assert.same({ one, "on a" }, { run.plugin, run.doing })
    run.leave(outer, outer_doing)
    assert.is_nil(run.plugin)
  end)

  it("is a new one for the watchdog, and within another goes back to a new one of that", function()
    local outer = run.enter(one)
    assert.same({ 1, 1, 50 }, numbers())
    local inner = run.enter(two)
    assert.same({ 2, 1, 70 }, numbers())
    run.leave(inner)
    assert.same({ 3, 1, 50 }, numbers())
    run.leave(outer)
    assert.same({ 4, 2, 50 }, numbers()) -- whoever is found late now is nobody
    run.enter(two)
    assert.same({ 5, 3, 70 }, numbers())
  end)

  it("is the same when a plugin is called within its own", function()
    run.enter(one)
    run.leave((run.enter(one)))
    assert.same({ 1, 1, 50 }, numbers())
  end)

  it("says that it was aborted, and lets the one around it go on", function()
    local outer = run.enter(one)
    local inner = run.enter(two)
    turn.aborted = 2
    assert.is_true(run.leave(inner))
    assert.equal(0, turn.aborted)
    assert.is_false(run.leave(outer))
  end)

  it("does not let it go on when all of it was aborted", function()
    local outer = run.enter(one)
    local inner = run.enter(two)
    turn.aborted = 3
    assert.is_true(run.leave(inner))
    assert.same({ 2, 1, 70 }, numbers())
    assert.is_true(run.leave(outer))
    assert.same({ 3, 2, 70 }, numbers())
    assert.equal(0, turn.aborted)
  end)

  it("has longer while a plugin is loaded, and is not reported", function()
    run.enter_loading(one, "load")
    assert.is_true(run.is_loading())
    assert.same({ 0, 500 }, { turn.soft_ms, turn.hard_ms })
    run.leave()
    run.enter(one)
    assert.is_false(run.is_loading())
  end)

  describe("what comes after it", function()
    local done

    before_each(function() done = {} end)

    local function note(word) done[#done + 1] = word end

    it("comes at once when none is under way", function()
      run.after(note, "a")
      assert.same({ "a" }, done)
    end)

    it("comes when the outermost has ended, in order, also what is asked for there", function()
      local outer = run.enter(one)
      local inner = run.enter(two)
      run.after(note, "a")
      run.leave(inner)
      assert.same({}, done)
      run.after(function(word)
        local again = run.enter(two)
        run.after(note, "c")
        run.leave(again)
        note(word)
      end, "b")
      run.leave(outer)
      assert.same({ "a", "b", "c" }, done)
    end)

    it("lets others have their turn when it goes on and on", function()
      local turns = 0
      local function again()
        core.now_ms = core.now_ms + 1
        turns = turns + 1
        local outer = run.enter(one)
        if turns < 100 then run.after(again) end
        run.leave(outer)
      end
      local outer = run.enter(one)
      run.after(again)
      run.leave(outer)
      assert.equal(16, turns)
      core:later(1000)
      assert.equal(100, turns)
    end)
  end)
end)

describe("whose code runs", function()
  local gate, ann, seen

  local function load(plugins)
    gate = fake_gate.load(plugins)
    ann = gate:connect "ann"
  end

  before_each(function()
    seen = {}
    package.loaded["spec.seen"] = function()
      local run = gate.world.run
      seen[#seen + 1] = run.plugin.name .. ": " .. run.doing
    end
  end)
  after_each(function() package.loaded["spec.seen"] = nil end)

  it("is known after a plain coroutine.yield(), too", function()
    load { a = [[return function(gate)
      gate:on("work", function()
        coroutine.yield()
        require "spec.seen" ()
        return {}
      end)
    end]] }
    assert.same({}, gate:deliver(ann, { type = "work" }) or gate:later(1) or {})
    assert.same({ "a: on work" }, seen)
  end)

  it("is who has asked when that is told the answer", function()
    load { a = [[return function(gate)
      gate:on("work", function() return {} end)
    end]], b = [[return function(gate)
      gate:on("ask", function(conn)
        gate:request(conn, { type = "work" }, require "spec.seen")
        return {}
      end)
    end]] }
    gate:deliver(ann, { type = "ask" })
    assert.same({ "b: answer" }, seen)
  end)
end)
