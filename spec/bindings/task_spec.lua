local fake_core = require "spec.support.fake_core"

describe("task", function()
  local core, run, task

  before_each(function()
    local world = fake_core.world()
    core, run, task = world.core, world.run, world.task
  end)

  it("is not disturbed by a sleep that failed in a callback of a C function", function()
    local steps = {}
    task.run(function()
      local ok = pcall(string.gsub, "x", ".", function() task.sleep(10) end)
      steps[#steps + 1] = tostring(ok)
    end)
    task.run(function() -- in the worker of the first
      task.sleep(20)
      steps[#steps + 1] = "slept"
    end)
    core:later(10)
    assert.same({ "false" }, steps)
    core:later(10)
    assert.same({ "false", "slept" }, steps)
    task.run(function() steps[#steps + 1] = "next" end)
    assert.equal("next", steps[3])
  end)

  it("begins a little later within a hundred others", function()
    local begun, ended = 0, 0
    local function nest(left)
      begun = begun + 1
      if left > 0 then task.run(nest, left - 1) end
      ended = ended + 1
    end
    task.run(nest, 250)
    assert.same({ 100, 100 }, { begun, ended })
    core:later(0)
    assert.same({ 251, 251 }, { begun, ended })
  end)

  it("goes on after a plain yield, when others have had their turn", function()
    local steps = {}
    task.run(function()
      coroutine.yield()
      steps[#steps + 1] = "on"
    end)
    steps[#steps + 1] = "other"
    core:later(0)
    assert.same({ "other", "on" }, steps)
  end)

  it("cannot sleep in a coroutine of its own", function()
    local ok, problem
    task.run(function()
      ok, problem = coroutine.resume(coroutine.create(function() task.sleep(1) end))
    end)
    assert.is_false(ok)
    assert.matches("gate:sleep: only in a task", problem)
  end)

  it("runs at once until it first waits", function()
    local steps = {}
    task.run(function(word)
      steps[#steps + 1] = word
      task.sleep(10)
      steps[#steps + 1] = "after"
    end, "before")
    assert.same({ "before" }, steps)
    core:later(9)
    assert.same({ "before" }, steps)
    core:later(1)
    assert.same({ "before", "after" }, steps)
  end)

  it("passes all arguments on, also to a coroutine that is used again", function()
    local got
    local function take(...) got = { n = select("#", ...), ... } end
    task.run(take, 1, nil, 3)
    assert.same({ n = 3, [1] = 1, [3] = 3 }, got)
    task.run(take, nil, nil)
    assert.same({ n = 2 }, got)
  end)

  it("lets others run while it waits", function()
    local steps = {}
    local function walk(name, pause_ms)
      for i = 1, 2 do
        steps[#steps + 1] = name .. i
        task.sleep(pause_ms)
      end
    end
    task.run(walk, "slow", 10)
    task.run(walk, "fast", 4)
    core:later(30)
    assert.same({ "slow1", "fast1", "fast2", "slow2" }, steps)
  end)

  it("may start another", function()
    local steps = {}
    task.run(function()
      task.run(function() steps[#steps + 1] = "inner" end)
      steps[#steps + 1] = "outer"
    end)
    assert.same({ "inner", "outer" }, steps)
  end)

  it("uses the coroutine of one that has ended", function()
    local workers = {}
    local function note() workers[#workers + 1] = coroutine.running() end
    for _ = 1, 10000 do task.run(note) end
    for _, worker in ipairs(workers) do assert.equal(workers[1], worker) end
  end)

  it("never shares a coroutine with one that waits", function()
    local waiting, running
    task.run(function()
      waiting = coroutine.running()
      task.sleep(5)
    end)
    task.run(function() running = coroutine.running() end)
    assert.are_not.equal(waiting, running)
  end)

  it("uses the worker of one that never waited again, if it was only begun", function()
    local workers = {}
    local function note(how)
      local worker = task.current "a note"
      workers[#workers + 1] = worker
      if how == "fail" then error "oops" end
      if how == "wait" then task.sleep(10) end
      if type(how) == "function" then how() end
    end
    task.begin(note)
    task.begin(function() task.begin(note, function() task.begin(note) end) end)
    assert.are_not_equal(workers[2], workers[3])
    task.begin(note, "wait")
    task.begin(note)
    assert.are_not_equal(workers[4], workers[5])
    core:later(10)
    local count = #workers
    task.begin(note, "fail")
    task.begin(note)
    assert.are_not_equal(workers[count + 1], workers[count + 2])
    task.begin(note)
    assert.equal(workers[count + 2], workers[count + 3])
    local held = task.run(note)
    for _ = 1, 300 do task.begin(note) end
    for n = count + 5, #workers do assert.are_not_equal(held, workers[n]) end
  end)

  it("begins a little later within a hundred others, however it is begun", function()
    local begun = 0
    local function nest(left)
      begun = begun + 1
      if left > 0 then task.begin(nest, left - 1) end
    end
    task.begin(nest, 250)
    assert.equal(100, begun)
    core:later(0)
    assert.equal(251, begun)
  end)

  it("has its worker's plugin from where it is begun, each time", function()
    local seen = {}
    for index, label in ipairs { "one#1", "two#1" } do
      local plugin = { label = label, index = index, budget = run.BUDGET }
      local outer, outer_doing = run.enter(plugin, "test")
      task.begin(function() seen[#seen + 1] = task.here().plugin end)
      run.leave(outer, outer_doing)
    end
    assert.same({ "one#1", "two#1" }, { seen[1].label, seen[2].label })
  end)

  it("keeps 256 coroutines for later and lets the others go", function()
    local seen, known = {}, 0
    local function wait()
      local worker = coroutine.running()
      if seen[worker] then known = known + 1 end
      seen[worker] = true
      task.sleep(1)
    end
    for _ = 1, 300 do task.run(wait) end
    core:later(1)
    for _ = 1, 300 do task.run(wait) end
    assert.equal(256, known)
  end)

  it("goes on looking for the impatient when the end of one has been that of another", function()
    local ends = {}
    local function wait(word)
      pcall(function()
        task.patience(1000)
        task.sleep(5000)
      end)
      ends[#ends + 1] = word
    end
    local a, b -- each takes the other with it
    a = task.run(function() wait "a" task.cancel(b, "gone with a") end)
    b = task.run(function() wait "b" task.cancel(a, "gone with b") end)
    core:later(3000)
    table.sort(ends)
    assert.same({ "a", "b" }, ends)
    task.run(wait, "c")
    core:later(3000)
    assert.equal("c", ends[3])
  end)

  it("logs an error with its traceback and goes on", function()
    local function stumble() error "ouch" end
    task.run(stumble)
    assert.equal(1, #core.log)
    assert.equal("error", core.log[1].level)
    assert.matches("^task: .*ouch", core.log[1].text)
    assert.matches("task_spec.lua:%d+: in function", core.log[1].text)
    local ran = false
    task.run(function() ran = true end)
    assert.is_true(ran)
  end)

  it("does not use a coroutine again that an error has killed", function()
    task.run(error, "ouch")
    task.run(error, "ouch")
    assert.equal(2, #core.log)
    for _, line in ipairs(core.log) do assert.matches("ouch", line.text) end
  end)

  describe("that is cancelled", function()
    it("has an error that is nothing to another task, nor to this one later", function()
      local kept, why
      local worker = task.run(function()
        kept = select(2, pcall(task.sleep, 10))
        why = task.why_cancelled(kept)
      end)
      task.cancel(worker, "enough")
      assert.equal("enough", why)
      assert.is_nil(task.why_cancelled(kept))
      assert.is_false(getmetatable(kept))
      assert.is_nil(next(kept))
    end)

    local function stubborn(wait)
      return task.run(function()
        while true do pcall(wait) end
      end)
    end

    it("may still put things in order, but each wait raises", function()
      local raised = 0
      local worker = task.run(function()
        for _ = 1, 3 do
          if not pcall(task.sleep, 10) then raised = raised + 1 end
        end
      end)
      task.cancel(worker, "enough")
      assert.equal(3, raised)
      assert.same({}, core.log)
    end)

    it("is given up when it goes on waiting, and the log says where", function()
      local worker = stubborn(function() task.sleep(10) end)
      worker.plugin, worker.doing = { label = "polls#3", index = 0, budget = run.BUDGET }, "on poll"
      task.cancel(worker, "the connection has ended")
      assert.equal(1, #core.log)
      assert.matches("^polls#3: on poll: given up, .*the connection has ended.*task_spec.lua:%d+",
        core.log[1].text)
      core:later(1000)
      assert.equal(1, #core.log)
      for _ in task.waiting() do error "it still waits" end
    end)

    it("is given up also when it only yields", function()
      local turns = 0
      local worker = task.run(function()
        while true do
          turns = turns + 1
          coroutine.yield()
        end
      end)
      task.cancel(worker, "enough")
      core:later(100)
      local before = turns
      core:later(100)
      assert.equal(before, turns)
      assert.equal(1, #core.log)
    end)

    it("has somebody told when it is given up", function()
      local told
      local worker = task.run(function()
        task.if_given_up(function(subject) told = subject end, "me")
        while true do pcall(task.sleep, 10) end
      end)
      task.cancel(worker, "enough")
      assert.equal("me", told)
      told = nil
      task.cancel(stubborn(function() task.sleep(10) end), "enough")
      assert.is_nil(told)
    end)
  end)

  it("alone can sleep", function()
    assert.error_matches(function() task.sleep(1) end, "gate:sleep: only in a task")
    assert.equal(0, #core.timers)
  end)
end)
