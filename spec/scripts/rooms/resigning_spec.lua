local houses = require "spec.support.house"

describe("a role in a room", function()
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

  --- Names of the user's rooms.
  local function mine(conn)
    local found = {}
    for i, each in ipairs(ask(conn, "rooms", nil, {}).list) do found[i] = each.room end
    return table.concat(found, " ")
  end

  before_each(function() load() end)

  describe("that is given up", function()
    it("takes its user out of a private room, and that off their list", function()
      ask(ann, "create", "den", { kind = "private" })
      ask(ann, "role", "den", { user = "bob", role = "moderator" })
      for _, conn in ipairs { ann, bob } do ask(conn, "join", "den") end
      for _, conn in ipairs { ann, bob } do heard(conn) end
      assert.equal("den", mine(bob))
      assert.same({ room = "den", at = now() }, (ask(bob, "resign", "den")))
      assert.equal("", mine(bob))
      local changed = { type = "role_changed", room = "den", user = "bob", role = "guest",
        by = "bob", at = now() }
      local left = { type = "left", room = "den", user = "bob", reason = "role", at = now() }
      assert.same({ changed, left }, heard(ann))
      assert.same({ changed, left }, heard(bob))
      assert.equal("no_such_room", refused(bob, "resign", "den"))
    end)

    it("leaves who is in a public room there, as a guest", function()
      ask(ann, "create", "tea")
      ask(ann, "role", "tea", { user = "bob", role = "member" })
      ask(bob, "join", "tea")
      assert.is_truthy(ask(bob, "resign", "tea"))
      assert.same({ "guest", { "bob" } },
        { ask(bob, "join", "tea").role, ask(bob, "members", "tea").members })
      assert.equal("not_a_member", refused(bob, "resign", "tea"))
    end)

    it("is not the owner's", function()
      ask(ann, "create", "tea")
      assert.same({ nil, "not_allowed", "hand the room over first, or delete it" },
        { ask(ann, "resign", "tea") })
      assert.equal("owner", ask(ann, "join", "tea").role)
    end)
  end)

  describe("that has changed is told", function()
    --- What a connection hears of it: user and role of each.
    local function told(conn)
      local found = {}
      for _, push in ipairs(heard(conn)) do
        if push.type == "role_changed" then found[#found + 1] = push.user .. " " .. push.role end
      end
      return found
    end

    local function give(user, role) ask(ann, "role", "tea", { user = user, role = role }) end

    before_each(function()
      ask(ann, "create", "tea")
      ask(ann, "join", "tea")
    end)

    it("to all devices of the user once, whichever of them are in the room", function()
      local phone = gate:connect "bob"
      ask(bob, "join", "tea")
      give("bob", "member")
      assert.same({ { "bob member" }, { "bob member" }, { "bob member" } },
        { told(ann), told(bob), told(phone) })
      ask(bob, "resign", "tea")
      assert.same({ { "bob guest" }, { "bob guest" }, { "bob guest" } },
        { told(ann), told(bob), told(phone) })
    end)

    it("to other devices while the one in the room may come back", function()
      load({ presence = true }, { presence = [[return function(gate)
        gate:provide("1.1", { grace_ms = 30000, is_final = function() return false end,
          state_of = function() return "away" end })
      end]] })
      ask(ann, "create", "tea")
      ask(ann, "join", "tea")
      ask(bob, "join", "tea")
      local phone = gate:connect "bob"
      gate:close(bob, "lost", 1006)
      give("bob", "member")
      assert.same({ "bob member" }, told(phone))
    end)

    it("to a stranger only who is more than a member now", function()
      give("bob", "member")
      assert.same({ {}, { "bob member" } }, { told(bob), told(ann) })
      give("carl", "moderator")
      assert.same({ "carl moderator" }, told(carl))
    end)

    it("to no stranger who is no member any more", function()
      give("bob", "member")
      give("bob", "guest")
      assert.same({ {}, { "bob member", "bob guest" } }, { told(bob), told(ann) })
    end)

    it("to who is not in, and has given it up, or looked after the room", function()
      give("bob", "member")
      ask(bob, "resign", "tea")
      assert.same({ "bob guest" }, told(bob))
      ask(bob, "join", "tea")
      ask(ann, "role", "tea", { user = "bob", role = "owner" })
      ask(ann, "leave", "tea")
      heard(ann)
      ask(bob, "role", "tea", { user = "ann", role = "guest" })
      assert.same({ "ann guest" }, told(ann))
    end)
  end)

  describe("with the right to invite", function()
    local invite

    before_each(function()
      ask(ann, "create", "priv", { kind = "private" })
      ask(ann, "role", "priv", { user = "bob", role = "moderator" })
      ask(bob, "join", "priv")
      invite = ask(bob, "invite", "priv", { uses = 5 }).code
    end)

    local function invites()
      local codes = {}
      for code in pairs(ask(ann, "describe", "priv").invites) do codes[#codes + 1] = code end
      return codes
    end

    it("takes the invites along, so that nobody comes back by one of their own", function()
      assert.is_truthy(ask(bob, "resign", "priv"))
      assert.same({}, invites())
      assert.equal("bad_invite", refused(bob, "join", "priv", { invite = invite }))
      assert.equal("bad_invite", refused(carl, "join", "priv", { invite = invite }))
    end)

    it("takes them along when another takes the role away, and leaves those of others", function()
      local other = ask(ann, "invite", "priv", { user = "bob" }).code
      ask(ann, "role", "priv", { user = "bob", role = "member" })
      assert.same({ other }, invites())
      ask(ann, "role", "priv", { user = "bob", role = "guest" })
      assert.equal("bad_invite", refused(bob, "join", "priv", { invite = invite }))
      assert.is_truthy(ask(bob, "join", "priv", { invite = other }))
    end)

    it("takes them along in an archived room, too", function()
      ask(ann, "archive", "priv")
      assert.is_truthy(ask(bob, "resign", "priv"))
      ask(ann, "unarchive", "priv")
      assert.same({}, invites())
    end)

    it("leaves those of an owner who hands the room over, and is a moderator", function()
      local own = ask(ann, "invite", "priv").code
      ask(ann, "role", "priv", { user = "bob", role = "owner" })
      assert.is_truthy(ask(carl, "join", "priv", { invite = own }))
      assert.is_truthy(ask(carl, "resign", "priv"))
      assert.is_truthy(ask(carl, "join", "priv", { invite = invite }))
    end)
  end)

  describe("in a direct room", function()
    it("is given up, for good as far as the other one is concerned", function()
      load { max_direct_made = 1 }
      ask(ann, "direct", nil, { user = "bob" })
      assert.equal("invited", heard(bob)[1].type)
      assert.equal("too_many_rooms", refused(ann, "direct", nil, { user = "carl" }))
      ask(bob, "resign", "@ann,bob")
      assert.equal("", mine(bob))
      heard(bob)
      for _ = 1, 2 do
        ask(ann, "leave", "@ann,bob")
        ask(ann, "direct", nil, { user = "bob" })
      end
      assert.same({}, heard(bob))
      assert.equal("", mine(bob))
      ask(ann, "resign", "@ann,bob")
      assert.equal("member", ask(bob, "direct", nil, { user = "ann" }).role)
      assert.equal("@ann,bob", mine(bob))
    end)

    it("counts as its maker's as long as it is there, resigned or not", function()
      load { max_direct_made = 2 }
      for _, user in ipairs { "bob", "carl" } do
        local room = ask(ann, "direct", nil, { user = user }).room
        assert.is_truthy(ask(ann, "resign", room))
      end
      assert.equal("too_many_rooms", refused(ann, "direct", nil, { user = "dan" }))
      assert.equal("@ann,bob", ask(ann, "direct", nil, { user = "bob" }).room) -- is one of them
      assert.equal("too_many_rooms", refused(ann, "direct", nil, { user = "dan" }))
      assert.is_truthy(ask(bob, "direct", nil, { user = "carl" })) -- none of his
      ask(ann, "resign", "@ann,bob")
      ann.state.admin = true
      ask(ann, "archive", "@ann,bob")
      ask(ann, "delete_room", "@ann,bob")
      assert.is_truthy(ask(ann, "direct", nil, { user = "dan" }))
    end)

    it("is told once, when the other one is there", function()
      ask(ann, "direct", nil, { user = "dan" })
      ask(ann, "leave", "@ann,dan")
      local dan = gate:connect "dan"
      for _ = 1, 3 do
        ask(ann, "direct", nil, { user = "dan" })
        ask(ann, "leave", "@ann,dan")
      end
      assert.equal(1, #heard(dan))
    end)

    it("is told later to one who was there, but not to hear it", function()
      local game = gate:connect "dan"
      game.route, game.protocol = "/game", "dice"
      ask(ann, "direct", nil, { user = "dan" })
      assert.same({}, heard(game))
      local dan = gate:connect "dan"
      for _ = 1, 2 do ask(ann, "direct", nil, { user = "dan" }) end
      assert.equal("invited", houses.types(heard(dan)))
    end)
  end)

  describe("of the owner", function()
    local function hand_over(conn, user)
      return ask(conn, "role", "tea", { user = user, role = "owner" })
    end

    before_each(function()
      ask(ann, "create", "tea")
      ask(bob, "join", "tea")
      heard(bob)
    end)

    it("is handed over to one who is in, and the owner before is a moderator", function()
      assert.same({ room = "tea", user = "bob", role = "owner", at = now() },
        (hand_over(ann, "bob")))
      assert.same({ "role_changed", "owner" }, { bob.heard[1].type, bob.heard[1].role })
      assert.same({ "role_changed", "moderator", "ann" },
        { bob.heard[2].type, bob.heard[2].role, bob.heard[2].user })
      local shown = ask(bob, "describe", "tea")
      assert.same({ "bob", "owner", { ann = "moderator" } },
        { shown.owner, shown.role, shown.roles })
      assert.is_truthy(ask(ann, "resign", "tea"))
    end)

    it("is nobody else's to give, and goes to nobody who is not in", function()
      assert.same({ nil, "not_a_member", "the next owner must be in the room" },
        { hand_over(ann, "carl") })
      assert.equal("not_allowed", (select(2, hand_over(ann, "ann"))))
      ask(ann, "role", "tea", { user = "carl", role = "moderator" })
      assert.equal("not_allowed", (select(2, hand_over(carl, "bob"))))
      carl.state.admin = true
      assert.is_truthy(hand_over(carl, "bob"))
      ask(ann, "direct", nil, { user = "bob" })
      assert.equal("not_allowed", refused(ann, "role", "@ann,bob", { user = "bob",
        role = "owner" }))
    end)

    it("counts for whom it is handed over to", function()
      load { max_owned = 1 }
      ask(ann, "create", "tea")
      ask(bob, "create", "milk")
      ask(bob, "join", "tea")
      assert.equal("too_many_rooms", (select(2, hand_over(ann, "bob"))))
      ask(carl, "join", "tea")
      assert.is_truthy(hand_over(ann, "carl"))
      assert.equal("too_many_rooms", refused(carl, "create", "water"))
      assert.is_truthy(ask(ann, "create", "water"))
    end)
  end)
end)
