local fake_core = require "spec.support.fake_core"

describe("line", function()
  local core, gather, line, task, owner, steps

  before_each(function()
    local world = fake_core.world()
    core, line, task, owner, steps = world.core, world.line, world.task, {}, {}
    gather = world.gather
  end)

  local function push(word, sleep_ms, bytes)
    line.push(owner, bytes or 0, function()
      steps[#steps + 1] = "begin " .. word
      if sleep_ms then task.sleep(sleep_ms) end
      steps[#steps + 1] = "end " .. word
    end)
  end

  it("does a job at once when there is none", function()
    push "a"
    assert.same({ "begin a", "end a" }, steps)
    assert.same({ waiting_bytes = 0 }, owner)
  end)

  it("does one after the other, also when one waits", function()
    push("a", 10)
    push("b", 5)
    push "c"
    assert.same({ "begin a" }, steps)
    core:later(10)
    assert.same({ "begin a", "end a", "begin b" }, steps)
    core:later(5)
    assert.same({ "begin a", "end a", "begin b", "end b", "begin c", "end c" }, steps)
  end)

  it("goes on after a job that is given up", function()
    local worker, told
    line.push(owner, 0, function()
      worker = task.current "spec"
      while true do pcall(task.sleep, 10) end
    end, function(whose)
      told = whose
      error "ouch" -- costs nobody behind it anything
    end)
    push("b", 5)
    push "c"
    task.cancel(worker, "enough")
    assert.equal(owner, told)
    core:later(5)
    assert.same({ "begin b", "end b", "begin c", "end c" }, steps)
    assert.same({ waiting_bytes = 0 }, owner)
    assert.matches("^line: .*ouch", core.log[#core.log].text)
  end)

  it("goes on after a job that raises", function()
    push("a", 10)
    line.push(owner, 0, function() error "ouch" end)
    push "c"
    core:later(10)
    assert.same({ "begin a", "end a", "begin c", "end c" }, steps)
    assert.matches("^line: .*ouch", core.log[1].text)
  end)

  it("has no job pay for the one before, which was cancelled, or had a deadline", function()
    local first
    line.push(owner, 0, function()
      first = task.current "the first"
      task.deadline(first, 15)
      task.sleep(100)
    end)
    push("b", 10)
    task.cancel(first, "no time")
    core:later(50)
    assert.same({ "begin b", "end b" }, steps)
  end)

  it("knows which task is a job of whom", function()
    local found = {}
    line.push(owner, 0, function()
      found[1] = line.is_own(owner)
      found[2] = line.is_own {}
      task.run(function() found[3] = line.is_own(owner) end)
      task.sleep(10)
      found[4] = line.is_own(owner)
      gather { function() found[6] = line.is_own(owner) end } -- a part of it
    end)
    found[5] = line.is_own(owner)
    core:later(10)
    assert.same({ true, false, false, true, false, true }, found)
  end)

  it("is full after 256 jobs, or 256 KiB, of one owner", function()
    push("a", 10)
    for _ = 1, 255 do push "b" end
    assert.is_falsy(line.is_full(owner, 0))
    push "b"
    assert.is_true(line.is_full(owner, 0))
    assert.is_falsy(line.is_full({}, 0))
    core:later(10)
    push("a", 10)
    push("b", nil, 200 * 1024)
    assert.is_falsy(line.is_full(owner, 56 * 1024))
    assert.is_true(line.is_full(owner, 56 * 1024 + 1))
  end)
end)
