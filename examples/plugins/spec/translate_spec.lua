local test = require "moongate.test"

describe("translate", function()
  local URL = "http://translate.example/translate"
  local gate, ann

  before_each(function()
    gate = test.gate { { "translate", options = { url = URL }, capabilities = { "fetch" } } }
    ann = gate:connect { user = "ann" }
    ann:ask("join", { room = "tea" })
  end)

  it("asks the service", function()
    local fetch = gate:expect_fetch { method = "POST", url = URL,
      reply = { headers = { ["content-type"] = "application/json" },
        body = '{"translatedText":"good day"}' } }
    assert.same({ text = "good day" }, ann:say("tea", "/translate guten Tag"))
    assert.equal("application/json", fetch.request.headers["content-type"])
    assert.matches('"q":"guten Tag"', fetch.request.body)
  end)

  it("says when the service has no answer", function()
    gate:expect_fetch { url = URL, error = "protocol" }
    assert.same({ nil, "unavailable", "protocol" }, { ann:say("tea", "/translate x") })
    gate:expect_fetch { url = URL, reply = { body = "busy" } }
    assert.same({ nil, "unavailable", "no translation came" }, { ann:say("tea", "/translate x") })
  end)
end)
