local read_all = require "rooms.reading"

--- A gate whose store gives these pages, one after the other; a string is a failure.
local function gate_with(pages)
  local gate, asked = { slept_ms = 0 }, {}
  function gate:sleep(delay_ms) self.slept_ms = self.slept_ms + delay_ms end
  gate.store = {}
  function gate.store.scan(_, prefix, options)
    asked[#asked + 1] = { prefix, options.after }
    local page = table.remove(pages, 1)
    if type(page) == "string" then return nil, page end
    return page.entries, page.cursor
  end
  return gate, asked
end

local function read(pages)
  local gate, asked = gate_with(pages)
  local taken, failures = {}, {}
  read_all(gate, "room:", function(entry) taken[#taken + 1] = entry end,
    function(reason) failures[#failures + 1] = reason end)
  return { taken = taken, failures = failures, asked = asked, slept_ms = gate.slept_ms }
end

describe("reading all of a prefix", function()
  it("takes one page after the other", function()
    local found = read { { entries = { "a", "b" }, cursor = "b" }, { entries = { "c" } } }
    assert.same({ "a", "b", "c" }, found.taken)
    assert.same({ { "room:" }, { "room:", "b" } }, found.asked)
    assert.same({ {}, 0 }, { found.failures, found.slept_ms })
  end)

  it("asks for a page that has failed again, after a while, and takes nothing twice", function()
    local found = read { { entries = { "a" }, cursor = "a" }, "full", "closed",
      { entries = { "b" } } }
    assert.same({ "a", "b" }, found.taken)
    assert.same({ "full", "closed" }, found.failures)
    assert.same({ { "room:" }, { "room:", "a" }, { "room:", "a" }, { "room:", "a" } }, found.asked)
    assert.equal(2000, found.slept_ms)
  end)
end)
