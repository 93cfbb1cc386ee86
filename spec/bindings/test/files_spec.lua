require "spec.support.fake_core"
local files = require "moongate.test.files"

describe("files of moongate test", function()
  it("are read whole, if they are there", function()
    assert.matches("^%-%-%- What the modules", files.read "bindings/moongate/test/files.lua")
    assert.is_nil(files.read "no/such/file")
  end)

  it("have words for the shell, and values for Lua", function()
    assert.equal([['it'\''s']], files.quoted "it's")
    local value = { "a", b = { 1, true, 'x"\n' } }
    assert.same(value, loadstring("return " .. files.literal(value))())
  end)
end)
