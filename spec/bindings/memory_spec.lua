local fake_gate = require "spec.support.fake_gate"

describe("memory", function()
  local MB = 1048576
  local gate, memory, heap

  before_each(function()
    gate = fake_gate.load { a = "return function() end" }
    memory, heap = gate.world.memory, gate.core.heap
  end)

  local function in_use(mb) heap.bytes = mb * MB end
  local function limit() return heap.limit / MB end
  local function turns() for _ = 1, 1000 do gate:later(0) end end

  it("has an eighth more when there is room to be made, until it is not needed", function()
    in_use(1000)
    memory.make_room()
    assert.equal(1128, limit())
    in_use(900)
    gate:later(999)
    assert.equal(1128, limit())
    gate:later(1)
    assert.equal(1028, limit())
    local calls = 0
    memory.on_calm = function() calls = calls + 1 end
    in_use(500)
    gate:later(1000)
    assert.equal(1024, limit())
    gate:later(5000)
    assert.equal(1, calls)
  end)

  it("has an eighth of what is in use, when that is more than there was to be", function()
    in_use(1600)
    memory.make_room()
    assert.equal(1800, limit())
  end)

  it("grows by nothing that is asked for again", function()
    in_use(1000)
    for _ = 1, 10 do memory.make_room() end
    assert.equal(1128, limit())
  end)

  it("is lent to the runtime: twice the heap and 32 MB", function()
    local seen
    assert.same({ true, "done" }, { memory.lend(function()
      seen = limit()
      in_use(seen)
      memory.check()
      in_use(100)
      return "done"
    end) })
    assert.equal(2080, seen)
    assert.equal(1024, limit())
  end)

  it("is lent no more than that", function()
    assert.same({ false, "not enough memory" }, { memory.lend(function()
      in_use(2081)
      memory.check()
    end) })
  end)

  it("is bounded only where it is lent", function()
    in_use(5000)
    memory.check()
  end)

  describe("collect", function()
    it("tells in some turn that all of it is collected", function()
      local dead, is_done = setmetatable({ {} }, { __mode = "v" }), false
      memory.collect(function() is_done = true end, 2)
      assert.is_false(is_done)
      assert.equal(1, heap.is_collecting)
      turns()
      assert.is_true(is_done)
      assert.is_nil(dead[1])
      assert.equal(0, heap.is_collecting)
    end)

    it("frees what only compiled code still holds", function()
      local held = setmetatable({}, { __mode = "v" })
      local function calls(fn) for _ = 1, 1000 do fn() end end
      local function run()
        local kept = {}
        held[1] = kept
        calls(function() kept[1] = 1 end)
      end
      run()
      collectgarbage()
      assert.is_not_nil(held[1])
      memory.collect(function() end, 1)
      turns()
      assert.is_nil(held[1])
    end)

    it("is finished at once when there is no time, and tells all who have asked", function()
      local words = {}
      assert.is_false(memory.finish())
      memory.collect(function() words[1] = "one" end, 1)
      memory.collect(function() words[2] = "two" end, 2)
      assert.is_true(memory.finish())
      assert.same({ "one", "two" }, words)
      turns()
      assert.is_false(memory.finish())
    end)

    it("is what settles a large piece of work, if it is not enough that is left", function()
      local is_short = false
      local function told() is_short = true end
      memory.settle(told)
      assert.is_false(memory.finish())
      in_use(1000)
      memory.settle(told)
      assert.equal(1128, limit())
      in_use(500)
      turns()
      assert.is_false(is_short)
      assert.equal(1024, limit())
      in_use(1000)
      memory.settle(told)
      turns()
      assert.is_true(is_short)
      assert.equal(1128, limit())
    end)
  end)
end)
