local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local markdown = require "spec.docs.markdown"
local testing = require "spec.support.testing"

describe("methods that are named in the documentation", function()
  local gate = fake_gate.load { a = "return function() end" }
  local tested = testing.gate { a = "return function() end" }

  -- what stands in front of a colon -> whose methods these are; gate is that of specs, too
  local objects = {
    gate = { gate.world.gate.new({ name = "a", entry = {} }, { gates = {} }), gate, tested },
    conn = { gate:connect "ann", require("moongate.test.conn").METHODS },
    room = { gate.world.room.find "tea" },
  }

  --- Those that are not there, and how many were looked at.
  local function unknown(text)
    local names, count = {}, 0
    for word, name in text:gmatch "%f[%w](%l+):([%l_]+)%f[^%w_]" do
      local is_known = not objects[word]
      if objects[word] then count = count + 1 end
      for _, object in ipairs(objects[word] or {}) do
        is_known = is_known or object[name] ~= nil
      end
      if not is_known then names[#names + 1] = word .. ":" .. name end
    end
    return names, count
  end

  for _, path in ipairs(markdown.documents()) do
    it("are there: " .. path, function()
      local text = file.read(path)
      -- what has gone is named there
      if path == "CHANGELOG.md" then text = text:gsub("`gate:later`", ""):gsub("`gate:set`", "") end
      assert.same({}, (unknown(text)))
    end)
  end

  it("would not get away with one that is not", function()
    assert.same({ { "gate:fly", "room:wait" }, 5 },
      { unknown "`gate:fly(1)`, gate:on, `room:wait`, conn:send, gate:deliver, pg:x" })
  end)
end)
