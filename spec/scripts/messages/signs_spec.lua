local fake_gate = require "spec.support.fake_gate"
local messages = require "spec.support.messages"

local heard = messages.heard
local signs = require "scripts.messages.signs"

describe("signs", function()
  local gate, ann, bob, carl

  local function load(options)
    gate = fake_gate.load(messages.plugins(), { messages = options or {} })
    ann, bob, carl = gate:connect "ann", gate:connect "bob", gate:connect "carl"
    for _, conn in ipairs { ann, bob } do gate:deliver(conn, { type = "join", room = "tea" }) end
  end

  --- A request about the room tea.
  local function ask(conn, type_name, fields)
    local message = { type = type_name, room = "tea" }
    for name, value in pairs(fields or {}) do message[name] = value end
    return gate:deliver(conn, message)
  end

  local function say(conn, data) return ask(conn, "say", { data = data }) end
  local function code_of(...) return (select(2, ...)) end
  local function now() return gate.core.now_ms end

  before_each(function() load() end)

  it("are on unless it says that they are not", function()
    local null = {}
    local given = { json = { null = null } }
    assert.is_true(signs.is_on(given, {}))
    assert.is_true(signs.is_on(given, { on = null }))
    assert.is_false(signs.is_on(given, { on = false }))
    assert.same({ nil, "on: expected true or false" }, { signs.is_on(given, { on = 1 }) })
  end)

  describe("typing", function()
    local function typing(conn, is_on) return ask(conn, "typing", { on = is_on }) end
    local function sign(user, is_on)
      return { type = "typing", room = "tea", user = user, on = is_on }
    end

    it("is told to the others, and ends by itself", function()
      assert.same({}, (typing(ann)))
      typing(ann, true)
      assert.same({ sign("ann", true) }, heard(bob))
      assert.same({}, heard(ann))
      gate:later(6500)
      assert.same({ sign("ann", false) }, heard(bob))
    end)

    it("is told at most once a second", function()
      for _ = 1, 10 do
        typing(ann, true)
        typing(ann, false)
      end
      assert.same({ sign("ann", true) }, heard(bob))
      gate:later(1500)
      assert.same({ sign("ann", false) }, heard(bob))
    end)

    it("ends with what is said", function()
      typing(ann)
      say(ann, "hello")
      heard(bob)
      gate:later(10000)
      assert.same({}, heard(bob))
    end)

    it("is of class latest, each with a key of its own", function()
      local keys, C = {}, gate.core.C
      local publish = C.moon_publish
      C.moon_publish = function(room, except, opcode, class, key, ...)
        assert.equal(C.MOON_LATEST, class)
        keys[#keys + 1] = key
        return publish(room, except, opcode, class, key, ...)
      end
      typing(ann, true)
      typing(bob, true)
      gate:later(1000)
      typing(ann, false)
      assert.equal(3, #keys)
      assert.equal(keys[1], keys[3])
      assert.not_equal(keys[1], keys[2])
    end)

    it("is for who may speak", function()
      local options = { slow_mode_ms = 0, who_may_say = "moderators" }
      ask(ann, "make", { data = { options = options } })
      assert.equal("not_allowed", code_of(typing(ann)))
      assert.equal("not_a_member", code_of(typing(carl)))
      assert.equal("bad_request", code_of(typing(ann, "yes")))
    end)

    it("is not told in large rooms, and of so many at most", function()
      load { typing_members = 1 }
      assert.is_truthy(typing(ann))
      assert.same({}, heard(bob))
      load { max_typing = 1 }
      typing(ann)
      assert.same({ nil, "rate_limited", "too many are typing", true, 1000 }, { typing(bob) })
    end)
  end)

  describe("read", function()
    local first, last
    before_each(function()
      first, last = say(ann, "one").id, say(ann, "two").id
      heard(ann)
      heard(bob)
    end)

    local function read(conn, id) return ask(conn, "read", { message_id = id }) end

    it("goes forward only, and is told to a small room", function()
      assert.same({ room = "tea", id = last }, read(bob, last))
      assert.same({ room = "tea", id = last }, read(bob, first))
      assert.same({ { type = "read", room = "tea", user = "bob", id = last, at = now() } },
        heard(ann))
      assert.same({}, heard(bob))
    end)

    it("is told to the user's other connections, each once", function()
      local inside, outside = gate:connect "bob", gate:connect "bob"
      ask(inside, "join")
      read(bob, last)
      for _, conn in ipairs { inside, outside } do
        local list = heard(conn)
        assert.equal(1, #list)
        assert.equal(last, list[1].id)
      end
    end)

    it("is told to none that speaks no protocol, or is about to be closed", function()
      local game, ended = gate:connect "bob", gate:connect "bob"
      game.route, game.protocol, ended.state.ended = "/game", "dice", "logged_out"
      read(bob, last)
      assert.same({ {}, {} }, { heard(game), heard(ended) })
    end)

    it("is told to nobody else in a larger room", function()
      load { read_members = 2 }
      local inside = gate:connect "bob"
      ask(inside, "join")
      last = say(ann, "one").id
      for _, conn in ipairs { ann, bob, inside } do heard(conn) end
      read(bob, last)
      assert.same({}, heard(ann))
      assert.equal(last, heard(inside)[1].id)
    end)

    it("is of messages that there may be", function()
      assert.same({ "bad_request", "message_id: no message has it yet" },
        { select(2, read(bob, last + 100000)) })
      assert.equal("bad_request", code_of(read(bob, "x")))
      assert.equal("not_a_member", code_of(read(carl, last)))
      assert.is_truthy(read(bob, 5)) -- of before a restart, perhaps
    end)
  end)
end)
