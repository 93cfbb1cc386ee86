local test = require "moongate.test"

describe("NAME", function()
  it("keeps what is noted, and shows it to others", function()
    local gate = test.gate { "NAME" }
    local ann, bob = gate:connect { user = "ann" }, gate:connect { user = "bob" }
    assert.equal(1, ann:ask("NAME.add", { text = "buy tea" }).count)
    local list = bob:ask("NAME.list", {})
    assert.equal(1, list.count)
    assert.same({ { user = "ann", text = "buy tea" } }, list.notes)
  end)

  it("refuses what is no note", function()
    local ann = test.gate({ "NAME" }):connect { user = "ann" }
    local reply, code, message = ann:ask("NAME.add", {})
    assert.is_nil(reply)
    assert.equal("bad_request", code)
    assert.equal("text: expected a string that is not empty", message)
    assert.equal("too_long", select(2, ann:ask("NAME.add", { text = ("x"):rep(201) })))
  end)

  it("lets the oldest go", function()
    local gate = test.gate { { "NAME", options = { max_notes = 1 } } }
    local ann = gate:connect { user = "ann" }
    ann:ask("NAME.add", { text = "one" })
    ann:ask("NAME.add", { text = "two" })
    assert.equal("two", ann:ask("NAME.list", {}).notes[1].text)
  end)
end)
