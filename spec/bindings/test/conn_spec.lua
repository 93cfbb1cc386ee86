local testing = require "spec.support.testing"

local TALK = [[return function(gate)
  gate:on("who", function(conn) return { user = conn.user, codec = conn.codec.name } end)
  gate:on("later", function() gate:sleep(5000) return { done = true } end)
  gate:on("never", function() while true do gate:sleep(1000) end end)
  gate:on("refuse", function() return nil, "no", "not today" end)
  gate:on("tell", function(_, message)
    for _, other in pairs(gate:user(message.to).conns) do other:send(message.what) end
    return {}
  end)
  gate:on("kick", function(_, message)
    gate:user(message.who):close(4001, "out")
    return {}
  end)
  gate:after("closed", function(conn, reason, code)
    gate:info("%s: %s %d", conn.user, reason, code)
  end)
  gate:raw("/raw", { received = function(conn, bytes, binary)
    conn:send(bytes:upper() .. tostring(binary))
  end })
  gate:raw("/secret", { token = true, opened = function(conn) conn:send(conn.token) end })
end]]

describe("conn of a test", function()
  local gate, ann, bob

  before_each(function()
    gate = testing.gate { talk = TALK }
    ann, bob = gate:connect { user = "ann" }, gate:connect { user = "bob", codec = "msgpack" }
  end)

  local function tell(what) ann:ask("tell", { to = "bob", what = what }) end

  it("has the name and the codec that it was given", function()
    assert.same({ user = "ann", codec = "json" }, ann:ask "who")
    assert.same({ user = "bob", codec = "msgpack" }, bob:ask "who")
    local odd = gate:connect { user = "M\195\188ller & 100%", path = "/ws?x=1" }
    assert.equal("M\195\188ller & 100%", odd:ask "who".user)
    assert.is_nil(gate:connect():ask "who".user)
    assert.equal("moongate.v1", ann.hello.protocol)
  end)

  it("gets the reply, or why there is none", function()
    assert.same({ done = true }, ann:ask "later")
    assert.same({ nil, "no", "not today" }, { ann:ask "refuse" })
    assert.equal("timeout", select(2, ann:ask "never"))
    assert.equal("unknown_type", select(2, ann:ask "fly"))
  end)

  it("does not wait for the reply of what it sends", function()
    ann:send("tell", { to = "bob", what = { n = 1 } })
    assert.same({ { n = 1 } }, bob:heard())
    assert.same({}, ann:heard())
  end)

  it("hears each push once, objects decoded", function()
    tell { n = 1 }
    tell "text"
    assert.same({ { n = 1 }, "text" }, bob:heard())
    assert.same({}, bob:heard())
  end)

  it("knows how the connection has ended", function()
    assert.is_nil(bob.closed)
    ann:ask("kick", { who = "bob" })
    assert.equal(4001, bob.closed)
    assert.has_error(function() bob:ask "who" end, "ask: the connection has ended with 4001")
    bob:reconnect()
    assert.is_nil(bob.closed)
    assert.equal("bob", bob:ask "who".user)
  end)

  it("breaks, or says goodbye", function()
    ann:drop()
    bob:close()
    assert.same({ 1006, 1000 }, { ann.closed, bob.closed })
    assert.same({ "info talk#1: ann: lost 1006", "info talk#1: bob: client 1000" },
      { unpack(gate:log(), 2) })
  end)

  it("hears nothing while it does not read, and is not told that it was closed", function()
    bob:pause()
    tell { n = 1 }
    assert.same({}, bob:heard())
    assert.has_error(function() bob:ask "who" end,
      "ask: the client does not read; conn:resume first")
    bob:resume()
    assert.same({ { n = 1 } }, bob:heard())
    bob:pause()
    for _ = 1, 2000 do tell "x" end
    assert.is_nil(bob.closed)
    bob:resume()
    assert.equal(4008, bob.closed)
  end)

  it("is bytes where the path speaks no moongate.v1", function()
    local raw = gate:connect { path = "/raw" }
    raw:send_bytes "a"
    raw:send_bytes("b", true)
    assert.same({ "Afalse", "Btrue" }, raw:heard())
    assert.has_error(function() raw:ask "who" end,
      '"/raw" does not speak moongate.v1; conn:send_bytes')
    assert.has_error(function() gate:connect { path = "/nowhere" } end,
      'connect: no plugin serves "/nowhere"')
    assert.has_error(function() gate:connect { path = "/secret" } end,
      'connect: "/secret" wants a token')
    assert.same({ "t" }, gate:connect { path = "/secret", token = "t" }:heard())
  end)
end)
