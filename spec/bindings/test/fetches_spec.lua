local lists = require "moongate.test.fetches"

describe("fetches of a test", function()
  local fetches

  before_each(function() fetches = lists.new() end)

  local function asked(method, url)
    return { method = method, url = url, body = "b", headers = {} }
  end

  it("are taken once each, the first that fits", function()
    local any = fetches:expect { url = "http://a/", reply = { body = "1" } }
    local post = fetches:expect { method = "POST", url = "http://a/", reply = { body = "2" } }
    assert.equal(any, fetches:take(asked("GET", "http://a/")))
    assert.equal(post, fetches:take(asked("POST", "http://a/")))
    assert.same({ method = "POST", url = "http://a/", body = "b", headers = {} }, post.request)
    assert.same({}, fetches:missing())
    assert.is_nil(fetches:take(asked("POST", "http://a/")))
    assert.same({ "an unexpected fetch: POST http://a/" }, fetches:take_unexpected())
    assert.same({}, fetches:take_unexpected())
  end)

  it("do not fit another method or URL", function()
    fetches:expect { method = "POST", url = "http://a/", error = "dns" }
    assert.is_nil(fetches:take(asked("GET", "http://a/")))
    assert.is_nil(fetches:take(asked("POST", "http://a/b")))
    assert.equal(2, #fetches:take_unexpected())
    assert.same({ "expected, and never fetched: POST http://a/" }, fetches:missing())
  end)

  it("refuse what cannot be meant", function()
    assert.has_error(function() fetches:expect { url = "http://a/" } end)
    assert.has_error(function() fetches:expect { reply = {}, error = "dns" } end)
    assert.has_error(function() fetches:expect { error = "tired" } end)
    assert.has_error(function() fetches:expect { reply = { status = 302 } } end)
    fetches:expect { reply = { status = 304 } }
  end)
end)
