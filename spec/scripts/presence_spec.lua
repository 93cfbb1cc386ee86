local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"

local LISTENER = [[return function(gate)
  gate:needs "presence"
  gate.state.heard = gate.state.heard or {}
  for _, event in ipairs { "online", "away", "offline" } do
    gate:after(event, function(user, was)
      table.insert(gate.state.heard, table.concat({ event, user, was }, " "))
      if gate.state.is_slow then gate:sleep(1000) end
    end)
  end
  local presence = gate:use("presence", "1.0")
  gate:on("look", function(_, message)
    return { state = presence.state_of(message.user), view = presence.view(message.user) }
  end)
end]]

describe("presence", function()
  local gate, ann

  local function load(options)
    gate = fake_gate.load("scripts/presence.lua", options)
    assert(gate:reload({ listener = LISTENER }, { presence = options or {} }))
    ann = gate:connect "ann"
  end

  before_each(function() load() end)

  --- What other plugins were told since the last call.
  local function told()
    local state = gate.world.state.of "listener"
    local heard = state.heard
    state.heard = {}
    return heard
  end

  local function ask(conn, message) return gate:deliver(conn, message) end
  local function watch(conn, ...) return ask(conn, { type = "watch", users = { ... } }) end
  local function status(conn, data) return ask(conn, { type = "status", data = data }) end

  --- What a connection heard since the last call, after a tick.
  local function heard(conn)
    gate:later(100)
    local messages = conn.heard
    conn.heard = {}
    return messages
  end

  --- Of one message with one change: the state.
  local function change(conn, user)
    local messages = heard(conn)
    assert.equal(1, #messages)
    assert.same({ "presence", 1, user },
      { messages[1].type, #messages[1].changes, messages[1].changes[1].user })
    return messages[1].changes[1].state
  end

  local function drop(conn) gate:close(conn, "lost", 1006) end
  local function goodbye(conn) gate:close(conn, "client", 1000) end

  describe("tells other plugins", function()
    before_each(function() told() end)

    it("that one is away, and offline when the grace is over", function()
      local bob = gate:connect "bob"
      assert.same({ "online bob offline" }, told())
      drop(bob)
      assert.same({ "away bob" }, told())
      gate:later(29900)
      assert.same({}, told())
      gate:later(100)
      assert.same({ "offline bob away" }, told())
      gate:later(60000)
      assert.same({}, told())
    end)

    it("nothing of an end that was followed by a return, but that", function()
      drop(gate:connect "bob")
      gate:later(29000)
      gate:connect "bob"
      assert.same({ "online bob offline", "away bob", "online bob away" }, told())
      gate:later(120000)
      assert.same({}, told())
    end)

    it("that one is offline at once, by a goodbye or by who may throw out", function()
      for _, code in ipairs { 1000, 4502, 4504 } do
        gate:close(gate:connect "bob", code == 1000 and "client" or "script", code)
        assert.same({ "online bob offline", "offline bob online" }, told())
      end
      gate:close(gate:connect "bob", "client", 1001) -- the page was closed, or loaded again
      assert.same({ "online bob offline", "away bob" }, told())
    end)

    it("nothing as long as one has another connection", function()
      local first, second = gate:connect "bob", gate:connect "bob"
      goodbye(first)
      gate:later(60000)
      assert.same({ "online bob offline" }, told())
      goodbye(second)
      assert.same({ "offline bob online" }, told())
    end)

    it("of both names when a connection takes another one", function()
      gate.world.user.enter(ann, "anna")
      assert.same({ "away ann", "online anna offline" }, told())
      gate.world.user.enter(ann, "anna")
      drop(ann)
      assert.same({ "away anna" }, told())
    end)

    it("nothing of a connection that was gone before it was heard of", function()
      local SLOW = [[return function(gate)
        gate:after("admitted", function() gate:sleep(500) end)
      end]]
      assert(gate:reload { slow = SLOW,
        init = 'return { "slow", "auth", "presence", "listener", trust = "trusted" }' })
      told()
      local bob = gate:connect "bob"
      drop(bob)
      gate:later(1000)
      assert.same({}, told())
      gate:connect "bob"
      gate:later(1000)
      assert.same({ "online bob offline" }, told())
    end)

    it("of each, when many have gone at once", function()
      local conns = {}
      for n = 1, 1100 do conns[n] = gate:connect("u" .. n) end
      for _, conn in ipairs(conns) do drop(conn) end
      told()
      gate:later(30000)
      assert.equal(1000, #told())
      gate:later(100)
      assert.equal(100, #told())
    end)

    it("and is not held up by one that waits", function()
      gate.world.state.of("listener").is_slow = true
      watch(ann, "bob")
      drop(gate:connect "bob")
      drop(gate:connect "carl")
      gate:later(1000)
      told()
      heard(ann)
      gate:later(29000)
      assert.same({ "offline bob away", "offline carl away" }, told())
      assert.equal("offline", ann.heard[1].changes[1].state)
      gate:later(1000)
    end)
  end)

  it("can be asked by other plugins", function()
    status(ann, { state = "invisible", text = "hiding" })
    assert.same({ state = "online", view = { user = "ann", state = "offline" } },
      ask(ann, { type = "look", user = "ann" }))
    assert.equal("offline", ask(ann, { type = "look", user = "nobody" }).state)
  end)

  describe("shows those who watch", function()
    it("how others are, and each change", function()
      local bob = gate:connect "bob"
      assert.same({ users = { { user = "bob", state = "online" },
        { user = "carl", state = "offline" } } }, watch(ann, "bob", "carl"))
      assert.same({}, heard(ann))
      drop(bob)
      assert.equal("away", change(ann, "bob"))
      gate:later(30000)
      assert.equal("offline", change(ann, "bob"))
      local carl = gate:connect "carl"
      assert.equal("online", change(ann, "carl"))
      status(carl, { state = "busy", text = "cooking", emoji = "🍲" })
      assert.same({ { type = "presence", at = gate.core.now_ms + 100, changes = {
        { user = "carl", state = "busy", status = { text = "cooking", emoji = "🍲" } } } } },
        heard(ann))
      goodbye(carl)
      assert.equal("offline", change(ann, "carl"))
    end)

    it("all changes of a tick in one message", function()
      watch(ann, "bob", "carl", "dora")
      local bob = gate:connect "bob"
      gate:connect "carl"
      drop(gate:connect "dora")
      goodbye(bob)
      local messages, states = heard(ann), {}
      assert.equal(1, #messages)
      for _, each in ipairs(messages[1].changes) do states[each.user] = each.state end
      assert.same({ carl = "online", dora = "away" }, states)
    end)

    it("by connection, and no other", function()
      local second, bob = gate:connect "ann", gate:connect "bob"
      watch(ann, "bob")
      drop(bob)
      assert.equal("away", change(ann, "bob"))
      assert.same({}, second.heard)
    end)

    it("nothing any more when they have said so, or gone", function()
      watch(ann, "bob", "carl", "dora")
      assert.same({ count = 2 }, ask(ann, { type = "unwatch", users = { "bob", "emil" } }))
      gate:connect "bob"
      assert.same({}, heard(ann))
      assert.same({ count = 0 }, ask(ann, { type = "unwatch" }))
      gate:connect "carl"
      assert.same({}, heard(ann))
      watch(ann, "dora")
      drop(ann)
      gate:later(1)
      local state = gate.world.state.of "presence"
      assert.same({ {}, {}, {} }, { state.watches, state.watchers, state.changed })
    end)
  end)

  describe("refuses", function()
    local function problem_of(conn, message)
      local data, code, text = gate:deliver(conn, message)
      assert.is_nil(data)
      return code .. ": " .. text
    end

    it("to watch more than a connection may, and counts that", function()
      load { max_watched = 2 }
      watch(ann, "a", "b")
      assert.equal("too_many_watched: at most 2 users",
        problem_of(ann, { type = "watch", users = { "c" } }))
      assert.is_truthy(watch(ann, "b", "a"))
      assert.equal("bad_request: users: expected a list of 1 to 2 names",
        problem_of(ann, { type = "watch", users = { "a", "b", "b" } }))
      gate:later(5000)
      local reports = gate.core:issued "report"
      assert.matches('plugin_presence_refused_total{code="too_many_watched"} 1\n',
        reports[#reports].text)
    end)

    it("what is no list of names", function()
      local LIST = "bad_request: users: expected a list of 1 to 100 names"
      for _, users in ipairs { false, 7, "bob", {}, { name = "bob" } } do
        assert.equal(LIST, problem_of(ann, { type = "watch", users = users or nil }))
      end
      for _, name in ipairs { "", 7, ("x"):rep(129), "a\nb" } do
        for _, type in ipairs { "watch", "unwatch" } do
          assert.equal("bad_request: users: number 2 is no name of a user",
            problem_of(ann, { type = type, users = { "bob", name } }))
        end
      end
      assert.same({}, gate.world.state.of("presence").watches)
    end)

    it("a status that cannot be shown, and leaves the one before", function()
      status(ann, { text = "here" })
      for text, data in pairs {
        ["data: expected an object"] = 7,
        ['data.state: expected "online", "busy" or "invisible"'] = { state = "away" },
        ["data.text: expected 1 to 128 bytes of UTF-8 without control characters"] =
          { text = ("x"):rep(129) },
        ["data.emoji: expected 1 to 32 bytes of UTF-8 without control characters"] =
          { emoji = "a\tb" },
      } do
        assert.equal("bad_request: " .. text, problem_of(ann, { type = "status", data = data }))
      end
      assert.equal("here", watch(ann, "ann").users[1].status.text)
      assert.same({ state = "online" }, status(ann, {}))
      assert.is_nil(watch(ann, "ann").users[1].status)
    end)
  end)

  describe("after a reload", function()
    it("knows who is there, who is away and since when, and who watches", function()
      local bob = gate:connect "bob"
      drop(gate:connect "carl")
      watch(ann, "bob", "carl")
      status(bob, { text = "here" })
      gate:later(20000)
      told()
      heard(ann)
      assert(gate:reload())
      assert.same({}, told())
      gate:later(9800)
      assert.same({}, told())
      gate:later(200)
      assert.same({ "offline carl away" }, told())
      assert.equal("offline", change(ann, "carl"))
      drop(bob)
      assert.equal("away", change(ann, "bob"))
    end)

    it("does not count those who are about to go", function()
      local SLOW = [[return function(gate)
        gate:needs "presence"
        gate:after("closed", function() gate:sleep(5000) end)
      end]]
      assert(gate:reload { slow = SLOW,
        init = 'return { "auth", "presence", "listener", "slow", trust = "trusted" }' })
      goodbye(gate:connect "bob")
      told()
      assert(gate:reload { presence = file.read "scripts/presence.lua" .. "\n" })
      gate:later(60000)
      assert.same({}, told())
    end)

    it("finds what has happened while it was not in the list", function()
      local bob, carl, dora = gate:connect "bob", gate:connect "carl", gate:connect "dora"
      watch(ann, "bob", "carl", "emil")
      watch(dora, "bob")
      told()
      local without = 'return { "auth", trust = "trusted" }'
      assert(gate:reload { init = without })
      drop(bob)
      drop(dora)
      gate:connect "emil"
      assert(gate:reload { init = 'return { "auth", "presence", "listener", trust = "trusted" }' })
      local events = told()
      table.sort(events)
      assert.same({ "away bob", "away dora", "online emil offline" }, events)
      local messages, states = heard(ann), {}
      for _, each in ipairs(messages[1].changes) do states[each.user] = each.state end
      assert.same({ bob = "away", emil = "online" }, states)
      assert.is_nil(gate.world.state.of("presence").watches[dora.id])
      goodbye(carl)
      assert.same({ "offline carl online" }, told())
    end)
  end)
end)
