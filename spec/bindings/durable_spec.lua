local fake_gate = require "spec.support.fake_gate"

describe("a durable room", function()
  local KEEPS = [[return function(gate)
    gate:room_kind("diary", {
      durable = true,
      opened = function(room) room.state.lines = {} end,
      said = function(room, _, line) table.insert(room.state.lines, line) end,
      left = function(_, _, reason) gate:info("left: %s", reason) end,
    })
    gate:on("open", function() return { gate:open_room("diary", "d1") ~= nil } end)
    gate:on("write", function(conn, message) return gate:room("d1"):say(conn, message.line) end)
    gate:on("close", function() gate:room("d1"):close "over" end)
    gate:on("enter", function(conn) gate:room("d1"):add(conn) end)
    gate:on("stored", function()
      local entry = gate.store:get "room:diary:d1"
      return entry and entry.state
    end)
    gate:on("scribble", function(_, message) gate:room("d1").state.margin = message.text end)
    gate:on("spoil", function() gate:room("d1").state.margin = print end)
    gate:on("forge", function()
      gate.store:put("room:diary:d1", { version = 0, state = { forged = true } })
    end)
  end]]

  local gate, ann

  before_each(function()
    gate = fake_gate.load { a = KEEPS }
    ann = gate:connect "ann"
    gate:deliver(ann, { type = "open" })
  end)

  local function stored() return (gate:deliver(ann, { type = "stored" })) end

  it("keeps its state in the store, a second after it has changed", function()
    gate:deliver(ann, { type = "write", line = "hello" })
    assert.same({}, stored())
    gate:later(1000)
    assert.same({ lines = { "hello" } }, stored())
  end)

  it("keeps also what is written outside of its hooks", function()
    gate:later(5000)
    gate:deliver(ann, { type = "scribble", text = "nota bene" })
    gate:later(1000)
    assert.equal("nota bene", stored().margin)
  end)

  it("is not saved again as long as it stays as it is", function()
    gate:later(1000)
    gate:deliver(ann, { type = "forge" })
    gate:later(10000)
    assert.same({ forged = true }, stored())
    gate:deliver(ann, { type = "scribble", text = "x" })
    gate:later(1000)
    assert.equal("x", stored().margin)
  end)

  it("is named when it cannot be saved, once, and saved when it can be again", function()
    gate:deliver(ann, { type = "spoil" })
    gate:later(10000)
    gate:deliver(ann, { type = "scribble", text = ("x"):rep(300000) })
    gate:later(10000)
    local lines = {}
    for _, line in ipairs(gate.log) do
      if line.level == "error" then lines[#lines + 1] = line.text end
    end
    assert.equal(2, #lines)
    assert.matches('^a#1: diary "d1": its state is not saved: room.state%["margin"%] is a function',
      lines[1])
    assert.equal('a#1: diary "d1": its state is not saved: too_big', lines[2])
    gate:deliver(ann, { type = "scribble", text = "short" })
    gate:later(1000)
    assert.equal("short", stored().margin)
  end)

  local OTHER = [[return function(gate)
    gate:on("look", function() return { state = gate:room("d1").state } end)
  end]]

  it("is there again when its kind is, as it was when that went", function()
    gate = fake_gate.load { a = KEEPS, b = OTHER }
    ann = gate:connect "ann"
    gate:deliver(ann, { type = "open" })
    gate:deliver(ann, { type = "write", line = "hello" })
    gate:deliver(ann, { type = "enter" })
    assert(gate:reload { a = false })
    assert.equal(0, gate.world.room.find("d1"):size())
    assert.same({ state = {} }, gate:deliver(ann, { type = "look" }))
    gate:later(60000)
    assert(gate:reload { a = KEEPS })
    assert.same({ lines = { "hello" } }, gate:deliver(ann, { type = "look" }).state)
    gate:deliver(ann, { type = "write", line = "again" })
    gate:later(1000)
    assert.same({ "hello", "again" }, stored().lines)
  end)

  it("goes into the store of the plugin that its kind moves to", function()
    local NONE = "return function() end"
    gate = fake_gate.load { a = KEEPS, b = NONE }
    ann = gate:connect "ann"
    gate:deliver(ann, { type = "open" })
    gate:later(1000)
    assert(gate:reload { a = NONE, b = KEEPS })
    gate:later(1000)
    assert.same({ lines = {} }, stored()) -- asks plugin b now
  end)

  it("is there again also after a rollback", function()
    gate = fake_gate.load { a = KEEPS, b = OTHER }
    ann = gate:connect "ann"
    gate:deliver(ann, { type = "open" })
    gate:deliver(ann, { type = "write", line = "hello" })
    assert(gate:reload { a = false })
    gate:later(10)
    assert.is_true(gate.world.plugin.rollback())
    gate:later(10)
    assert.same({ lines = { "hello" } }, gate:deliver(ann, { type = "look" }).state)
  end)

  it("is forgotten when it closes", function()
    gate:later(1000)
    gate:deliver(ann, { type = "close" })
    gate:later(2000)
    assert.same({}, stored())
  end)

  describe("when the server stops", function()
    local function stop()
      gate.core:finish()
      gate.core:settle()
    end

    it("is saved as the last who left has left it, and says why they leave", function()
      gate:deliver(ann, { type = "enter" })
      gate:deliver(ann, { type = "write", line = "last words" })
      gate:close(ann, "shutdown", 1001)
      stop()
      assert.is_truthy(gate:logged "left: shutdown")
      ann = gate:connect "ann"
      assert.same({ lines = { "last words" } }, stored())
    end)

    it("is saved also with what was written outside of its hooks, and with nobody in", function()
      gate:later(1000)
      gate:deliver(ann, { type = "scribble", text = "at last" })
      stop()
      assert.equal("at last", stored().margin)
    end)

    it("is saved with all others, some at a time", function()
      local most, under_way, memory, held = 0, 0, gate.world.store_memory, {}
      local ask, kind = memory.ask, gate.world.kind
      for n = 1, 200 do kind.open("diary", "room" .. n) end
      memory.ask = function(operation, asked, done)
        under_way = under_way + 1
        most = math.max(most, under_way)
        held[#held + 1] = function()
          under_way = under_way - 1
          ask(operation, asked, done)
        end
      end
      stop()
      local count = 0
      while held[1] do
        table.remove(held, 1)()
        count = count + 1
      end
      assert.equal(64, most)
      assert.equal(201, count)
    end)
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
