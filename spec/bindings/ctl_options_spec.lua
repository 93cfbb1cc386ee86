local options = require "moongate.ctl_options"

local KNOWN = { plugin = "value", write = "flag" }

describe("ctl_options", function()
  it("reads values and flags", function()
    assert.same({ plugin = "a", write = true },
      options.read({ "--write", "--plugin", "a" }, KNOWN))
    assert.same({ plugin = "--write" }, options.read({ "--plugin", "--write" }, KNOWN))
    assert.same({ help = true }, options.read({ "--help" }, KNOWN))
  end)

  it("says what is wrong", function()
    assert.is_nil((options.read({ "--fly" }, KNOWN)))
    assert.equal("--fly: unknown; see --help", select(2, options.read({ "--fly" }, KNOWN)))
    assert.equal("plugin=a: unknown; see --help", select(2, options.read({ "plugin=a" }, KNOWN)))
    assert.equal("--plugin: a value is missing", select(2, options.read({ "--plugin" }, KNOWN)))
  end)

  it("lets nothing in a text move the cursor", function()
    assert.equal("a?[2J?x?\n\tb", options.plain "a\27[2J\194\155x\r\n\tb")
  end)
end)
