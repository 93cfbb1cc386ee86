local test = require "moongate.test"

describe("webhook_out", function()
  local URL = "http://hooks.example/chat"
  local gate, ann

  before_each(function()
    gate = test.gate { { "webhook_out", options = { url = URL, rooms = { "tea" } },
      capabilities = { "fetch" } } }
    ann = gate:connect { user = "ann" }
    for _, room in ipairs { "tea", "milk" } do ann:ask("join", { room = room }) end
  end)

  it("tells the service what is said in its rooms, and nothing else", function()
    local fetch = gate:expect_fetch { method = "POST", url = URL, reply = { status = 204 } }
    ann:say("milk", "private")
    ann:say("tea", { text = "hello" })
    gate:later(50)
    assert.matches('"from":"ann"', fetch.request.body)
    assert.matches('"text":"hello"', fetch.request.body)
  end)

  it("does not tell it what only the sender hears", function()
    gate:save("shadow", [[return function(gate)
      gate:before("say", function(conn, message)
        message.only_sender = conn.user == "eve"
        return true
      end)
    end]])
    gate:reload()
    local fetch = gate:expect_fetch { method = "POST", url = URL, reply = { status = 204 } }
    local eve = gate:connect { user = "eve" }
    eve:ask("join", { room = "tea" })
    assert.is_truthy(eve:say("tea", "spam"))
    ann:say("tea", "hello")
    gate:later(50)
    assert.matches('"data":"hello"', fetch.request.body)
  end)

  it("says in the log what the service has not taken", function()
    gate:expect_fetch { url = URL, reply = { status = 503 } }
    ann:say("tea", "hello")
    gate:later(50)
    assert.matches("warn webhook_out#1: not taken: HTTP 503", table.concat(gate:log(), "\n"))
  end)
end)
