local fake_core = require "spec.support.fake_core"

describe("the text of metrics", function()
  local text
  before_each(function() text = fake_core.world().metric_text end)

  it("escapes what labels and texts cannot hold", function()
    assert.equal([[a\\b\"c\nd]], text.escaped 'a\\b"c\nd')
    assert.equal([[a\\b"c\nd]], text.escaped_help 'a\\b"c\nd')
  end)

  it("has U+FFFD for what is no UTF-8, and an end", function()
    assert.equal("a\239\191\189b\239\191\189", text.clean("a\0b\255", 128))
    assert.equal("caf", text.clean("caf\195\169", 4))
    assert.equal("caf\195\169", text.clean("caf\195\169", 5))
  end)

  it("has numbers that read as what they are", function()
    for _, value in ipairs { 0, -1, 0.1, 1 / 3, 2 ^ 53, 1e300 } do
      assert.equal(value, tonumber(text.number(value)))
    end
    assert.equal("0.1", text.number(0.1))
  end)

  it("asks all who collect, each time", function()
    local calls = 0
    text.collect(function(head, print)
      calls = calls + 1
      head("calls_total", "counter", "Calls")
      print("calls_total", calls)
      print("calls_total", 0.5, "plugin", 'a"b', "le", 0.1)
    end)
    local mine = "# HELP moongate_calls_total Calls\n# TYPE moongate_calls_total counter\n"
      .. 'moongate_calls_total %d\nmoongate_calls_total{plugin="a\\"b",le="0.1"} 0.5\n'
    assert.truthy(text.collected():find(mine:format(1), 1, true))
    assert.truthy(text.collected():find(mine:format(2), 1, true))
  end)
end)
