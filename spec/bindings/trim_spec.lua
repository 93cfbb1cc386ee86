local patterns = require "spec.support.patterns"
local trim = require "moongate.trim"

describe("trim", function()
  it("takes the blanks at both ends away, and none within", function()
    for text, trimmed in pairs {
      [""] = "", [" "] = "", ["\t \n"] = "", a = "a", [" a"] = "a", ["a\r\n"] = "a",
      ["  a  b "] = "a  b", ["\v\0 \f"] = "\0",
    } do
      assert.equal(trimmed, trim(text))
    end
  end)

  it("begins where it is told to", function()
    assert.equal("b", trim("a: b ", 3))
    assert.same({ "", "" }, { trim("a:", 3), trim("a: ", 3) })
  end)

  it("takes no time for blanks, wherever they are", function()
    local many = (" "):rep(100000)
    for _, text in ipairs { many, many .. "x", "x" .. many, "x" .. many .. "x" } do
      assert.same({}, (patterns.of(trim, text)))
      assert.equal(text:find "^x.*x$" and #text or text:find "x" and 1 or 0, #trim(text))
    end
  end)
end)
