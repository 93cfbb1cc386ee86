local fake_gate = require "spec.support.fake_gate"

local OPS = [[return function(gate)
  local auth = gate:use("auth", "1.0")
  local presence = gate:use("presence", "1.1")
  gate:tells "banned_everywhere"
  gate.state.heard = {}
  for _, event in ipairs { "online", "away", "offline" } do
    gate:after(event, function(user, was)
      table.insert(gate.state.heard, table.concat({ event, user, was }, " "))
    end)
  end
  gate:on("out", function(_, message) return { count = auth.logout(message.user) } end)
  gate:on("ban", function(_, message)
    gate:tell("banned_everywhere", message.user)
    return {}
  end)
  gate:on("look", function(_, message) return { state = presence.state_of(message.user) } end)
  gate:on("is_final", function(conn, message)
    return { is = presence.is_final(message.code, conn) }
  end)
end]]

describe("presence of one whose end is meant", function()
  local gate, ann

  --- What other plugins were told since the last call.
  local function told()
    local state = gate.world.state.of "ops"
    local heard = state.heard
    state.heard = {}
    return heard
  end

  local function ask(conn, message) return gate:deliver(conn, message) end
  local function drop(conn) gate:close(conn, "lost", 1006) end

  before_each(function()
    gate = fake_gate.load "scripts/presence.lua"
    assert(gate:reload { ops = OPS })
    ann = gate:connect "ann"
    told()
  end)

  describe("ends the grace", function()
    for _, verb in ipairs { "out", "ban" } do
      it("of one who is away, on " .. verb, function()
        drop(gate:connect "bob")
        drop(gate:connect "carl")
        ask(ann, { type = "watch", users = { "bob" } })
        told()
        ask(ann, { type = verb, user = "bob" })
        assert.same({ "offline bob away" }, told())
        gate:later(100)
        assert.equal("offline", ann.heard[1].changes[1].state)
        assert.equal("away", ask(ann, { type = "look", user = "carl" }).state)
        gate:later(30000)
        assert.same({ "offline carl away" }, told()) -- and Bob is not told of twice
      end)

      it("of nobody else, on " .. verb, function()
        for _, user in ipairs { "ann", "nobody" } do
          ask(gate:connect "dora", { type = verb, user = user })
        end
        assert.equal("online", ask(gate:connect "dora", { type = "look", user = "dora" }).state)
        told()
        drop(gate:connect "bob")
        ask(gate:connect "dora", { type = verb, user = "bob" })
        gate:connect "bob"
        told()
        gate:later(40000)
        assert.same({}, told())
      end)
    end
  end)

  describe("waits for nobody, whatever close crosses it", function()
    local bob

    before_each(function()
      bob = gate:connect "bob"
      gate.core.answers.moon_close = gate.core.C.MOON_EFULL -- it takes its time
      told()
    end)

    for _, verb in ipairs { "out", "ban" } do
      it("on " .. verb, function()
        ask(ann, { type = verb, user = "bob" })
        gate:close(bob, "client", 1001)
        assert.same({ "offline bob online" }, told())
      end)

      it("with two connections, on " .. verb, function()
        local phone = gate:connect "bob"
        ask(ann, { type = verb, user = "bob" })
        drop(phone)
        drop(bob)
        assert.same({ "offline bob online" }, told())
      end)

      it("but for one who has come back meanwhile, on " .. verb, function()
        ask(ann, { type = verb, user = "bob" })
        local new = gate:connect "bob"
        drop(bob)
        assert.same({}, told())
        drop(new)
        assert.same({ "away bob" }, told())
      end)
    end

    it("on one's own logout", function()
      ask(bob, { type = "logout" })
      gate:later(0)
      drop(bob)
      assert.same({ "offline bob online" }, told())
    end)

    it("on a kick, but on nothing that one comes back from", function()
      bob.state.ended = "kicked"
      drop(bob)
      assert.same({ "offline bob online" }, told())
      bob = gate:connect "bob"
      bob.state.ended = "token_expired"
      drop(bob)
      assert.same({ "online bob offline", "away bob" }, told())
    end)

    it("as other plugins are told of a connection", function()
      local function is_final(code) return ask(bob, { type = "is_final", code = code }).is end
      assert.same({ false, true }, { is_final(1006), is_final(1000) })
      ask(ann, { type = "ban", user = "bob" })
      assert.is_true(is_final(1006))
    end)
  end)
end)
