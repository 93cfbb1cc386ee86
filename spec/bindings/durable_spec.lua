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
    gate:on("stored", function() return gate.store:get "room:diary:d1" end)
    gate:on("scribble", function(_, message) gate:room("d1").state.margin = message.text end)
    gate:on("spoil", function() gate:room("d1").state.margin = print end)
    gate:on("forge", function() gate.store:put("room:diary:d1", { forged = true }) end)
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
    assert.matches('^a#1: diary "d1": its state is not saved: value%["margin"%] is a function',
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

  it("is looked at once for all who leave it when the server stops", function()
    local members, storable, looks = {}, gate.world.storable, 0
    for n = 1, 50 do
      members[n] = gate:connect("guest" .. n)
      gate:deliver(members[n], { type = "enter" })
    end
    gate:later(1000)
    local encode = storable.encode
    storable.encode = function(...)
      looks = looks + 1
      return encode(...)
    end
    for _, member in ipairs(members) do gate:close(member, "shutdown", 1001) end
    gate:later(0)
    assert.is_true(looks <= 3, looks .. " looks")
  end)

  it("is saved at once when the server stops, and says why members leave", function()
    gate:deliver(ann, { type = "enter" })
    gate:deliver(ann, { type = "write", line = "last words" })
    local bob = gate:connect "bob"
    gate:close(ann, "shutdown", 1001)
    assert.is_truthy(gate:logged "left: shutdown")
    assert.same({ lines = { "last words" } }, (gate:deliver(bob, { type = "stored" })))
  end)
end)
