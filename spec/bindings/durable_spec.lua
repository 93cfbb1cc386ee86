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
    gate:on("write", function(conn, message)
      gate:room("d1"):add(conn)
      return gate:room("d1"):say(conn, message.line)
    end)
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

  local NONE = "return function() end"

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

  it("is named when its state is no table", function()
    gate.world.room.find("d1").state = 5
    gate:later(1000)
    assert.is_truthy(gate:logged
      'a#1: diary "d1": its state is not saved: room.state is a number, no table')
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
    gate = fake_gate.load { a = KEEPS, b = NONE }
    ann = gate:connect "ann"
    gate:deliver(ann, { type = "open" })
    gate:later(1000)
    assert(gate:reload { a = NONE, b = KEEPS })
    gate:later(1000)
    assert.same({ lines = {} }, stored()) -- asks plugin b now
  end)

  --- What the store has of this plugin: key -> state.
  local function entries_of(plugin)
    local found = {}
    gate.world.task.run(function()
      for _, entry in ipairs(gate.world.store.new({ name = plugin, label = plugin }):scan "") do
        found[entry.key] = entry.value.state
      end
    end)
    return found
  end

  --- The process ends, and a new one has what the store had.
  local function restart(plugins)
    gate.core:finish()
    gate.core:settle()
    local saved = {}
    for _, plugin in ipairs { "a", "b" } do saved[plugin] = entries_of(plugin) end
    gate = fake_gate.load { a = NONE, b = NONE }
    gate.world.task.run(function()
      for plugin, entries in pairs(saved) do
        local into = gate.world.store.new { name = plugin, label = plugin }
        for key, state in pairs(entries) do into:put(key, { version = 0, state = state }) end
      end
    end)
    assert(gate:reload(plugins))
    ann = gate:connect "ann"
  end

  it("has one entry, where its kind is now", function()
    gate = fake_gate.load { a = KEEPS, b = NONE }
    ann = gate:connect "ann"
    gate:deliver(ann, { type = "open" })
    gate:later(1000)
    assert(gate:reload { a = NONE, b = KEEPS })
    gate:later(1000)
    assert.same({}, entries_of "a")
    assert.same({ ["room:diary:d1"] = { lines = {} } }, entries_of "b")
    gate:deliver(ann, { type = "close" })
    assert.same({}, entries_of "b")
  end)

  it("moves with its kind also when it has been read only now", function()
    restart { a = KEEPS, b = NONE }
    assert(gate:reload { a = NONE, b = KEEPS })
    gate:later(1000)
    assert.same({}, entries_of "a")
    restart { a = NONE, b = KEEPS }
    assert.equal("diary", gate.world.room.find("d1").kind)
  end)

  it("that closes while its kind is not durable does not come back", function()
    gate:later(1000)
    assert(gate:reload { a = (KEEPS:gsub("durable = true", "durable = false")) })
    assert.same({ ["room:diary:d1"] = { lines = {} } }, entries_of "a")
    gate:deliver(ann, { type = "close" })
    assert.same({}, entries_of "a")
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

  it("does not close for being empty when its members have gone with the server", function()
    gate:deliver(ann, { type = "enter" })
    gate:later(59000)
    gate:close(ann, "shutdown")
    gate:later(60000)
    assert.equal("diary", gate.world.room.find("d1").kind)
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

  describe("whose store has no room", function()
    local answer, ask, count

    --- It answers so, as long as that is wanted.
    local function fail()
      local memory = gate.world.store_memory
      ask, count = memory.ask, 0
      memory.ask = function(operation, asked, done)
        count = count + 1
        if answer == "full" then return done(nil, "full") end
        if answer == "failed" then return done(gate.core.C.MOON_STORE_FAILED) end
        ask(operation, asked, done)
      end
    end

    local function errors()
      local lines = {}
      for _, line in ipairs(gate.log) do
        if line.level == "error" then lines[#lines + 1] = line.text end
      end
      return lines
    end

    it("for now, is saved later, and a few at a time are tried", function()
      for n = 1, 200 do gate.world.kind.open("diary", "room" .. n) end
      answer = "full"
      fail()
      gate:later(1000)
      assert.equal(64, count)
      answer = nil
      gate:later(1000)
      assert.same({}, errors())
      local saved = entries_of "a"
      assert.same({ lines = {} }, saved["room:diary:d1"])
    end)

    it("when it stops, is saved all the same", function()
      answer = "full"
      fail()
      gate.core:finish()
      gate.core:settle()
      answer = nil
      gate:later(10)
      assert.same({ ["room:diary:d1"] = { lines = {} } }, entries_of "a")
    end)

    it("to delete it, is deleted later, and the log says so", function()
      gate:later(1000)
      answer = "failed"
      fail()
      gate:deliver(ann, { type = "close" })
      gate:later(3000)
      assert.same({ 'a#1: diary "d1": its state is not deleted, though it has closed: '
        .. "store_failed" }, errors())
      answer = nil
      gate:later(1000)
      assert.same({}, entries_of "a")
    end)

    it("to delete it, leaves alone the next one of its name", function()
      gate:later(1000)
      answer = "failed"
      fail()
      gate:deliver(ann, { type = "close" })
      answer = nil
      gate:deliver(ann, { type = "open" })
      gate:later(5000)
      assert.same({ ["room:diary:d1"] = { lines = {} } }, entries_of "a")
    end)
  end)
end)
