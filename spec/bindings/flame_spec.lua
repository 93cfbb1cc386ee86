local flame = require "moongate.flame"
local file = require "spec.support.file"

local FOLDED = "rooms;moongate/loop.lua:drain:9;rooms.lua:say:4 60\nrooms;rooms.lua:join:9 30\n"
  .. "moongate;moongate:moon_send 10\n"

describe("flame", function()
  it("adds stacks up to a tree", function()
    local tree = flame.tree(FOLDED .. "no stack\n\n")
    assert.equal(100, tree.ticks)
    local rooms = tree.by_name.rooms
    assert.equal(90, rooms.ticks)
    assert.equal(60, rooms.by_name["moongate/loop.lua:drain:9"].by_name["rooms.lua:say:4"].ticks)
  end)

  --- What xmllint says.
  local function problem_of(svg)
    local path = file.free_path() .. ".svg"
    file.write(path, svg)
    local said = file.output("xmllint --noout " .. path .. " 2>&1; true")
    os.remove(path)
    return said
  end

  it("draws each frame as wide as its share, with a title", function()
    local svg = flame.svg(FOLDED, "a title")
    assert.matches("<title>rooms (90 samples, 90.00 %)</title>", svg, 1, true)
    assert.matches('say:4 %(60 samples, 60.00 %%%)</title><rect x="128.00" y="%d+" width="708.00"',
      svg)
    assert.matches(">a title</text>", svg, 1, true)
    assert.equal("", problem_of(svg))
  end)

  it("needs no other file", function()
    local svg = flame.svg(FOLDED, "t"):gsub('xmlns="[^"]*"', "")
    assert.is_nil(svg:find "https?:")
    assert.is_nil(svg:find "href")
    assert.is_nil(svg:find "@import")
  end)

  it("escapes names", function()
    local svg = flame.svg("<b>&\"x\1;]]> 1\n", "<t>")
    assert.equal("", problem_of(svg))
    assert.matches("<title>&lt;b&gt;&amp;&quot;x? (1 samples", svg, 1, true)
    assert.is_nil(svg:find("<b>", 1, true))
  end)

  it("leaves out what is too narrow to be seen", function()
    local svg = flame.svg("a 1000000\nb 1\n", "t")
    assert.matches("<title>a (", svg, 1, true)
    assert.is_nil(svg:find("<title>b (", 1, true))
  end)

  it("says that nothing was running", function()
    local svg = flame.svg("", "t")
    assert.equal("", problem_of(svg))
    assert.matches("nothing was running", svg, 1, true)
  end)
end)
