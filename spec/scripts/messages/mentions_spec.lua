local fake_gate = require "spec.support.fake_gate"
local messages = require "spec.support.messages"

local heard = messages.heard

describe("mentions", function()
  local gate, ann, bob, carl

  --- Ann and Bob are in the room, Carl is not.
  local function load(options)
    gate = fake_gate.load(messages.plugins(), { messages = options or {} })
    ann, bob, carl = gate:connect "ann", gate:connect "bob", gate:connect "carl"
    for _, conn in ipairs { ann, bob } do gate:deliver(conn, { type = "join", room = "tea" }) end
  end

  local function say(conn, data, more)
    return gate:deliver(conn, { type = "say", room = "tea", data = data,
      mentions = more.mentions })
  end

  local function now() return gate.core.now_ms end
  local function make(record) gate:deliver(ann, { type = "make", room = "tea", data = record }) end

  before_each(function() load() end)

  local function mentioned(id) -- what carl hears
    return { { type = "mentioned", room = "tea", id = id, from = "ann", at = now() } }
  end

  it("are told to who is not in the room, once", function()
    local second = gate:connect "carl"
    local names = { "carl", "bob", "nobody", "carl", "ann" }
    local id = say(ann, "you", { mentions = names }).id
    assert.same(mentioned(id), heard(carl))
    assert.same(mentioned(id), heard(second))
    local at_bob = heard(bob)
    assert.equal(1, #at_bob)
    assert.same(names, at_bob[1].mentions)
  end)

  it("are not told to who is in with another connection", function()
    gate:deliver(gate:connect "carl", { type = "join", room = "tea" })
    say(ann, "you", { mentions = { "carl" } })
    assert.same({}, heard(carl))
  end)

  it("are not told to connections that are about to end, or speak something else", function()
    local ended, appealing, game = carl, gate:connect "carl", gate:connect "carl"
    ended.state.ended, appealing.state.appeal, game.route = "logged_out", "open", "/game"
    say(ann, "you", { mentions = { "carl" } })
    local there = gate:connect "carl"
    local id = say(ann, "you", { mentions = { "carl" } }).id
    assert.same(mentioned(id), heard(there))
    for _, conn in ipairs { ended, appealing, game } do assert.same({}, heard(conn)) end
  end)

  it("are not told to who may not see the room", function()
    make { kind = "private", roles = { ann = "member" } }
    say(ann, "you", { mentions = { "carl" } })
    assert.same({}, heard(carl))
    make { roles = { ann = "member", carl = "member" } }
    local id = say(ann, "you", { mentions = { "carl" } }).id
    assert.same(mentioned(id), heard(carl))
  end)

  --- How many of so many Carl hears.
  local function told(count, who, name)
    for n = 1, count do say(who or ann, "you " .. n, { mentions = { name or "carl" } }) end
    return #heard(carl)
  end

  it("of one user by another are told a few times a minute, and the message is said", function()
    gate:later(60000 - now() % 60000)
    heard(bob)
    assert.equal(3, told(20))
    assert.equal(20, #heard(bob))
    assert.equal(3, told(5, bob)) -- each for himself
    local dora = gate:connect "dora"
    assert.equal(0, told(2, ann, "dora"))
    assert.equal(2, #dora.heard)
    assert.equal("19",
      gate.world.metric.text():match "plugin_messages_mentions_untold_total (%d+)")
    gate:later(59000)
    assert.equal(0, told(1))
    gate:later(1000)
    assert.equal(3, told(4))
    load { mentioned_per_minute = 1 }
    assert.equal(1, told(2))
    load { mentioned_per_minute = 0 }
    assert.equal(0, told(2))
  end)

  it("are told no more often for many names of one address", function()
    gate:later(60000 - now() % 60000)
    local function from(address)
      local count = 0
      for n = 1, 6 do
        local conn = gate:connect(("%s %d"):format(address, n), { address = address })
        gate:deliver(conn, { type = "join", room = "tea" })
        count = count + told(5, conn)
      end
      return count
    end
    assert.equal(6, from "10.0.0.7")
    assert.equal(6, from "2001:db8::1")
    assert.equal(0, from "2001:db8::2") -- of the same network
    gate:later(60000)
    assert.equal(6, from "10.0.0.7")
  end)

  it("are told to so many users in a minute", function()
    load { max_mentions = 200 }
    gate:later(60000 - now() % 60000)
    local names, conns = {}, {}
    for n = 1, 120 do
      names[n] = "user " .. n
      conns[n] = gate:connect(names[n])
    end
    say(ann, "you", { mentions = names })
    local count = 0
    for _, conn in ipairs(conns) do count = count + #conn.heard end
    assert.equal(100, count)
  end)
end)
