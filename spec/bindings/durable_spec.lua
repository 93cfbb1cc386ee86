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

  it("is forgotten when it closes", function()
    gate:later(1000)
    gate:deliver(ann, { type = "close" })
    gate:later(2000)
    assert.same({}, stored())
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
