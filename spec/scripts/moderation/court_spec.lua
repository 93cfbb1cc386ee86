local courtrooms = require "spec.support.courtroom"

describe("a court", function()
  local courtroom

  local function ask(...) return courtroom:ask(...) end
  local function refused(...) return courtroom:refused(...) end

  before_each(function() courtroom = courtrooms.open() end)

  describe("ranks", function()
    local VERBS = { "kick", "ban", "unban", "mute", "unmute", "shadow_mute" }

    it("let nobody moderate one as high as they are, or higher", function()
      for _, verb in ipairs(VERBS) do
        courtroom = courtrooms.open()
        ask("ann", "role", { user = "carl", role = "moderator" })
        for _, pair in ipairs { { "bob", "bob" }, { "bob", "max" }, { "max", "max" },
          { "max", "carl" }, { "max", "ann" }, { "ann", "ann" }, { "ann", "root" },
          { "root", "root" } } do
          assert.equal("not_allowed", refused(pair[1], verb, { user = pair[2] }), verb)
        end
        for _, pair in ipairs { { "max", "bob" }, { "ann", "max" }, { "root", "ann" } } do
          assert.not_equal("not_allowed", refused(pair[1], verb, { user = pair[2] }), verb)
        end
      end
    end)

    it("are not about names that others than users have", function()
      courtroom = courtrooms.open(nil, { panel = [[return function(gate)
        gate:needs "moderation"
        local moderation = gate:use("moderation", "1.0")
        gate:on("panel", function(_, message)
          return moderation.kick("bob", message.room, { user = "bob" })
        end)
      end]] })
      assert.equal("bob", ask("carl", "panel").user)
    end)

    it("let no moderator lift what they could not impose", function()
      ask("ann", "mute", { user = "max" })
      assert.equal("muted", refused("max", "say", "hello"))
      assert.equal("not_allowed", refused("max", "unmute", { user = "max" }))
    end)

    it("do not rise with a mute that nobody could lift then: no room is handed over", function()
      for _, verb in ipairs { "mute", "shadow_mute" } do
        ask("ann", verb, { user = "bob", duration_ms = 60000 })
        assert.same({ nil, "muted", "this user is muted here: unmute first" },
          { ask("ann", "role", { user = "bob", role = "owner" }) })
        assert.equal("muted", refused("root", "role", { user = "bob", role = "owner" }))
        ask("ann", "unmute", { user = "bob" })
      end
      ask("ann", "mute", { user = "bob", duration_ms = 60000 })
      courtroom.gate:later(60000)
      assert.equal("owner", ask("ann", "role", { user = "bob", role = "owner" }).role)
    end)

    it("do not rise with a ban either", function()
      local otto = courtroom:connect "otto"
      ask("ann", "ban", { user = "otto" })
      otto.state.admin = true -- for whom it does not count
      ask("otto", "join")
      assert.equal("banned", refused("ann", "role", { user = "otto", role = "owner" }))
    end)

    it("do not mute or ban an admin who was not there when it was said", function()
      ask("max", "mute", { user = "otto" })
      ask("max", "ban", { user = "otto" })
      courtroom:connect("otto").state.admin = true
      assert.is_truthy(ask("otto", "join"))
      assert.is_truthy(ask("otto", "say", "hello"))
    end)

    it("say what is wrong with what was asked", function()
      assert.equal("no_such_room", refused("max", "ban", { user = "bob" }, "milk"))
      assert.same({ nil, "bad_request", "room: expected a string" },
        { ask("max", "ban", { user = "bob" }, 7) })
      assert.same({ nil, "bad_request", "data.user: expected the name of a user" },
        { ask("max", "kick", { address = "::1" }) })
      for _, name in ipairs(VERBS) do
        assert.equal("bad_request", refused("max", name), name)
        assert.equal("bad_request", refused("max", name, { user = "bob", reason = 7 }), name)
      end
    end)
  end)

  describe("what users hear of it", function()
    local function told(user)
      local actions = {}
      for _, push in ipairs(courtroom:heard(user)) do
        if push.type == "moderated" then actions[#actions + 1] = push.action end
      end
      return actions
    end

    it("is nothing when they have nothing to do with the room", function()
      courtroom:connect "dora"
      ask("bob", "leave")
      for _, user in ipairs { "dora", "bob" } do
        courtroom:heard(user)
        for _ = 1, 3 do
          for _, verb in ipairs { "mute", "shadow_mute", "unmute", "mute", "ban", "ban",
            "unban" } do
            assert.is_truthy(ask("ann", verb, { user = user, reason = "look here" }))
          end
        end
        assert.same({}, told(user))
      end
    end)

    it("is nothing when somebody has made them members, where they have never been", function()
      courtroom:connect "dora"
      ask("ann", "role", { user = "dora", role = "member" })
      for _, verb in ipairs { "mute", "unmute", "mute", "ban" } do
        assert.is_truthy(ask("ann", verb, { user = "dora", reason = "look here" }))
      end
      assert.same({}, courtroom:heard "dora")
    end)

    it("is told to all their devices, when one is in", function()
      local phone = courtroom.bob
      courtroom:connect "bob"
      ask("max", "mute", { user = "bob" })
      ask("max", "ban", { user = "bob" })
      assert.same({ "mute", "ban" }, told "bob")
      courtroom.bob = phone
      assert.same({ "mute", "ban" }, told "bob")
    end)

    it("is told to who looks after the room, or has heard of a mute or a ban before", function()
      ask("max", "leave")
      ask("ann", "mute", { user = "max" })
      assert.same({ "mute" }, told "max")
      ask("max", "mute", { user = "bob", duration_ms = 5000 })
      ask("bob", "leave")
      ask("ann", "unmute", { user = "bob" })
      ask("ann", "mute", { user = "bob" })
      assert.same({ "mute", "unmute" }, told "bob")
      ask("ann", "ban", { user = "carl", duration_ms = 5000 })
      ask("ann", "ban", { user = "carl", duration_ms = 5000 })
      assert.same({ "ban", "ban" }, told "carl")
      courtroom.gate:later(5000)
      ask("ann", "ban", { user = "carl" })
      assert.same({}, told "carl")
    end)

    it("is told to who is not in only now and then, of those behind an address", function()
      courtroom.gate:later(60000 - courtroom:now() % 60000)
      ask("max", "leave")
      for _ = 1, 9 do ask("ann", "mute", { user = "max" }) end
      assert.same({ "mute", "mute", "mute" }, told "max")
      assert.matches("plugin_moderation_untold_total 6\n", courtroom.gate.world.metric.text())
      for _ = 1, 9 do ask("root", "mute", { user = "max" }) end
      assert.equal(9, #told "max")
      courtroom.gate:later(60000)
      ask("ann", "unmute", { user = "max" })
      assert.same({ "unmute" }, told "max")
    end)
  end)

  describe("what is done", function()
    it("is in the log and at /metrics, and nothing that was refused", function()
      ask("max", "mute", { user = "bob", reason = "loud" })
      ask("max", "mute", { user = "ann" })
      ask("root", "ban", { address = "::1" }, false)
      assert.is_truthy(courtroom.gate:logged '"max": mute "bob" in "tea": loud')
      assert.is_truthy(courtroom.gate:logged '"root": ban "::/64" everywhere')
      assert.is_nil((courtroom.gate:logged 'mute "ann"'))
      local metrics = courtroom.gate.world.metric.text()
      assert.matches('plugin_moderation_actions_total{action="mute"} 1\n', metrics)
      assert.matches('plugin_moderation_actions_total{action="ban"} 1\n', metrics)
    end)

    it("is kept with the room, under one key whatever its name", function()
      ask("max", "mute", { user = "bob" })
      local record = courtroom.gate.world.state.of("rooms").records.tea
      local log = record.moderation.log
      assert.equal(("%d@tea"):format(record.created_at), log)
      assert.same(record.moderation, courtroom:kept())
      assert.equal("max", courtroom:kept().mutes.bob.by)
      ask("ann", "rename", { name = "chai" })
      ask("ann", "kick", { user = "carl" }, "chai")
      assert.equal(log, record.moderation.log)
    end)
  end)

  describe("a room that one may not see", function()
    -- What any request may bring; each takes what it knows.
    local FULL = { user = "bob", role = "member", reason = "so", message_id = 1, why = "so",
      text = "so", slow_mode_ms = 0, name = "chai", title = "Tea", topic = "hot", uses = 2,
      emoji = "+1", on = true, limit = 5, invite = "x" }
    local BROUGHT = { {}, FULL, { address = "10.0.0.3" }, { password = "x" },
      { options = { history = 7 } }, { role = "owner", user = "carl" }, { revoke = "x" }, "/bans",
      "/kick bob", "hello" }

    --- All that there are, but those that are about no room, and `join` of a private one, which
    --- answers by design.
    local function requests(is_private)
      local names = {}
      for name in pairs(courtroom.gate.world.plugin.current().on) do
        local is_meant = name ~= "create" and name ~= "direct" and name ~= "rooms"
          and not (is_private and name == "join")
        if is_meant then names[#names + 1] = name end
      end
      table.sort(names)
      return names
    end

    local function answer_of(who, type_name, data, room)
      local answer = { courtroom:ask(who, type_name, data, room, { message_id = 1, emoji = "+1" }) }
      answer.n = select("#", unpack(answer, 1, 4))
      return answer
    end

    local function is_as_if_none(who, room, none, is_private)
      local count = 0
      for _, name in ipairs(requests(is_private)) do
        for i, data in ipairs(BROUGHT) do
          assert.same(answer_of(who, name, data, none), answer_of(who, name, data, room),
            ("%s %d"):format(name, i))
          count = count + 1
        end
      end
      return count
    end

    before_each(function()
      ask("ann", "create", { kind = "private" }, "den")
      ask("ann", "join", nil, "den")
      ask("ann", "direct", { user = "bob" }, false)
      for _, room in ipairs { "den", "@ann,bob" } do
        ask("root", "mute", { user = "max", duration_ms = 60000 }, room)
        assert.is_truthy(ask("ann", "say", "hello", room))
      end
    end)

    it("answers each request of a stranger as if it were not there", function()
      assert.is_true(is_as_if_none("carl", "den", "nix", true) > 250)
    end)

    it("answers so for a direct room, `join` as well", function()
      assert.is_true(is_as_if_none("carl", "@ann,bob", "@ann,zoe") > 250)
    end)

    it("answers so for an archived one", function()
      ask("ann", "archive", nil, "den")
      assert.is_true(is_as_if_none("carl", "den", "nix", true) > 250)
    end)

    it("is there for those who may", function()
      assert.is_truthy(ask("ann", "bans", nil, "den"))
      assert.is_truthy(ask("root", "bans", nil, "@ann,bob"))
      assert.equal("not_allowed", refused("ann", "bans", nil, "@ann,bob"))
    end)
  end)

  describe("what is kept of a room", function()
    local QUOTES = ('"'):rep(124)
    local ROOM = ('"'):rep(64)

    --- Asks with ever new names until it is refused: how often it was granted, and the code.
    local function fill(most, fn)
      for n = 1, most do
        local code = fn(("%s%04d"):format(QUOTES, n))
        if code then return n - 1, code end
      end
      return most
    end

    local function record_of(room)
      return courtroom.gate.world.state.of("rooms").records[room]
    end

    --- So many have a role already, as if each had been asked for.
    local function have_roles(room, count, format)
      for n = 1, count do record_of(room).roles[format:format(n)] = "member" end
    end

    --- All that fit, by requests; returns how many have a role, and the code.
    local function fill_roles(moderator)
      have_roles(ROOM, 300, QUOTES .. "%04d")
      local count, code = fill(1000, function(user)
        return record_of(ROOM).roles[user] == nil
          and refused(moderator, "role", { user = user, role = "member" }, ROOM)
      end)
      return count, code
    end

    --- What the store has is what is in memory.
    local function is_saved(room)
      local gate, entry = courtroom.gate, nil
      gate:later(1000)
      gate.world.task.run(function()
        local plugin = gate.world.plugin.current().plugins.rooms
        entry = gate.world.store.new(plugin):get("room:" .. room)
      end)
      gate:later(10)
      assert.same(record_of(room), entry)
      assert.is_nil((gate:logged "is not saved"))
    end

    --- An owner and a moderator with the longest names, in a room with one.
    local function open_long()
      local owner, moderator = QUOTES .. "ownr", QUOTES .. "modr"
      courtroom:connect(owner)
      courtroom:connect(moderator)
      assert.is_truthy(ask(owner, "create", { kind = "private", password = ('"'):rep(128),
        title = ('"'):rep(128), topic = ('"'):rep(1024) }, ROOM))
      ask(owner, "role", { user = moderator, role = "moderator" }, ROOM)
      return owner, moderator
    end

    it("can be saved, whatever moderators have filled it with", function()
      local owner, moderator = open_long()
      local roles, code = fill_roles(moderator)
      assert.equal("too_many_members", code)
      assert.is_true(roles > 300, roles)
      is_saved(ROOM)
      local bans
      bans, code = fill(300, function(user)
        return refused(moderator, "ban", { user = "b" .. user:sub(2), duration_ms = 60000,
          reason = ('"'):rep(200) }, ROOM)
      end)
      assert.equal("too_many_bans", code)
      assert.is_true(bans > 100, bans)
      assert.equal("too_many_bans", refused(moderator, "mute", { user = QUOTES .. "mute",
        reason = ('"'):rep(200) }, ROOM))
      for n = 1, 50 do
        assert.is_truthy(ask(moderator, "invite", { user = ("%si%03d"):format(QUOTES, n),
          uses = 1000 }, ROOM), n)
      end
      is_saved(ROOM)
      assert.equal("unavailable", refused((function()
        local name = ("b%s0001"):format(QUOTES:sub(2))
        courtroom:connect(name)
        return name
      end)(), "appeal", { text = ('"'):rep(200) }, ROOM))
      assert.is_truthy(ask(owner, "archive", nil, ROOM))
      is_saved(ROOM)
    end)

    it("has a place for as many as it says, with names as they are", function()
      have_roles("tea", 998, "user-%016d")
      assert.is_truthy(ask("max", "role", { user = "user-of-the-last-place", role = "member" }))
      assert.equal("too_many_members", refused("max", "role", { user = "one", role = "member" }))
      for n = 1, 300 do
        assert.is_truthy(ask("max", "ban", { user = ("other-%015d"):format(n), reason = "spam" }))
      end
      assert.is_truthy(ask("ann", "role", { user = "user-0000000000000001", role = "moderator" }))
      is_saved "tea"
    end)

    it("is given another owner only when the one before has a place", function()
      local owner, moderator = open_long()
      fill_roles(moderator)
      assert.equal("too_many_members", (select(2, fill(100, function(user)
        return refused(moderator, "role", { user = user:sub(-4), role = "member" }, ROOM)
      end))))
      courtroom:connect "zoe"
      ask(owner, "role", { user = QUOTES .. "0001", role = "guest" }, ROOM)
      ask(owner, "role", { user = "zoe", role = "member" }, ROOM)
      ask(owner, "role", { user = ("x"):rep(120), role = "member" }, ROOM)
      ask(owner, "role", { user = ("y"):rep(90), role = "member" }, ROOM)
      ask("zoe", "join", nil, ROOM)
      assert.equal("too_many_members", refused(owner, "role", { user = "zoe", role = "owner" },
        ROOM))
      assert.same({ owner, "member" }, { record_of(ROOM).owner, record_of(ROOM).roles.zoe })
      ask(moderator, "join", nil, ROOM)
      assert.is_truthy(ask(owner, "role", { user = moderator, role = "owner" }, ROOM))
      assert.equal("owner", ask(moderator, "describe", nil, ROOM).role)
      assert.equal("moderator", ask(owner, "describe", nil, ROOM).role)
      is_saved(ROOM)
    end)

    it("takes away what is there, and what is shorter, when it is full", function()
      local owner, moderator = open_long()
      local name = QUOTES .. "0001"
      fill_roles(moderator)
      assert.is_truthy(ask(owner, "role", { user = moderator, role = "member" }, ROOM))
      assert.is_truthy(ask(owner, "role", { user = name, role = "guest" }, ROOM))
      assert.is_truthy(ask(owner, "role", { user = name, role = "member" }, ROOM))
    end)
  end)
end)
