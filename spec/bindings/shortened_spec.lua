package.path = "bindings/?.lua;" .. package.path
local shortened = require "moongate.shortened"

describe("a shortened text", function()
  it("is the text, if that is short", function()
    assert.equal("abc", shortened("abc", 3))
    assert.equal("", shortened("", 3))
  end)

  it("is its beginning, with the length of all", function()
    assert.equal("abc... (4 bytes)", shortened("abcd", 3))
  end)

  it("ends between characters", function()
    local text = ("\195\164"):rep(3)
    assert.equal("\195\164... (6 bytes)", shortened(text, 3))
    assert.equal("a... (5 bytes)", shortened("a\226\130\172b", 3))
  end)
end)
