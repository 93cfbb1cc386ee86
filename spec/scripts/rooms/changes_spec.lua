local houses = require "spec.support.house"

-- Those that a join makes: rooms_spec.lua.
describe("rooms that somebody has made", function()
  local house, gate, ann, bob, carl

  local function load(options, plugins)
    house = houses.open(options, plugins)
    gate = house.gate
    ann, bob, carl = gate:connect "ann", gate:connect "bob", gate:connect "carl"
  end

  local function ask(...) return house:ask(...) end
  local function refused(...) return house:refused(...) end
  local function heard(conn) return house:heard(conn) end
  local function now() return gate.core.now_ms end

  local OPTIONS = { max_members = 10000, history = 100, who_may_say = "everyone",
    slow_mode_ms = 0, retention_ms = 2592000000 }

  before_each(function() load() end)

  describe("create", function()
    it("makes one, which its maker owns, and which is there without members", function()
      assert.same({ room = "tea", kind = "public", title = "Tea", topic = "hot", role = "owner",
        options = OPTIONS, count = 0, at = now() },
        (ask(ann, "create", "tea", { title = "Tea", topic = "hot" })))
      assert.same({ room = "tea", kind = "public", title = "Tea", topic = "hot", role = "guest",
        options = OPTIONS, count = 1, members = { "bob" }, at = now() }, (ask(bob, "join", "tea")))
      ask(bob, "leave", "tea")
      assert.equal("owner", ask(ann, "join", "tea").role)
    end)

    it("says what is wrong with what it was asked", function()
      for _, case in ipairs {
        { "tea", { kind = "cave" }, "bad_request", "data.kind: expected public, unlisted" },
        { "tea", { kind = "ephemeral" }, "bad_request", "data.kind: " },
        { "tea", { title = "\n" }, "bad_request", "data.title: " },
        { "tea", { options = { history = -1 } }, "bad_options", "data.options.history: " },
        { "tea", { options = 7 }, "bad_options", "data.options: expected an object" },
        { "tea", { password = "x" }, "bad_request", "data.password: only a private room" },
        { "tea", { kind = "private", password = ("x"):rep(129) }, "bad_request", "data.password" },
        { "tea", { kind = "private", password = "" }, "bad_request", "data.password: expected" },
        { "", {}, "bad_room", "1 to 64 bytes" },
        { "@ann,bob", {}, "bad_room", "rooms of two" },
      } do
        local data, code, text = ask(ann, "create", case[1], case[2])
        assert.is_nil(data)
        assert.equal(case[3], code)
        assert.is_truthy(text:find(case[4], 1, true), text)
      end
      assert.equal("bad_request", refused(ann, "create", 7))
      assert.equal("no_such_room", refused(ann, "describe", "tea"))
    end)

    it("takes no name that others use", function()
      ask(ann, "create", "tea")
      assert.equal("room_exists", refused(bob, "create", "tea"))
      ask(bob, "join", "milk")
      assert.equal("room_exists", refused(ann, "create", "milk"))
      assert.equal("unlisted", ask(bob, "create", "milk", { kind = "unlisted" }).kind)
      local view = ask(bob, "join", "milk")
      assert.same({ "unlisted", "owner", { "bob" } }, { view.kind, view.role, view.members })
    end)

    it("has limits for each user, and for all", function()
      load { max_owned = 2, max_rooms = 3 }
      ask(ann, "create", "one")
      ask(ann, "create", "two")
      assert.same({ nil, "too_many_rooms", "at most 2 rooms of one user" },
        { ask(ann, "create", "three") })
      ask(bob, "create", "three")
      assert.same({ nil, "too_many_rooms", "no more rooms can be made here" },
        { ask(bob, "create", "four") })
      ask(ann, "archive", "two")
      ask(ann, "delete_room", "two")
      assert.is_truthy(ask(bob, "create", "four"))
      assert.matches('plugin_rooms_refused_total{code="too_many_rooms"} 2\n',
        gate.world.metric.text())
    end)

    it("counts direct rooms for themselves", function()
      load { max_owned = 1, max_rooms = 1, max_direct = 3, max_direct_made = 2 }
      local function direct(conn, user) return refused(conn, "direct", nil, { user = user }) end
      ask(ann, "create", "tea")
      assert.is_nil(direct(ann, "bob"))
      assert.is_nil(direct(ann, "carl"))
      assert.same({ nil, "too_many_rooms", "at most 2 rooms of one user" },
        { ask(ann, "direct", nil, { user = "dan" }) })
      assert.is_nil(direct(bob, "dan"))
      assert.is_nil(direct(bob, "ann"))
      assert.same({ nil, "too_many_rooms", "no more rooms can be made here" },
        { ask(bob, "direct", nil, { user = "carl" }) })
      assert.equal("too_many_rooms", refused(bob, "create", "milk"))
    end)

    it("is not for guests where that is not wanted", function()
      load { guests_create = false }
      ann.state.auth = { guest = true }
      assert.equal("not_allowed", refused(ann, "create", "tea"))
      assert.equal("not_allowed", refused(ann, "direct", nil, { user = "bob" }))
      assert.is_truthy(ask(bob, "create", "tea"))
    end)
  end)

  describe("without create_on_join", function()
    it("are the only ones", function()
      load { create_on_join = false }
      assert.equal("no_such_room", refused(bob, "join", "tea"))
      ask(ann, "create", "tea")
      assert.equal("guest", ask(bob, "join", "tea").role)
    end)
  end)

  describe("describe", function()
    it("shows a room to those who may see it, and more to those who look after it", function()
      ask(ann, "create", "tea", { kind = "private" })
      local _, code, text = ask(bob, "describe", "tea")
      assert.same({ code, text }, { select(2, ask(bob, "describe", "none")) })
      assert.equal("no_such_room", code)
      ask(ann, "role", "tea", { user = "bob", role = "member" })
      local shown = ask(bob, "describe", "tea")
      assert.same({ "private", "member", "ann", now() },
        { shown.kind, shown.role, shown.owner, shown.created_at })
      assert.is_nil(shown.roles)
      assert.is_nil(shown.invites)
      ask(ann, "invite", "tea")
      shown = ask(ann, "describe", "tea")
      assert.same({ bob = "member" }, shown.roles)
      assert.is_truthy(next(shown.invites))
    end)

    it("gives nothing away that is the room's own, as other replies do not", function()
      load(nil, { spoiler = [[return function(gate)
        local rooms = gate:use("rooms", "1.0")
        gate:on("record", function(_, message)
          local record = rooms.find(message.room)
          return { options = record.options, roles = record.roles, invites = record.invites }
        end)
        local function spoil(_, _, data)
          data.options.who_may_say = "nobody"
          for _, set in ipairs { data.roles or {}, data.invites or {} } do
            for key, value in pairs(set) do
              if type(value) == "table" then value.uses = -1 end
              set[key] = "owner"
            end
            set.eve = "owner"
          end
        end
        for _, name in ipairs { "create", "join", "describe", "set", "direct" } do
          gate:after(name, spoil)
        end
      end]] })
      ask(ann, "create", "tea", { kind = "private" })
      ask(ann, "set", "tea", { topic = "hot" })
      ask(ann, "role", "tea", { user = "bob", role = "member" })
      local code = ask(ann, "invite", "tea").code
      ask(ann, "join", "tea")
      ask(ann, "describe", "tea")
      local record = ask(ann, "record", "tea")
      assert.same(OPTIONS, record.options)
      assert.same({ bob = "member" }, record.roles)
      assert.equal(1, record.invites[code].uses)
      assert.is_nil(next(record.invites, code))
      ask(ann, "direct", nil, { user = "bob" })
      assert.same(OPTIONS, ask(ann, "record", "@ann,bob").options)
    end)

    it("knows rooms that a join has made, and no others", function()
      assert.equal("no_such_room", refused(ann, "describe", "tea"))
      ask(bob, "join", "tea")
      local shown = ask(ann, "describe", "tea")
      assert.same({ "ephemeral", 1 }, { shown.kind, shown.count })
      ask(bob, "leave", "tea")
      assert.equal("no_such_room", refused(ann, "describe", "tea"))
    end)
  end)

  describe("set", function()
    before_each(function()
      ask(ann, "create", "tea", { title = "Tea" })
      ask(ann, "role", "tea", { user = "bob", role = "moderator" })
      for _, conn in ipairs { ann, bob, carl } do ask(conn, "join", "tea") end
      for _, conn in ipairs { ann, bob, carl } do heard(conn) end
    end)

    it("changes what is named, and tells those who are in", function()
      local view = ask(ann, "set", "tea", { topic = "hot", options = { history = 5 } })
      assert.same({ "Tea", "hot", 5, 10000 },
        { view.title, view.topic, view.options.history, view.options.max_members })
      assert.same({ type = "room_changed", room = "tea", title = "Tea", topic = "hot",
        options = view.options, by = "ann", at = now() }, heard(carl)[1])
      ask(ann, "set", "tea", { title = "" })
      assert.is_nil(ask(carl, "describe", "tea").title)
    end)

    it("is for moderators when it is about texts, for the owner when about options", function()
      assert.equal("not_allowed", refused(carl, "set", "tea", { topic = "x" }))
      assert.is_truthy(ask(bob, "set", "tea", { topic = "x" }))
      assert.equal("not_allowed", refused(bob, "set", "tea", { options = { history = 5 } }))
      assert.equal("not_allowed", refused(bob, "set", "tea", { password = "x" }))
    end)

    it("changes nothing when a part of it is wrong", function()
      assert.equal("bad_options", refused(ann, "set", "tea", { topic = "x",
        options = { history = 5, slow_mode_ms = 1.5 } }))
      assert.equal("bad_request", refused(ann, "set", "tea", { topic = 7 }))
      assert.equal("bad_request", refused(ann, "set", "tea", { topic = "x", password = "y" }))
      local shown = ask(carl, "describe", "tea")
      assert.same({ 100, nil }, { shown.options.history, shown.topic })
      assert.same({}, heard(carl))
    end)
  end)

  it("let no more in than max_members, each user once", function()
    ask(ann, "create", "tea", { options = { max_members = 2 } })
    ask(ann, "join", "tea")
    ask(bob, "join", "tea")
    assert.same({ nil, "too_many_members", "the room is full" }, { ask(carl, "join", "tea") })
    assert.is_truthy(ask(gate:connect "bob", "join", "tea"))
    ask(ann, "leave", "tea")
    assert.is_truthy(ask(carl, "join", "tea"))
  end)

  describe("say", function()
    local function make(options, kind)
      ask(ann, "create", "tea", { options = options, kind = kind })
      ask(ann, "role", "tea", { user = "bob", role = "member" })
      for _, conn in ipairs { ann, bob, carl } do ask(conn, "join", "tea") end
    end

    it("is for those whom who_may_say names", function()
      make { who_may_say = "members" }
      assert.is_truthy(ask(ann, "say", "tea", "hello"))
      assert.is_truthy(ask(bob, "say", "tea", "hello"))
      assert.same({ nil, "not_allowed", "say: not as guest in this room" },
        { ask(carl, "say", "tea", "hello") })
      carl.state.admin = true
      assert.is_truthy(ask(carl, "say", "tea", "hello"))
      ask(ann, "set", "tea", { options = { who_may_say = "owner" } })
      assert.equal("not_allowed", refused(bob, "say", "tea", "hello"))
      assert.is_truthy(ask(ann, "say", "tea", "hello"))
    end)

    it("is for those who look after it in an announcement room", function()
      make(nil, "announcement")
      assert.equal("not_allowed", refused(bob, "say", "tea", "hello"))
      assert.is_truthy(ask(ann, "say", "tea", "hello"))
      assert.equal("hello", carl.heard[#carl.heard].data)
    end)

    it("keeps slow mode, on all devices, but for those who look after the room", function()
      make { slow_mode_ms = 5000 }
      local phone = gate:connect "bob"
      ask(phone, "join", "tea")
      assert.is_truthy(ask(bob, "say", "tea", "one"))
      assert.same({ nil, "slow_mode", "wait 5 s", true }, { ask(phone, "say", "tea", "two") })
      assert.is_truthy(ask(carl, "say", "tea", "three"))
      for _ = 1, 2 do assert.is_truthy(ask(ann, "say", "tea", "four")) end
      ask(bob, "leave", "tea")
      ask(bob, "join", "tea")
      assert.equal("slow_mode", refused(bob, "say", "tea", "five"))
      gate:later(5000)
      assert.is_truthy(ask(bob, "say", "tea", "six"))
      assert.matches('plugin_messages_refused_total{code="slow_mode"} 2\n',
        gate.world.metric.text())
      gate:later(120000)
      assert.same({}, gate.world.state.of("messages").slow)
    end)
  end)

  describe("rename", function()
    it("takes along what is remembered of what was said, whoever gives it another name", function()
      load(nil, { desk = [[return function(gate)
        local rooms = gate:use("rooms", "1.0")
        gate:on("call", function(_, message)
          return rooms.act("rename", "api:ops", message.room, { name = "chai" })
        end)
        gate:after("room_renamed", function(...) gate.state.told = { ... } end)
      end]] })
      ask(ann, "create", "tea")
      ask(bob, "join", "tea")
      local id = ask(bob, "say", "tea", "hello").id
      gate:deliver(bob, { type = "read", room = "tea", message_id = id })
      ask(ann, "call", "tea")
      assert.same({ "tea", "chai" }, gate.world.state.of("desk").told)
      local again = ask(bob, "join", "chai")
      assert.same({ id, id }, { again.last, again.read })
      assert.is_truthy(gate:deliver(bob, { type = "edit", room = "chai", message_id = id,
        data = "hi" }))
    end)

    before_each(function()
      ask(ann, "create", "tea", { title = "Tea" })
      for _, conn in ipairs { ann, bob } do ask(conn, "join", "tea") end
      for _, conn in ipairs { ann, bob } do heard(conn) end
    end)

    it("takes members, roles and states along", function()
      gate.world.room.find("tea").state.poll = { question = "?" }
      assert.same({ room = "chai", at = now() }, (ask(ann, "rename", "tea", { name = "chai" })))
      assert.same({ { type = "room_renamed", room = "tea", name = "chai", by = "ann",
        at = now() } }, heard(bob))
      assert.equal("not_a_member", refused(bob, "say", "tea", "hello"))
      assert.is_truthy(ask(bob, "say", "chai", "hello"))
      assert.equal("hello", heard(ann)[2].data)
      local view = ask(ann, "join", "chai")
      assert.same({ "owner", "Tea", { "ann", "bob" } }, { view.role, view.title, view.members })
      assert.equal("?", gate.world.room.find("chai").state.poll.question)
      assert.equal("no_such_room", refused(ann, "describe", "tea"))
      gate:close(bob)
      assert.equal("left", heard(ann)[1].type)
    end)

    it("is refused to others, for names that are none, and for those that are taken", function()
      assert.equal("not_allowed", refused(bob, "rename", "tea", { name = "chai" }))
      for _, name in ipairs { "", 7, "@a,b", ("t"):rep(65) } do
        assert.equal("bad_room", refused(ann, "rename", "tea", { name = name }))
      end
      ask(ann, "create", "milk")
      ask(ann, "join", "water")
      for _, name in ipairs { "tea", "milk", "water" } do
        assert.equal("room_exists", refused(ann, "rename", "tea", { name = name }))
      end
    end)

    it("tells those who could not be taken along that they are out", function()
      gate.core.answers.moon_join = gate.core.C.MOON_EFULL
      ask(ann, "rename", "tea", { name = "chai" })
      gate.core.answers.moon_join = nil
      assert.same({ "room_renamed", "left" }, { bob.heard[1].type, bob.heard[2].type })
      assert.equal(0, ask(ann, "describe", "chai").count)
      assert.same({ "bob" }, ask(bob, "join", "chai").members)
    end)
  end)

  describe("archive", function()
    before_each(function()
      ask(ann, "create", "tea")
      for _, conn in ipairs { ann, bob } do ask(conn, "join", "tea") end
      for _, conn in ipairs { ann, bob } do heard(conn) end
    end)

    it("leaves them to be read, until it is taken back", function()
      assert.same({ room = "tea", archived = true, at = now() }, (ask(ann, "archive", "tea")))
      assert.same({ { type = "room_archived", room = "tea", archived = true, by = "ann",
        at = now() } }, heard(bob))
      ask(ann, "archive", "tea")
      assert.same({}, heard(bob))
      for type_name, data in pairs { say = "hello", set = { topic = "x" },
        role = { user = "bob", role = "member" }, rename = { name = "chai" }, invite = {} } do
        assert.equal("archived", refused(ann, type_name, "tea", data))
      end
      assert.is_true(ask(carl, "join", "tea").archived)
      assert.is_truthy(ask(ann, "unarchive", "tea"))
      assert.is_truthy(ask(carl, "say", "tea", "hello"))
    end)

    it("comes before delete, which is for the owner and takes everybody out", function()
      assert.equal("not_archived", refused(ann, "delete_room", "tea"))
      ask(ann, "archive", "tea")
      assert.equal("not_allowed", refused(bob, "delete_room", "tea"))
      heard(bob)
      assert.is_truthy(ask(ann, "delete_room", "tea"))
      assert.same({ { type = "room_deleted", room = "tea", by = "ann", at = now() } }, heard(bob))
      assert.equal("not_a_member", refused(bob, "say", "tea", "hello"))
      assert.equal("no_such_room", refused(ann, "describe", "tea"))
      assert.equal("ephemeral", ask(bob, "join", "tea").kind)
    end)

    it("takes with it what is remembered of what was said", function()
      local id = ask(bob, "say", "tea", "hello").id
      gate:deliver(bob, { type = "typing", room = "tea" })
      gate:deliver(bob, { type = "read", room = "tea", message_id = id })
      ask(ann, "archive", "tea")
      assert.equal(id, ask(bob, "join", "tea").last)
      ask(ann, "delete_room", "tea")
      local again = ask(bob, "join", "tea")
      assert.same({ "ephemeral" }, { again.kind, again.last, again.read })
      local state = gate.world.state.of "messages"
      assert.same({ 0, 0, 0 }, { state.recent.total, state.typing.count, state.markers.count })
      assert.is_true(ask(bob, "say", "tea", "hello").id > id)
    end)

    it("is told to other plugins, by the room's name", function()
      load(nil, { hearer = [[return function(gate)
        gate:after("room_deleted", function(...) gate.state.told = { ... } end)
      end]] })
      ask(ann, "create", "tea")
      ask(ann, "archive", "tea")
      assert.is_nil(gate.world.state.of("hearer").told)
      ask(ann, "delete_room", "tea")
      assert.same({ "tea" }, gate.world.state.of("hearer").told)
    end)
  end)
end)
