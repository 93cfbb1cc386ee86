local houses = require "spec.support.house"

-- What is done with the rooms themselves: rooms_made_spec.lua.
describe("rooms that somebody has made, and those in them:", function()
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

  before_each(function() load() end)

  describe("role", function()
    before_each(function()
      ask(ann, "create", "tea", { kind = "private" })
      ask(ann, "join", "tea")
      heard(ann)
    end)

    it("is told to the room, and to whom it is about", function()
      assert.is_truthy(ask(ann, "role", "tea", { user = "bob", role = "member" }))
      local push = { type = "role_changed", room = "tea", user = "bob", role = "member",
        by = "ann", at = now() }
      assert.same({ push }, heard(ann))
      assert.same({}, heard(bob)) -- who is a stranger yet
      assert.equal("member", ask(bob, "join", "tea").role)
      heard(bob)
      ask(ann, "role", "tea", { user = "bob", role = "moderator" })
      push.role = "moderator"
      assert.same({ push }, heard(bob))
      assert.is_truthy(ask(ann, "role", "tea", { user = "bob", role = "moderator" }))
      assert.equal(0, #heard(bob))
    end)

    it("is given by those above, and only below their own", function()
      ask(ann, "role", "tea", { user = "bob", role = "moderator" })
      assert.is_truthy(ask(bob, "role", "tea", { user = "carl", role = "member" }))
      assert.equal("not_allowed", refused(carl, "role", "tea", { user = "dan", role = "member" }))
      for user, role in pairs { carl = "moderator", bob = "guest", ann = "guest" } do
        assert.equal("not_allowed", refused(bob, "role", "tea", { user = user, role = role }))
      end
      for _, data in ipairs { { user = "carl", role = "king" }, { user = "", role = "member" },
        { user = "carl" }, { role = "member" }, { user = ("x"):rep(129), role = "member" },
        { user = "a\194\133b", role = "member" }, { user = " carl", role = "member" } } do
        assert.equal("bad_request", refused(ann, "role", "tea", data))
      end
    end)

    it("taken away, it takes a member out of a private room", function()
      ask(ann, "role", "tea", { user = "bob", role = "member" })
      local phone = gate:connect "bob"
      for _, conn in ipairs { bob, phone } do ask(conn, "join", "tea") end
      heard(ann)
      heard(phone)
      ask(ann, "role", "tea", { user = "bob", role = "guest" })
      local left = { type = "left", room = "tea", user = "bob", reason = "role", at = now() }
      assert.same(left, heard(phone)[2])
      assert.same(left, heard(ann)[2])
      assert.equal("not_a_member", refused(bob, "say", "tea", "hello"))
      assert.equal("not_allowed", refused(bob, "join", "tea"))
    end)

    it("is for 1,000 users at most", function()
      for n = 1, 1000 do ask(ann, "role", "tea", { user = "u" .. n, role = "member" }) end
      assert.equal("too_many_members", refused(ann, "role", "tea", { user = "x", role = "member" }))
      assert.is_truthy(ask(ann, "role", "tea", { user = "u7", role = "moderator" }))
      ask(ann, "role", "tea", { user = "u7", role = "guest" })
      assert.is_truthy(ask(ann, "role", "tea", { user = "x", role = "member" }))
    end)
  end)

  describe("direct", function()
    it("is one room of two, whoever asks, and the other is told", function()
      local view = ask(bob, "direct", nil, { user = "ann" })
      assert.same({ "@ann,bob", "direct", "member", { "bob" } },
        { view.room, view.kind, view.role, view.members })
      assert.same({ { type = "invited", room = "@ann,bob", kind = "direct", by = "bob",
        at = now() } }, heard(ann))
      ask(bob, "direct", nil, { user = "ann" })
      assert.same({}, heard(ann))
      assert.same({ "ann", "bob" }, ask(ann, "direct", nil, { user = "bob" }).members)
      assert.is_truthy(ask(ann, "say", "@ann,bob", "psst"))
      assert.equal("psst", bob.heard[#bob.heard].data)
    end)

    it("is nobody else's", function()
      ask(bob, "direct", nil, { user = "ann" })
      for _, data in ipairs { {}, { invite = "x" }, { password = "x" } } do
        assert.equal("no_such_room", refused(carl, "join", "@ann,bob", data))
      end
      assert.equal("no_such_room", refused(carl, "describe", "@ann,bob"))
      assert.equal("no_such_room", refused(carl, "join", "@carl,dan"))
      assert.equal("not_allowed", refused(bob, "set", "@ann,bob", { topic = "x" }))
      assert.is_truthy(ask(ann, "join", "@ann,bob"))
    end)

    it("needs another user", function()
      for _, user in ipairs { "ann", "", 7, ("x"):rep(129), "a\nb", "a\194\133b", "ann " } do
        assert.equal("bad_request", refused(ann, "direct", nil, { user = user }))
      end
      assert.equal("bad_request", refused(ann, "direct"))
    end)

    it("has a name of at most 300 bytes, or is not made", function()
      local commas = (","):rep(98) -- of 3 bytes each in a room's name
      local long, longer = gate:connect("a" .. commas), gate:connect("ab" .. commas)
      local view = ask(long, "direct", nil, { user = "bob" })
      assert.equal(300, #view.room)
      assert.equal(view.room, ask(bob, "join", view.room).room)
      local data, code, text = ask(longer, "direct", nil, { user = "bob" })
      assert.same({ nil, "bad_room" }, { data, code })
      assert.matches("^data.user: the names of you two are too long", text)
      assert.equal("bad_room", refused(bob, "direct", nil, { user = "ab" .. commas }))
      assert.same({}, heard(longer))
    end)

    it("counts among the direct rooms that one has made", function()
      load { max_direct_made = 1 }
      ask(ann, "direct", nil, { user = "bob" })
      assert.equal("too_many_rooms", refused(ann, "direct", nil, { user = "carl" }))
      assert.is_truthy(ask(bob, "direct", nil, { user = "ann" }))
    end)
  end)

  it("are asked for with null for what is left out", function()
    local null = gate.world.json.null
    local made = ask(ann, "create", "den", { kind = null, title = null, password = null,
      options = { history = null, slow_mode_ms = 1000 } })
    assert.same({ "public", 100, 1000 },
      { made.kind, made.options.history, made.options.slow_mode_ms })
    ask(ann, "set", "den", { topic = "x", title = null, options = null })
    assert.equal("x", ask(ann, "set", "den", { topic = null, options = { history = null } }).topic)
    ask(ann, "create", "cave", { kind = "private", password = "sesame" })
    assert.equal("member",
      ask(bob, "join", "cave", { invite = null, password = "sesame" }).role)
    assert.equal("ephemeral", ask(bob, "join", "bar", { invite = null, password = null }).kind)
    assert.equal(2, #ask(bob, "rooms", nil, { kind = null, text = null, prefix = null,
      archived = null, after = null, limit = 2 }).list)
    assert.is_truthy(ask(bob, "members", "bar", { after = null, limit = null }))
    assert.equal(1, ask(ann, "invite", "cave", { user = null, revoke = null, uses = null }).uses)
    assert.equal("bad_request", refused(ann, "role", "cave", { user = null, role = "member" }))
  end)

  it("are not made by who brings an invite or a password, and has mistaken the name", function()
    for _, data in ipairs { { invite = "token" }, { password = "sesame" } } do
      assert.equal("no_such_room", refused(bob, "join", "dne", data))
      assert.equal("no_such_room", refused(ann, "describe", "dne"))
    end
    assert.equal("ephemeral", ask(bob, "join", "dne", {}).kind)
  end)

  describe("rooms", function()
    local function names(conn, data)
      local answer, found = ask(conn, "rooms", nil, data), {}
      for i, each in ipairs(answer.list) do found[i] = each.room end
      return table.concat(found, " "), answer.next
    end

    before_each(function()
      for name, kind in pairs { tea = "public", talk = "unlisted", den = "private",
        news = "announcement" } do
        ask(ann, "create", name, { kind = kind, topic = "about " .. name })
      end
      ask(bob, "join", "bar")
      ask(bob, "direct", nil, { user = "ann" })
      ask(bob, "join", "tea")
    end)

    it("lists what everybody may find, and of the others one's own", function()
      assert.equal("bar news tea", names(carl, {}))
      assert.equal("@ann,bob bar den news talk tea", names(ann, {}))
      assert.equal("@ann,bob bar news tea", names(bob, {}))
      assert.same({ list = { { room = "tea", kind = "public", topic = "about tea", count = 1 } } },
        (ask(carl, "rooms", nil, { prefix = "t" })))
      assert.equal("news", names(carl, { kind = "announcement" }))
      assert.equal("bar", names(carl, { kind = "ephemeral" }))
      assert.equal("den", names(ann, { text = "ABOUT DEN" }))
    end)

    it("lists them in pages", function()
      assert.same({ "bar news", "news" }, { names(carl, { limit = 2 }) })
      assert.same({ "tea" }, { names(carl, { limit = 2, after = "news" }) })
      assert.equal("bad_request", refused(carl, "rooms", nil, { limit = 0 }))
      assert.equal("bad_request", refused(carl, "rooms", nil, { kind = 7 }))
    end)

    it("has archived ones apart", function()
      ask(ann, "archive", "tea")
      assert.equal("bar news", names(carl, {}))
      assert.equal("tea", names(carl, { archived = true }))
    end)

    it("without data has those with somebody in them that are for all", function()
      assert.same({ rooms = { bar = 1, tea = 1 } }, (ask(ann, "rooms")))
    end)
  end)

  it("have members in pages", function()
    ask(ann, "create", "tea")
    for n = 1, 5 do ask(gate:connect("u" .. n), "join", "tea") end
    ask(ann, "join", "tea")
    assert.same({ room = "tea", members = { "ann", "u1", "u2" }, count = 6, next = "u2" },
      (ask(ann, "members", "tea", { limit = 3 })))
    assert.same({ room = "tea", members = { "u3", "u4", "u5" }, count = 6 },
      (ask(ann, "members", "tea", { limit = 3, after = "u2" })))
    assert.equal("bad_request", refused(ann, "members", "tea", { limit = 501 }))
  end)
end)
