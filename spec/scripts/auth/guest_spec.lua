local auth = require "spec.support.auth"

-- Guests alone: spec/scripts/auth_spec.lua
describe("auth guests beside others", function()
  local gate

  before_each(function()
    gate = auth.load { methods = { "guest", "static" }, guest_prefix = "~",
      tokens = { { token = "ann's long token", user = "ann" },
        { token = "somebody's token", user = "~ann" } } }
  end)

  --- The code that somebody new gets.
  local function refused(data)
    local reply, code = auth.ask(gate, gate:connect(), data)
    assert.is_nil(reply)
    return code
  end

  it("have names with a prefix, which are nobody else's", function()
    auth.enter(gate, "ann's long token")
    local guest = gate:connect()
    assert.same({ user = "~ann" }, auth.ask(gate, guest, { name = "ann" }))
    assert.equal("~ann", guest.user)
    assert.is_true(guest.state.auth.guest)
    assert.equal("name_taken", refused { name = "ann" })
  end)

  it("cannot be imitated by a token", function()
    assert.equal("bad_token", refused { token = "somebody's token" })
  end)

  it("are free when they are logged out, also by who is no longer connected", function()
    local guest = gate:connect()
    auth.ask(gate, guest, { name = "bob", key = "one" })
    gate:close(guest, "lost", 1006)
    assert.equal("name_taken", refused { name = "bob", key = "two" })
    gate:reload { ops = [[return function(gate)
      local auth = gate:use("auth", "1.0")
      gate:on("out", function(_, message) return { count = auth.logout(message.user) } end)
    end]] }
    gate:deliver(auth.enter(gate, "ann's long token"), { type = "out", user = "~bob" })
    guest = gate:connect()
    assert.is_truthy(auth.ask(gate, guest, { name = "bob", key = "two" }))
    gate:deliver(guest, { type = "logout" })
    gate:later(0)
    assert.is_truthy(auth.ask(gate, gate:connect(), { name = "bob", key = "three" }))
  end)

  it("are free for others as soon as they are logged out", function()
    local guest = gate:connect()
    auth.ask(gate, guest, { name = "bob", key = "one" })
    gate:reload { ops = [[return function(gate)
      local auth = gate:use("auth", "1.0")
      gate:on("out", function(_, message) return { count = auth.logout(message.user) } end)
    end]] }
    local admin = auth.enter(gate, "ann's long token")
    assert.same({ count = 1 }, gate:deliver(admin, { type = "out", user = "~bob" }))
    local other = gate:connect()
    assert.is_truthy(auth.ask(gate, other, { name = "bob", key = "two" }))
    gate:later(10)
    assert.equal("name_taken", refused { name = "bob", key = "one" })
  end)
end)
