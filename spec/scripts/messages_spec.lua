local file = require "spec.support.file"
local fake_gate = require "spec.support.fake_gate"
local messages = require "spec.support.messages"

local heard = messages.heard

describe("messages", function()
  local gate, ann, bob, carl

  --- Of what plugins have, the first that handles requests of this type, and its filters.
  local function filter(conn, message)
    return gate.world.request.current().before.say[1].fn(conn, message)
  end

  local function load(options, more)
    gate = fake_gate.load(messages.plugins(more), { messages = options or {} })
    ann, bob, carl = gate:connect "ann", gate:connect "bob", gate:connect "carl"
    for _, conn in ipairs { ann, bob } do gate:deliver(conn, { type = "join", room = "tea" }) end
  end

  --- A request about the room tea.
  local function ask(conn, type_name, fields)
    local message = { type = type_name, room = "tea" }
    for name, value in pairs(fields or {}) do message[name] = value end
    return gate:deliver(conn, message)
  end

  local function say(conn, data, more)
    local fields = { data = data }
    for name, value in pairs(more or {}) do fields[name] = value end
    return ask(conn, "say", fields)
  end

  local function code_of(...) return (select(2, ...)) end
  local function now() return gate.core.now_ms end
  local function make(record) ask(ann, "make", { data = record }) end
  local function options_of(changes)
    local options = { slow_mode_ms = 0, who_may_say = "everyone" }
    for name, value in pairs(changes) do options[name] = value end
    return { options = options }
  end

  local function refused(code)
    local line = 'plugin_messages_refused_total{code="%s"} (%%d+)'
    return tonumber(gate.world.metric.text():match(line:format(code)))
  end

  before_each(function() load() end)

  describe("say", function()
    it("is heard by all members, the speaker included, with an id and the time", function()
      local second = gate:connect "ann"
      ask(second, "join")
      local told = say(ann, "hello")
      assert.same({ id = now() * 10, at = now() }, told)
      local said = { type = "said", room = "tea", id = told.id, at = told.at, from = "ann",
        data = "hello" }
      for _, conn in ipairs { ann, second, bob } do assert.same({ said }, heard(conn)) end
      assert.same({}, heard(carl))
    end)

    it("has ids that ascend in a room", function()
      local last = 0
      for n = 1, 30 do
        local id = say(n % 2 == 0 and ann or bob, "n" .. n).id
        assert.is_true(id > last)
        last = id
        if n % 10 == 0 then gate:later(1) end
      end
    end)

    it("carries any value", function()
      local null = gate.world.json.null
      for _, data in ipairs { "", 0, false, true, { 1, { 2 } }, { a = { b = null } }, null } do
        heard(bob)
        assert.is_truthy(say(ann, data))
        assert.same(data, bob.heard[1].data)
      end
    end)

    it("needs data, and text that is not too long", function()
      assert.same({ "bad_request", "data: expected a value" }, { select(2, say(ann, nil)) })
      assert.is_truthy(say(ann, ("x"):rep(4096)))
      heard(bob)
      assert.same({ "too_big", "data: at most 4096 bytes of text" },
        { select(2, say(ann, ("x"):rep(4097))) })
      assert.same({}, heard(bob))
      load { max_text_bytes = 5 }
      assert.is_truthy(say(ann, { body = "123456" }))
      assert.equal("too_big", code_of(say(ann, { text = "123456" })))
      assert.equal("too_big", code_of(say(ann, "123456")))
    end)

    it("refuses bytes where a member speaks JSON, and nobody hears them", function()
      assert.same({ "bad_request", "data: has bytes that members who speak JSON cannot be told" },
        { select(2, say(ann, "\255")) })
      assert.same({}, heard(ann))
      assert.same({}, heard(bob))
    end)

    it("is refused to a stranger, and slash commands are, too", function()
      assert.same({ "not_a_member", "join the room first" }, { select(2, say(carl, "psst")) })
      assert.equal("not_a_member", code_of(say(carl, "/help")))
      assert.is_truthy(say(ann, "/help"))
      assert.equal("bad_request", code_of(ask(ann, "say", { room = 7, data = "hello" })))
    end)

    it("is for whom the room says", function()
      make(options_of { who_may_say = "moderators" })
      make { roles = { bob = "moderator" } }
      assert.equal("not_allowed", code_of(say(ann, "hello")))
      assert.equal("not_allowed", code_of(say(ann, "/help")))
      assert.is_truthy(say(bob, "hello"))
      make { archived = true }
      assert.equal("archived", code_of(say(bob, "hello")))
    end)

    it("is asked about again after filters that wait, or name another room", function()
      load(nil, { late = [[return function(gate)
        gate:needs "messages"
        gate:before("say", function(_, message)
          if message.data == "wait" then gate:sleep(100) end
          if message.data == "elsewhere" then message.room = "milk" end
        end)
      end]] })
      local answer = gate:ask(ann, { type = "say", room = "tea", data = "wait" })
      ask(bob, "make", { data = { archived = true } })
      gate:later(100)
      assert.equal("archived", answer.code)
      make { archived = false }
      assert.equal("not_a_member", code_of(say(ann, "elsewhere")))
    end)

    it("may be tried again when the core is full, and has not happened", function()
      gate.core.answers.moon_publish = gate.core.C.MOON_EFULL
      assert.same({ nil, "unavailable", "the server is too busy", true }, { say(ann, "hello") })
      gate.core.answers.moon_publish = nil
      assert.equal("too_old", code_of(ask(ann, "delete", { message_id = now() * 10 })))
    end)

    it("may reply to a message", function()
      local id = say(ann, "hello").id
      heard(bob)
      say(bob, "well", { reply_to = id })
      assert.equal(id, heard(bob)[1].reply_to)
      assert.same({ "bad_request", "reply_to: expected the id of a message" },
        { select(2, say(bob, "well", { reply_to = "1" })) })
      assert.is_truthy(say(bob, "well", { reply_to = gate.world.json.null }))
      assert.is_nil(heard(bob)[1].reply_to)
    end)
  end)

  describe("slow mode", function()
    before_each(function() make(options_of { slow_mode_ms = 2000 }) end)

    it("lets each wait, and says for how long", function()
      assert.is_truthy(say(ann, "one"))
      gate:later(1300)
      assert.is_truthy(say(bob, "one"))
      assert.same({ nil, "slow_mode", "wait 1 s", true, 700 }, { say(ann, "two") })
      assert.same({ nil, "slow_mode", "wait 1 s", true, 700 }, { filter(ann, { room = "tea" }) })
      gate:later(700)
      assert.is_truthy(say(ann, "two"))
      assert.equal("slow_mode", code_of(say(ann, "three")))
      assert.equal(3, refused "slow_mode")
    end)

    it("is the user's, whichever connection", function()
      local second = gate:connect "ann"
      ask(second, "join")
      say(ann, "one")
      assert.equal("slow_mode", code_of(say(second, "two")))
    end)

    it("does not count what was refused", function()
      assert.equal("too_big", code_of(say(ann, ("x"):rep(5000))))
      assert.is_truthy(say(ann, "one"))
    end)

    it("is not for moderators and those above", function()
      make { roles = { ann = "moderator", bob = "owner" } }
      carl.state.admin = true
      ask(carl, "join")
      for _, conn in ipairs { ann, bob, carl } do
        assert.is_truthy(say(conn, "one"))
        assert.is_truthy(say(conn, "two"))
      end
    end)

    it("forgets who has waited", function()
      say(ann, "one")
      gate:later(60000)
      assert.same({}, gate.world.state.of("messages").slow)
    end)
  end)

  describe("mentions of a message", function()
    it("of nobody are left out", function()
      for _, names in ipairs { {}, gate.world.json.null } do
        heard(bob)
        assert.is_truthy(say(ann, "you", { mentions = names }))
        assert.is_nil(bob.heard[1].mentions)
      end
    end)

    it("are so many at most", function()
      load { max_mentions = 2 }
      assert.same({ "bad_request", "mentions: expected a list of at most 2 names" },
        { select(2, say(ann, "you", { mentions = { "a", "b", "c" } })) })
    end)
  end)

  describe("edit", function()
    local id
    before_each(function()
      id = say(ann, "helo").id
      heard(bob)
    end)

    it("is told to all", function()
      gate:later(5)
      assert.same({ id = id, at = now() }, ask(ann, "edit", { message_id = id, data = "hello" }))
      assert.same({ { type = "edited", room = "tea", id = id, at = now(), by = "ann",
        data = "hello" } }, heard(bob))
    end)

    it("is for who has said it", function()
      assert.same({ "not_allowed", "only your own messages" },
        { select(2, ask(bob, "edit", { message_id = id, data = "hello" })) })
      assert.equal("not_a_member", code_of(ask(carl, "edit", { message_id = id, data = "hello" })))
      assert.same({}, heard(bob))
    end)

    it("asks the room", function()
      make { archived = true }
      assert.equal("archived", code_of(ask(ann, "edit", { message_id = id, data = "hello" })))
    end)

    it("is for who may say something, and no way round slow mode", function()
      make(options_of { who_may_say = "moderators" })
      assert.equal("not_allowed", code_of(ask(ann, "edit", { message_id = id, data = "hello" })))
      make(options_of { slow_mode_ms = 5000 })
      assert.is_truthy(ask(ann, "edit", { message_id = id, data = "hello" }))
      assert.same({ nil, "slow_mode", "wait 5 s", true, 5000 },
        { ask(ann, "edit", { message_id = id, data = "again" }) })
      assert.equal("slow_mode", code_of(say(ann, "more")))
      gate:later(5000)
      assert.is_truthy(say(ann, "more"))
      assert.equal("slow_mode", code_of(ask(ann, "edit", { message_id = id, data = "again" })))
    end)

    it("has the limits of say", function()
      for _, data in ipairs { { text = ("x"):rep(4097) }, { body = ("x"):rep(16384) } } do
        assert.equal("too_big", code_of(ask(ann, "edit", { message_id = id, data = data })))
        assert.equal("too_big", code_of(say(ann, data)))
      end
      assert.equal("bad_request", code_of(ask(ann, "edit", { message_id = id })))
      assert.equal("too_big",
        code_of(ask(ann, "edit", { message_id = id, data = ("x"):rep(4097) })))
      assert.equal("bad_request", code_of(ask(ann, "edit", { message_id = "x", data = "hello" })))
    end)

    it("is for an hour", function()
      gate:later(3600000)
      assert.is_truthy(ask(ann, "edit", { message_id = id, data = "hello" }))
      gate:later(1)
      assert.same({ "too_old", "only for 3600 s" },
        { select(2, ask(ann, "edit", { message_id = id, data = "hello" })) })
    end)

    it("needs the message to be remembered", function()
      load { remembered = 2 }
      id = say(ann, "one").id
      say(ann, "two")
      assert.is_truthy(ask(ann, "edit", { message_id = id, data = "ONE" }))
      say(ann, "three")
      assert.equal("too_old", code_of(ask(ann, "edit", { message_id = id, data = "one" })))
      assert.equal("too_old", code_of(ask(ann, "edit", { message_id = 1, data = "one" })))
    end)

    it("is known after a reload", function()
      gate:reload()
      assert.is_truthy(ask(ann, "edit", { message_id = id, data = "hello" }))
    end)
  end)

  describe("delete", function()
    local id
    before_each(function()
      id = say(ann, "hello").id
      heard(bob)
    end)

    it("is told to all, and final", function()
      assert.same({ id = id, at = now() }, ask(ann, "delete", { message_id = id }))
      assert.same({ { type = "deleted", room = "tea", id = id, at = now(), by = "ann" } },
        heard(bob))
      assert.equal("too_old", code_of(ask(ann, "delete", { message_id = id })))
      assert.equal("too_old", code_of(ask(ann, "edit", { message_id = id, data = "again" })))
    end)

    it("is for who has said it, and for moderators", function()
      assert.equal("not_allowed", code_of(ask(bob, "delete", { message_id = id })))
      make { roles = { bob = "moderator" } }
      assert.is_truthy(ask(bob, "delete", { message_id = id }))
      assert.equal("bob", heard(ann)[2].by)
    end)
  end)

  describe("react", function()
    local id
    before_each(function()
      id = say(ann, "hello").id
      heard(ann)
      heard(bob)
    end)

    local function react(conn, emoji, is_on)
      return ask(conn, "react", { message_id = id, emoji = emoji, on = is_on })
    end

    it("is told to all with the count, once", function()
      assert.same({ id = id, emoji = ":+1:", on = true, count = 1 }, react(bob, ":+1:"))
      react(bob, ":+1:", true)
      assert.same({ { type = "reacted", room = "tea", id = id, user = "bob", emoji = ":+1:",
        on = true, count = 1, at = now() } }, heard(ann))
      assert.equal(2, react(ann, ":+1:").count)
      assert.same({ id = id, emoji = ":+1:", on = false, count = 1 }, react(bob, ":+1:", false))
      local last = heard(ann)[2]
      assert.same({ "bob", false, 1 }, { last.user, last.on, last.count })
    end)

    it("has limits", function()
      load { max_reactions = 2 }
      id = say(ann, "hello").id
      react(ann, "👍")
      react(ann, "👎")
      assert.same({ "too_many_reactions", "at most 2 different ones" },
        { select(2, react(bob, "🍵")) })
      assert.equal(1, refused "too_many_reactions")
    end)

    it("checks its fields, the message and the room", function()
      assert.equal("bad_request", code_of(react(bob, "")))
      assert.same({ "bad_request", "on: expected true or false" },
        { select(2, react(bob, ":+1:", 1)) })
      assert.equal("not_a_member", code_of(react(carl, ":+1:")))
      make { archived = true }
      assert.equal("archived", code_of(react(bob, ":+1:")))
      id = 1
      assert.equal("too_old", code_of(react(bob, ":+1:")))
    end)

    it("is a picture, of who may say nothing there", function()
      make(options_of { who_may_say = "moderators" })
      assert.same({ "not_allowed", "emoji: only emoji, of who may say nothing in the room" },
        { select(2, react(bob, ":buy_now:")) })
      assert.is_truthy(react(bob, "👍"))
      assert.is_truthy(react(bob, ":buy_now:", false))
      make { roles = { bob = "moderator" } }
      assert.is_truthy(react(bob, ":buy_now:"))
    end)

    it("has not happened when it could not be told", function()
      gate.core.answers.moon_publish = gate.core.C.MOON_EFULL
      assert.same({ nil, "unavailable", "the server is too busy", true }, { react(bob, ":+1:") })
      gate.core.answers.moon_publish = nil
      assert.equal(1, react(ann, ":+1:").count)
    end)
  end)

  it("are counted for who comes in: the last one, and the last that was read", function()
    assert.same({}, (ask(bob, "join")))
    local first = say(ann, "one").id
    ask(bob, "read", { message_id = first })
    local last = say(ann, "two").id
    assert.same({ last = last, read = first }, (ask(bob, "join")))
    assert.same({ last = last }, (ask(carl, "join")))
    assert.same({}, (gate:deliver(bob, { type = "join", room = "milk" })))
  end)

  it("may be for nobody but who has said them, who cannot tell", function()
    load(nil, { shadow = [[return function(gate)
      gate:needs "messages"
      local function hide(conn, message) message.only_sender = conn.user == "bob" or nil end
      for _, name in ipairs { "say", "edit", "react", "typing" } do gate:before(name, hide) end
    end]] })
    local second, third = gate:connect "bob", gate:connect "bob"
    ask(second, "join")
    local told = say(bob, "spam", { mentions = { "carl" } })
    local said = { type = "said", room = "tea", id = told.id, at = now(), from = "bob",
      data = "spam", mentions = { "carl" } }
    for _, conn in ipairs { bob, second } do assert.same({ said }, heard(conn)) end
    assert.is_truthy(ask(bob, "react", { message_id = told.id, emoji = ":+1:" }))
    assert.is_truthy(ask(bob, "edit", { message_id = told.id, data = "SPAM" }))
    assert.equal("too_old", code_of(ask(ann, "react", { message_id = told.id, emoji = ":+1:" })))
    make { roles = { ann = "moderator" } }
    assert.equal("too_old", code_of(ask(ann, "delete", { message_id = told.id })))
    assert.is_truthy(ask(bob, "delete", { message_id = told.id }))
    assert.equal(3, #heard(second))
    local plain = say(ann, "hello").id
    heard(ann)
    heard(bob)
    assert.equal(1, ask(bob, "react", { message_id = plain, emoji = ":+1:" }).count)
    assert.same({ "reacted", 1 }, { bob.heard[1].type, heard(bob)[1].count })
    assert.equal(0, ask(bob, "react", { message_id = plain, emoji = ":+1:", on = false }).count)
    assert.equal(1, ask(ann, "react", { message_id = plain, emoji = ":+1:" }).count)
    assert.equal("ann", heard(ann)[1].user)
    heard(second)
    heard(bob)
    assert.equal(2, ask(bob, "react", { message_id = plain, emoji = ":+1:" }).count)
    heard(second)
    heard(bob)
    for n, is_on in ipairs { false, true } do
      local reaction = { message_id = plain, emoji = ":+1:", on = is_on }
      assert.equal(n - 1, ask(ann, "react", reaction).count)
      assert.equal(n - 1, heard(ann)[1].count)
      local first, other = heard(bob), heard(second)
      assert.same({ n, n }, { first[#first].count, other[#other].count })
      assert.equal(3, #first + #other) -- one of them has heard only the count of their own
    end
    assert.is_truthy(ask(bob, "react", { message_id = plain, emoji = ":+1:", on = false }))
    heard(second)
    heard(bob)
    assert.same({}, (ask(bob, "typing")))
    gate:later(7000)
    local TYPING = { type = "typing", room = "tea", user = "bob" }
    for n, is_on in ipairs { true, false } do
      TYPING.on = is_on
      assert.same(TYPING, second.heard[n])
    end
    assert.same({ TYPING }, heard(bob))
    ask(bob, "typing")
    heard(second)
    assert.is_truthy(say(bob, "more"))
    gate:later(7000)
    assert.same({ "said" }, { heard(second)[1].type, second.heard[1] })
    ask(third, "join")
    local joined, hidden = ask(carl, "join"), ask(second, "join")
    assert.equal(plain, joined.last)
    assert.is_true(hidden.last > plain)
    heard(bob)
    heard(ann)
    assert.same({ id = hidden.last, room = "tea" },
      (ask(bob, "read", { message_id = hidden.last })))
    assert.equal(plain, heard(ann)[1].id)
    local own = heard(second)
    assert.equal(hidden.last, own[#own].id)
    assert.equal(hidden.last, third.heard[#third.heard].id)
    heard(carl)
    local later = say(bob, "and more").id
    ask(bob, "read", { message_id = later })
    assert.same({ "said", "read" }, { third.heard[#third.heard - 1].type,
      third.heard[#third.heard].type })
    heard(third)
    for _, conn in ipairs { ann, carl, third } do assert.same({}, heard(conn)) end
    for _, call in ipairs { "moon_send", "moon_publish" } do -- ann is heard by all
      gate.core.answers[call] = gate.core.C.MOON_EBIG
      assert.same({ "too_big", "data: too long once it is encoded" },
        { select(2, say(call == "moon_send" and bob or ann, "long")) })
      gate.core.answers[call] = nil
    end
  end)

  it("hide no typing for ever when they are for nobody else", function()
    ask(ann, "typing")
    say(ann, "psst", { only_sender = true })
    heard(bob)
    gate:later(7000)
    assert.is_false(heard(bob)[1].on)
  end)

  describe("in a room of a kind", function()
    before_each(function()
      load(nil, { quiz = [[return function(gate)
        gate:room_kind("quiz", { said = function(_, conn, data)
          if data ~= "42" then return nil, "wrong", "try again" end
          return { points = 1 }
        end })
        gate:on("open", function() return { gate:open_room("quiz", "q1") ~= nil } end)
      end]] })
      gate:deliver(ann, { type = "open" })
      gate:deliver(ann, { type = "join", room = "q1" })
    end)

    it("are for its plugin", function()
      assert.same({ nil, "wrong", "try again" }, { ask(ann, "say", { room = "q1", data = "7" }) })
      assert.same({ points = 1 }, (ask(ann, "say", { room = "q1", data = "42" })))
    end)

    it("cannot be changed, and there are no signs", function()
      for _, name in ipairs { "edit", "delete", "react", "typing", "read" } do
        assert.same({ "not_allowed", "in this room its plugin decides" },
          { select(2, ask(ann, name, { room = "q1", message_id = 1, emoji = "✔", data = "x" })) })
      end
    end)
  end)

  it("go with a room that gets another name", function()
    make(options_of { slow_mode_ms = 5000 })
    local id = say(ann, "hello").id
    ask(bob, "typing")
    ask(bob, "read", { message_id = id })
    ask(ann, "rename", { data = { name = "milk" } })
    assert.equal("slow_mode", code_of(ask(ann, "say", { room = "milk", data = "more" })))
    assert.is_truthy(ask(ann, "react", { room = "milk", message_id = id, emoji = ":tea:" }))
    assert.equal(id, ask(bob, "read", { room = "milk", message_id = 5 }).id)
    heard(ann)
    gate:later(7000)
    assert.same({ { type = "typing", room = "milk", user = "bob", on = false } }, heard(ann))
  end)

  it("need no trust", function()
    load(nil, { init = 'return { "rooms", "messages" }',
      ["auth/names"] = file.read "scripts/auth/names.lua",
      ["auth/marks"] = file.read "scripts/auth/marks.lua",
      ["router/audience"] = file.read "scripts/router/audience.lua",
      ["auth/addresses"] = file.read "scripts/auth/addresses.lua" })
    local told = say(ann, "hello", { mentions = { "carl" } })
    assert.equal("said", heard(bob)[1].type)
    assert.equal("mentioned", heard(carl)[1].type)
    local id = { message_id = told.id, data = "HELLO", emoji = ":+1:" }
    for _, name in ipairs { "edit", "react", "typing", "read", "delete" } do
      assert.is_truthy(ask(ann, name, id))
      assert.is_truthy(({ edited = 1, reacted = 1, typing = 1, read = 1, deleted = 1 })[
        heard(bob)[1].type], name)
    end
    make { archived = true }
    assert.equal("archived", code_of(say(ann, "hello")))
    assert.is_nil(gate:logged "error")
  end)

  describe("for other plugins", function()
    local api
    before_each(function() api = gate.world.plugin.current().plugins.messages.provided.api end)

    it("can be published, and found again", function()
      local told = api.publish("tea", "server", "hello")
      assert.same({ { type = "said", room = "tea", id = told.id, at = told.at, from = "server",
        data = "hello" } }, heard(ann))
      assert.equal("server", api.author("tea", told.id))
      assert.is_true(say(bob, "more").id > told.id)
      assert.same({ nil, "no_such_room", "there is no room of this name" },
        { api.publish("water", "server", "hello") })
      assert.equal("bad_request", code_of(api.publish("tea", "server", nil)))
    end)

    it("can be deleted, whoever has said them", function()
      local id = say(bob, "spam").id
      heard(ann)
      assert.is_true(api.delete("tea", id, "server"))
      assert.same({ { type = "deleted", room = "tea", id = id, at = now(), by = "server" } },
        heard(ann))
      assert.is_nil(api.author("tea", id))
      assert.equal("too_old", code_of(api.delete("tea", id, "server")))
    end)

    it("have markers", function()
      assert.is_nil(api.marker("tea", "bob"))
      local id = say(ann, "hello").id
      ask(bob, "read", { message_id = id })
      assert.equal(id, api.marker("tea", "bob"))
    end)
  end)
end)
