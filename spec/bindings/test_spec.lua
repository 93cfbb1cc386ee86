require "spec.support.testing"
local test = require "moongate.test"

local A = { a = [[return function(gate)
  gate:on("fail", function() error("on purpose", 0) end)
end]] }

describe("moongate.test", function()
  after_each(function() test.forget() end)

  it("ends all gates of a test, and raises why it fails", function()
    local one, other = test.gate(A), test.gate(A)
    one:connect():ask "fail"
    other:expect_error "never"
    local ok, problem = pcall(test.finish)
    assert.is_false(ok)
    assert.matches("logged, and not expected: a#1: on fail: on purpose", problem)
    assert.matches("expected, and never logged: an error like never", problem)
    assert.has_error(function() one:later(1) end)
    test.finish()
  end)

  it("raises where it is called when there can be no gate", function()
    assert.has_error(function() test.gate "a" end,
      'test.gate: expected a table as { "shout" }, got a string')
    assert.matches("test.gate: .*nobody.lua", select(2, pcall(test.gate, { "nobody" })))
  end)

  it("starts gates as the runner says", function()
    test.use("folder", function() return nil, "no server" end)
    assert.is_true(test.is_live)
    assert.matches("test.gate: no server", select(2, pcall(test.gate, A)))
    test.use(".")
    assert.is_false(test.is_live)
  end)
end)
