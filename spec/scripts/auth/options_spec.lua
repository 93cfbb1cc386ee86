local auth = require "spec.support.auth"

describe("auth options", function()
  local function refused(options, text)
    local ok, problem = pcall(auth.load, options)
    assert.is_false(ok)
    assert.matches(text, problem, 1, true)
  end

  it("refuse methods that there are not, and those that are there twice", function()
    refused({ methods = { "gest" } },
      'option "methods": entry 1: expected guest, static, jwt, backend or password, each once, '
      .. "got gest")
    refused({ methods = { "static", "static" } }, 'option "methods": entry 2:')
    refused({ methods = {} }, 'option "methods": expected a table of a length')
  end)

  it("want a prefix for guests where there are others, too", function()
    refused({ methods = { "guest", "static" } }, 'option "guest_prefix": expected a text as "~"')
    assert.is_truthy(auth.load { methods = { "guest", "static" }, guest_prefix = "~" })
  end)

  it("let nobody register where others have tokens", function()
    refused({ methods = { "jwt", "password" } }, 'option "register": expected false beside')
  end)

  it("refuse what a method cannot do without", function()
    refused({ methods = { "backend" } }, 'option "backend_url": expected a URL')
    refused({ methods = { "jwt" } }, 'option "keys": expected at least one key, or a jwks_url')
    refused({ methods = { "jwt" }, jwks_url = "ftp://x" }, 'option "jwks_url": expected a URL')
  end)
end)
