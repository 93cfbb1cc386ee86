local fake_gate = require "spec.support.fake_gate"

describe("a saved room", function()
  local KEEPS = [[return function(gate)
    gate:room_kind("diary", {
      durable = true,
      opened = function(room) room.state.lines = {} end,
      said = function(room, _, line) table.insert(room.state.lines, line) end,
    })
    gate:on("open", function() return { gate:open_room("diary", "d1") ~= nil } end)
    gate:on("write", function(conn, message)
      gate:room("d1"):add(conn)
      return gate:room("d1"):say(conn, message.line)
    end)
  end]]

  local NONE = "return function() end"

  local gate, ann

  before_each(function()
    gate = fake_gate.load { a = KEEPS }
    ann = gate:connect "ann"
    gate:deliver(ann, { type = "open" })
  end)

  it("is not taken for one of a kind whose name begins in the same way", function()
    gate = fake_gate.load { a = [[return function(gate)
      gate:room_kind("k", { durable = true })
      gate:room_kind("k:l", { durable = true })
      gate:on("open", function()
        gate:open_room("k", "l:m").state.of = "k"
        gate:open_room("k:l", "m").state.of = "k:l"
      end)
    end]] }
    gate:deliver(gate:connect "ann", { type = "open" })
    gate:later(1000)
    local found = {}
    gate.world.task.run(function()
      for _, entry in ipairs(gate.world.store.new({ name = "a", label = "a" }):scan "") do
        found[entry.key] = entry.value.state
      end
    end)
    assert.same({ ["room:k:l:m"] = { of = "k" }, ["rooms:3:k:l:m"] = { of = "k:l" } }, found)
  end)

  describe("whose store", function()
    local asked, ask

    --- From now on the store answers when it is told to.
    local function hold()
      local memory = gate.world.store_memory
      asked, ask = {}, memory.ask
      memory.ask = function(...) asked[#asked + 1] = { ... } end
    end

    local function let_go(outcome)
      gate.world.store_memory.ask = ask
      for _, call in ipairs(asked) do
        if outcome then call[3](outcome) else ask(unpack(call)) end
      end
      gate.core:settle()
    end

    local function come_back()
      gate:later(1000)
      assert(gate:reload { a = "return function() end" })
      hold()
      assert(gate:reload { a = KEEPS })
    end

    it("has not answered yet, is not opened anew before it has", function()
      gate:deliver(ann, { type = "write", line = "hello" })
      come_back()
      local answer = gate:ask(ann, { type = "open" })
      assert.is_false(answer.is_given)
      let_go()
      assert.same({ false }, answer.data)
      assert.same({ lines = { "hello" } }, gate.world.room.find("d1").state)
    end)

    it("has not answered yet, is not opened where nothing can wait", function()
      come_back()
      assert.same({ nil, "not_restored" }, { gate.world.kind.open("diary", "d2") })
      let_go()
      assert.is_truthy(gate.world.kind.open("diary", "d2"))
    end)

    it("has not answered yet, does not come back when it closes meanwhile", function()
      gate:later(1000)
      assert(gate:reload { a = NONE })
      gate.world.task.run(function()
        gate.world.store.new({ name = "a", label = "a" }):put("room:diary:bad", { "scribble" })
      end)
      assert(gate:reload { a = KEEPS })
      hold()
      assert(gate:reload { a = KEEPS .. "\n" }) -- looks for the bad one again
      gate.world.room.find("d1"):close "over"
      let_go()
      assert.is_nil(gate.world.room.find("d1").kind)
    end)

    it("has failed, is not opened anew, and read again ten seconds later", function()
      come_back()
      let_go(gate.core.C.MOON_STORE_FAILED)
      assert.is_truthy(gate:logged
        "rooms of kind diary are not opened: store_failed; next try in 10 s")
      assert.same({ false }, gate:deliver(ann, { type = "open" }))
      gate:later(10000)
      assert.same({ lines = {} }, gate.world.room.find("d1").state)
    end)

    it("is being read when the code is replaced, is read for the new code", function()
      come_back()
      local first = asked
      assert(gate:reload { a = KEEPS .. "\n" })
      let_go()
      assert.equal(2, #first)
      assert.same({ lines = {} }, gate.world.room.find("d1").state)
    end)

    it("is being read when the kind goes, is left alone", function()
      come_back()
      local answer = gate:ask(ann, { type = "open" })
      assert(gate:reload { a = "return function() end" })
      assert.same({ false }, answer.data)
      let_go()
      assert.is_nil(gate.world.room.find("d1").kind)
    end)
  end)
end)
