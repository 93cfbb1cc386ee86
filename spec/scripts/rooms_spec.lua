local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"

describe("rooms", function()
  local gate, ann, bob, carl

  local function load(options, with)
    local others = { "scripts/messages.lua", unpack(with or {}) }
    gate = fake_gate.load("scripts/rooms.lua", options, { with = others })
    ann, bob, carl = gate:connect "ann", gate:connect "bob", gate:connect "carl"
  end

  local function ask(type_name)
    return function(conn, room, data)
      return gate:deliver(conn, { type = type_name, room = room, data = data })
    end
  end

  local join, leave, say, members = ask "join", ask "leave", ask "say", ask "members"

  local function rooms(conn) return gate:deliver(conn, { type = "rooms" }).rooms end

  local function code_of(...) return (select(2, ...)) end

  local function now() return gate.core.now_ms end

  --- What those of a room that a join has made are shown.
  local function view(name, names)
    return { room = name, kind = "ephemeral", role = "member", members = names, count = #names,
      at = now(), options = { max_members = 10000, history = 100, who_may_say = "everyone",
        slow_mode_ms = 0, retention_ms = 30 * 86400000 } }
  end

  local function joined(user) return { type = "joined", room = "tea", user = user, at = now() } end
  local function left(user) return { type = "left", room = "tea", user = user, at = now() } end

  local function forget(...)
    for _, conn in ipairs { ... } do conn.heard = {} end
  end

  before_each(function() load() end)

  describe("join", function()
    it("tells who is there, the joiner included, sorted", function()
      assert.same(view("tea", { "bob" }), join(bob, "tea"))
      assert.same(view("tea", { "bob", "carl" }), join(carl, "tea"))
      assert.same(view("tea", { "ann", "bob", "carl" }), join(ann, "tea"))
    end)

    it("is told to those who are there, not to the joiner", function()
      join(ann, "tea")
      assert.same({}, ann.heard)
      join(bob, "tea")
      assert.same({ joined "bob" }, ann.heard)
      assert.same({}, bob.heard)
      assert.same({}, carl.heard)
    end)

    it("is granted again to a member, and told to nobody", function()
      join(ann, "tea")
      join(bob, "tea")
      forget(ann, bob)
      assert.same(view("tea", { "ann", "bob" }), join(bob, "tea"))
      assert.same({}, ann.heard)
      assert.equal(2, gate.world.room.find("tea"):size())
    end)

    it("is told for a user's first connection only", function()
      local second = gate:connect "bob"
      join(ann, "tea")
      join(bob, "tea")
      forget(ann)
      assert.same(view("tea", { "ann", "bob" }), join(second, "tea"))
      assert.same({}, ann.heard)
      assert.same({}, bob.heard)
    end)

    it("takes names of 1 to 64 bytes", function()
      for _, name in ipairs { "t", ("t"):rep(64), ("\195\169"):rep(32), "a room", "1" } do
        assert.equal(name, join(ann, name).room)
      end
    end)

    it("refuses other names with bad_room", function()
      for _, name in ipairs { "", ("t"):rep(65), ("\195\169"):rep(33), "a\nb", "\0", "\127",
        "\255" } do
        assert.equal("bad_room", code_of(join(ann, name)), ("%q"):format(name))
      end
      assert.same({}, rooms(ann))
    end)

    it("refuses the control characters that Unicode has beside ASCII's", function()
      assert.equal("bad_room", code_of(join(ann, "a\194\133b"))) -- U+0085, next line
    end)

    it("needs a room that is a string", function()
      for _, room in ipairs { 7, true, { "tea" } } do
        assert.equal("bad_request", code_of(join(ann, room)))
      end
      local _, code, text = join(ann, nil)
      assert.equal("bad_request", code)
      assert.matches("^room: ", text)
    end)

    it("is limited for each connection", function()
      load { max_per_connection = 2 }
      local second = gate:connect "ann"
      join(ann, "tea")
      join(ann, "milk")
      local data, code, _, temporary = join(ann, "water")
      assert.is_nil(data)
      assert.equal("too_many_rooms", code)
      assert.is_falsy(temporary)
      assert.is_truthy(join(ann, "tea"))
      assert.is_truthy(join(second, "water"))
      leave(ann, "milk")
      assert.is_truthy(join(ann, "water"))
    end)

    it("allows 50 rooms by itself", function()
      for n = 1, 50 do assert.is_truthy(join(ann, "room " .. n)) end
      assert.equal("too_many_rooms", code_of(join(ann, "room 51")))
    end)

    it("may be tried again when the core is full", function()
      gate.core.answers.moon_join = gate.core.C.MOON_EFULL
      local data, code, _, temporary = join(ann, "tea")
      assert.is_nil(data)
      assert.equal("unavailable", code)
      assert.is_true(temporary)
      gate.core.answers.moon_join = nil
      assert.same(view("tea", { "ann" }), join(ann, "tea"))
    end)
  end)

  describe("leave", function()
    before_each(function()
      join(ann, "tea")
      join(bob, "tea")
      forget(ann, bob)
    end)

    it("is granted, and told to those who stay", function()
      assert.same({ room = "tea" }, leave(bob, "tea"))
      assert.same({ left "bob" }, ann.heard)
      assert.same({}, bob.heard)
      assert.same({ "ann" }, members(ann, "tea").members)
    end)

    it("ends hearing", function()
      leave(bob, "tea")
      say(ann, "tea", "are you there?")
      assert.same({}, bob.heard)
    end)

    it("is refused to a stranger, and the second time", function()
      assert.equal("not_a_member", code_of(leave(carl, "tea")))
      assert.equal("not_a_member", code_of(leave(ann, "milk")))
      leave(bob, "tea")
      assert.equal("not_a_member", code_of(leave(bob, "tea")))
    end)

    it("is told for a user's last connection only", function()
      local second = gate:connect "bob"
      join(second, "tea")
      forget(ann)
      leave(bob, "tea")
      assert.same({}, ann.heard)
      assert.same({ "ann", "bob" }, members(ann, "tea").members)
      leave(second, "tea")
      assert.same({ left "bob" }, ann.heard)
    end)

    it("makes room for the same name later", function()
      leave(ann, "tea")
      leave(bob, "tea")
      assert.same(view("tea", { "bob" }), join(bob, "tea"))
    end)
  end)

  describe("say", function()
    before_each(function()
      join(ann, "tea")
      join(bob, "tea")
      forget(ann, bob)
    end)

    it("refuses bytes where a member speaks JSON, and nobody hears them", function()
      local code, text = select(2, say(ann, "tea", "\255"))
      assert.same({ "bad_request", "data: has bytes that members who speak JSON cannot be told" },
        { code, text })
      assert.same({}, ann.heard)
      assert.same({}, bob.heard)
    end)

    it("carries bytes among those who speak MessagePack", function()
      local dan = gate:connect("dan", { protocol = "moongate.v1.msgpack" })
      join(dan, "milk")
      forget(dan)
      assert.equal(now(), say(dan, "milk", "\255").at)
      assert.equal("\255", dan.heard[1].data)
    end)

    it("is heard by all members, the speaker included", function()
      local told = say(ann, "tea", "hello")
      assert.same({ id = told.id, at = now() }, told)
      local said = { type = "said", room = "tea", id = told.id, from = "ann", data = "hello",
        at = now() }
      assert.same({ said }, ann.heard)
      assert.same({ said }, bob.heard)
      assert.same({}, carl.heard)
    end)

    it("carries any value", function()
      local null = gate.world.json.null
      for _, data in ipairs { "", 0, false, true, { 1, { 2 } }, { a = { b = null } }, null } do
        forget(bob)
        assert.is_truthy(say(ann, "tea", data))
        assert.same(data, bob.heard[1].data)
      end
    end)

    it("carries any text that a client can send", function()
      for _, byte in ipairs { "x", "/", "\n", "\127" } do
        forget(bob)
        local granted, _, text = say(ann, "tea", { byte:rep(16000) })
        assert.is_truthy(granted, ("%q: %s"):format(byte, tostring(text)))
        assert.equal(16000, #bob.heard[1].data[1])
      end
    end)

    it("needs data", function()
      local data, code, text = say(ann, "tea", nil)
      assert.is_nil(data)
      assert.equal("bad_request", code)
      assert.matches("^data: ", text)
      assert.same({}, bob.heard)
    end)

    it("is refused to a stranger", function()
      assert.equal("not_a_member", code_of(say(carl, "tea", "psst")))
      assert.equal("not_a_member", code_of(say(ann, "milk", "psst")))
      assert.same({}, ann.heard)
    end)

    it("is heard in one order by all", function()
      for n = 1, 3 do
        say(ann, "tea", "a" .. n)
        say(bob, "tea", "b" .. n)
      end
      assert.equal(6, #ann.heard)
      assert.same(ann.heard, bob.heard)
    end)

    it("may be tried again when the core is full", function()
      gate.core.answers.moon_publish = gate.core.C.MOON_EFULL
      local data, code, _, temporary = say(ann, "tea", "hello")
      assert.is_nil(data)
      assert.equal("unavailable", code)
      assert.is_true(temporary)
    end)
  end)

  describe("members", function()
    it("tells a member who is there, each user once", function()
      join(bob, "tea")
      join(gate:connect "bob", "tea")
      join(ann, "tea")
      assert.same({ room = "tea", members = { "ann", "bob" }, count = 2 }, members(ann, "tea"))
    end)

    it("is refused to a stranger", function()
      join(bob, "tea")
      assert.equal("not_a_member", code_of(members(ann, "tea")))
    end)
  end)

  it("names the field when a room is no string", function()
    for _, request in ipairs { leave, say, members } do
      local data, code, text = request(ann, 7, "hello")
      assert.is_nil(data)
      assert.equal("bad_request", code)
      assert.matches("^room: ", text)
    end
  end)

  describe("listing", function()
    it("has the users of each room", function()
      assert.same({}, rooms(ann))
      join(ann, "tea")
      join(bob, "tea")
      join(gate:connect "bob", "tea")
      join(ann, "milk")
      assert.same({ tea = 2, milk = 1 }, rooms(carl))
      leave(ann, "milk")
      assert.same({ tea = 2 }, rooms(carl))
    end)

    it("has the 100 biggest", function()
      load { max_per_connection = 200 }
      for n = 1, 110 do join(ann, ("room %03d"):format(n)) end
      join(bob, "room 110")
      local found, count = rooms(ann), 0
      for _ in pairs(found) do count = count + 1 end
      assert.equal(100, count)
      assert.equal(2, found["room 110"])
      assert.equal(1, found["room 099"])
      assert.is_nil(found["room 100"])
    end)

    it("does not have rooms of other plugins", function()
      load(nil, { "examples/relay.lua" })
      gate:connect(nil, { path = "/relay/milk" })
      assert.same({}, rooms(ann))
    end)
  end)

  describe("a connection that closes", function()
    before_each(function()
      for _, conn in ipairs { ann, bob } do
        join(conn, "tea")
        join(conn, "milk")
      end
      forget(ann, bob)
    end)

    it("leaves all its rooms", function()
      gate:close(bob, "lost")
      local told = {}
      for _, push in ipairs(ann.heard) do
        assert.equal("left", push.type)
        assert.equal("bob", push.user)
        told[push.room] = (told[push.room] or 0) + 1
      end
      assert.same({ tea = 1, milk = 1 }, told)
      assert.same({ tea = 1, milk = 1 }, rooms(ann))
    end)

    it("is not missed while its user has another", function()
      local second = gate:connect "bob"
      join(second, "tea")
      gate:close(bob)
      assert.equal(1, #ann.heard)
      assert.equal("milk", ann.heard[1].room)
      assert.same({ "ann", "bob" }, members(ann, "tea").members)
    end)

    it("without a name leaves quietly", function()
      gate:close(gate:connect())
      assert.same({}, ann.heard)
    end)

    it("leaves its rooms though another plugin has put it into one of the same name", function()
      load(nil, {})
      gate:reload { lobby = [[return function(gate)
        gate:on("watch", function(conn) gate:room("milk"):add(conn) end)
      end]] }
      join(ann, "milk")
      join(ann, "tea")
      join(bob, "tea")
      gate:deliver(bob, { type = "watch" })
      forget(ann)
      gate:close(bob)
      table.sort(ann.heard, function(a, b) return a.room > b.room end)
      assert.same(left "bob", ann.heard[1])
      assert.same({ "left", "milk", "bob" },
        { ann.heard[2].type, ann.heard[2].room, ann.heard[2].user })
    end)
  end)

  describe("reload", function()
    it("keeps the members", function()
      join(ann, "tea")
      join(bob, "tea")
      forget(ann, bob)
      assert(gate:reload())
      assert.same({ "ann", "bob" }, members(ann, "tea").members)
      assert.is_truthy(say(ann, "tea", "still here"))
      assert.equal("still here", bob.heard[1].data)
      leave(bob, "tea")
      assert.same(left "bob", ann.heard[2])
      assert.same({ tea = 1 }, rooms(ann))
    end)

    it("without this plugin for a while leaves nobody behind", function()
      join(ann, "tea")
      join(bob, "tea")
      local nothing = "return function() end"
      assert(gate:reload { rooms = nothing, messages = nothing })
      gate:close(bob)
      assert(gate:reload { rooms = file.read "scripts/rooms.lua" })
      assert.same({ "ann" }, members(ann, "tea").members)
    end)

    it("keeps the members when it fails", function()
      join(ann, "tea")
      assert.is_nil(gate:reload { rooms = ")" })
      assert.same({ "ann" }, members(ann, "tea").members)
    end)
  end)
end)
