local courtrooms = require "spec.support.courtroom"
local file = require "spec.support.file"

-- Who may: court_spec.lua. Lists and slash commands: moderation_spec.lua.
describe("a verb of moderation", function()
  local courtroom

  local function ask(...) return courtroom:ask(...) end
  local function refused(...) return courtroom:refused(...) end
  local function heard(who) return courtroom:heard(who) end
  local function now() return courtroom:now() end
  local function metric(name, label)
    local line = ("plugin_moderation_%s{%s} (%%d+)"):format(name, label)
    return tonumber(courtroom.gate.world.metric.text():match(line) or 0)
  end

  before_each(function() courtroom = courtrooms.open() end)

  describe("kick", function()
    it("takes a user out, who may come again", function()
      assert.same({ room = "tea", user = "bob", reason = "spam", at = now() },
        (ask("max", "kick", { user = "bob", reason = "spam" })))
      local left = { type = "left", room = "tea", user = "bob", reason = "kicked", at = now() }
      assert.same({ left, { type = "moderated", room = "tea", action = "kick", reason = "spam",
        at = now() } }, heard "bob")
      assert.same({ left }, heard "carl")
      assert.equal("not_a_member", refused("bob", "say", "hello"))
      assert.equal("not_a_member", refused("max", "kick", { user = "bob" }))
      assert.is_truthy(ask("bob", "join"))
      assert.equal(1, metric("actions_total", 'action="kick"'))
    end)

    it("closes all connections when an admin names no room", function()
      courtroom:connect("bob")
      local phone = courtroom.bob
      assert.same({ user = "bob", at = now() }, (ask("root", "kick", { user = "bob" }, false)))
      assert.is_false(phone.is_open)
      assert.equal("not_allowed", refused("ann", "kick", { user = "carl" }, false))
    end)

    it("everywhere lets nothing be done any more, though closing takes its time", function()
      courtroom = courtrooms.open(nil, { auth = file.read "scripts/auth.lua" }) -- it is that one's
      local core = courtroom.gate.core
      core.answers.moon_close = core.C.MOON_EFULL
      ask("root", "kick", { user = "bob" }, false)
      assert.is_true(courtroom.bob.is_open)
      heard "carl"
      assert.equal("kicked", refused("bob", "say", "hello"))
      assert.same({}, heard "carl")
      core.answers.moon_close = nil
      courtroom.gate:later(100)
      assert.is_false(courtroom.bob.is_open)
    end)
  end)

  describe("ban", function()
    it("takes a user out, and does not let them in again", function()
      assert.same({ room = "tea", user = "bob", reason = "spam", at = now() },
        (ask("max", "ban", { user = "bob", reason = "spam" })))
      assert.same({ { type = "left", room = "tea", user = "bob", reason = "banned", at = now() },
        { type = "moderated", room = "tea", action = "ban", reason = "spam", at = now() } },
        heard "bob")
      assert.same({ nil, "banned", "banned for good: spam" }, { ask("bob", "join") })
      assert.equal(1, metric("refused_total", 'code="banned"'))
      assert.is_truthy(ask("bob", "join", nil, "milk"))
      assert.is_truthy(ask("max", "unban", { user = "bob" }))
      assert.equal("not_banned", refused("max", "unban", { user = "bob" }))
      assert.is_truthy(ask("bob", "join"))
    end)

    it("ends with its time", function()
      local expires_at = now() + 60000
      assert.equal(expires_at,
        ask("max", "ban", { user = "bob", duration_ms = 60000 }).expires_at)
      local _, code, text, temporary = ask("bob", "join")
      assert.same({ "banned", true }, { code, temporary })
      assert.matches("^banned until %d+%-%d+%-%d+ %d+:%d+:%d+ UTC$", text)
      courtroom.gate:later(59999)
      assert.equal("banned", refused("bob", "join"))
      courtroom.gate:later(1)
      assert.is_truthy(ask("bob", "join"))
    end)

    it("goes with a room that is renamed, and ends with one that is deleted", function()
      ask("max", "ban", { user = "bob" })
      ask("ann", "rename", { name = "chai" })
      assert.equal("banned", refused("bob", "join", nil, "chai"))
      assert.is_truthy(ask("bob", "join"))
      ask("ann", "archive", nil, "chai")
      ask("ann", "delete_room", nil, "chai")
      assert.is_truthy(ask("bob", "join", nil, "chai"))
    end)

    it("of somebody who is not there is one, too, and may be changed", function()
      assert.is_truthy(ask("max", "ban", { user = "dora", duration_ms = 1000 }))
      assert.is_truthy(ask("max", "ban", { user = "dora" }))
      courtroom.gate:later(1000)
      courtroom:connect "dora"
      assert.equal("banned", refused("dora", "join"))
    end)

    it("is for rooms that a join has made, too", function()
      ask("bob", "join", nil, "milk")
      assert.is_truthy(ask("root", "ban", { user = "bob" }, "milk"))
      assert.is_truthy(ask("carl", "join", nil, "milk")) -- now it is another one
      assert.is_truthy(ask("bob", "join", nil, "milk"))
      assert.is_truthy(ask("root", "ban", { user = "bob" }, "milk"))
      assert.equal("banned", refused("bob", "join", nil, "milk"))
      assert.equal("not_allowed", refused("carl", "ban", { user = "bob" }, "milk"))
    end)

    it("is not undone by a role or an invite while it holds", function()
      for kind, room in pairs { private = "pv", public = "tea" } do
        ask("ann", "create", { kind = kind }, room)
        ask("root", "ban", { user = "bob", duration_ms = 60000 }, room)
        heard "bob"
        for _, role in ipairs { "member", "moderator" } do
          assert.equal("banned", refused("ann", "role", { user = "bob", role = role }, room))
        end
        assert.equal("banned", refused("root", "role", { user = "bob", role = "member" }, room))
        assert.equal("banned", refused("ann", "invite", { user = "bob" }, room))
        assert.is_truthy(ask("ann", "role", { user = "bob", role = "guest" }, room))
        assert.same({}, heard "bob")
      end
      courtroom.gate:later(60000)
      assert.equal("not_allowed", refused("bob", "join", nil, "pv"))
      assert.equal("guest", ask("bob", "join").role)
      assert.is_truthy(ask("ann", "invite", { user = "bob" }, "pv"))
      assert.is_truthy(ask("ann", "role", { user = "bob", role = "moderator" }, "pv"))
    end)

    it("tells who has lost a role by it, wherever they are", function()
      for room, role in pairs { tea = "moderator", pv = "owner" } do
        local user = role == "owner" and "ann" or "max"
        ask("ann", "create", { kind = "private" }, room)
        ask(user, "join", nil, room)
        ask("root", "join", nil, room)
        heard(user)
        heard "root"
        ask("root", "ban", { user = user, reason = "spam" }, room)
        local changed = { type = "role_changed", room = room, user = user, role = "guest",
          by = "root", at = now() }
        assert.same({ { type = "left", room = room, user = user, reason = "banned", at = now() },
          changed, { type = "moderated", room = room, action = "ban", reason = "spam",
          at = now() } }, heard(user))
        assert.same(changed, heard("root")[2])
      end
    end)

    it("everywhere tells the user why, before the connection is closed", function()
      local phone, laptop = courtroom:connect "dora", courtroom:connect "dora"
      ask("root", "kick", { user = "dora", reason = "loud" }, false)
      for _, conn in ipairs { phone, laptop } do
        assert.same({ type = "moderated", action = "kick", reason = "loud", at = now() },
          conn.heard[#conn.heard])
        assert.is_false(conn.is_open)
      end
      heard "bob"
      ask("root", "ban", { user = "bob", reason = "spam", duration_ms = 60000 }, false)
      assert.same({ { type = "moderated", action = "ban", reason = "spam", at = now(),
        expires_at = now() + 60000 } }, heard "bob")
      assert.is_false(courtroom.bob.is_open)
    end)

    it("of an address is for admins, and keeps out who comes from there", function()
      assert.equal("not_allowed", refused("ann", "ban", { address = "10.0.0.3" }))
      courtroom:connect("otto", "10.0.0.3").state.admin = true
      assert.is_truthy(ask("otto", "join"))
      heard "bob"
      assert.same({ room = "tea", address = "10.0.0.3", at = now() },
        (ask("root", "ban", { address = "10.0.0.3" })))
      assert.same({ "bob", "banned" }, { courtroom.bob.heard[1].user, heard("bob")[1].reason })
      assert.is_truthy(next(courtroom.otto.rooms))
      assert.equal("banned", refused("bob", "join"))
      courtroom:connect("dora", "10.0.0.3")
      assert.equal("banned", refused("dora", "join"))
      courtroom:connect("bob", "10.0.0.9")
      assert.is_truthy(ask("bob", "join"))
      assert.is_truthy(ask("root", "unban", { address = "10.0.0.3" }))
      assert.is_truthy(ask("dora", "join"))
    end)

    it("of an address of IPv6 is of its network, however it is written", function()
      courtroom:connect("dora", "2001:db8::7")
      courtroom:connect("otto", "2001:db8:0:1::7")
      for _, who in ipairs { "dora", "otto" } do assert.is_truthy(ask(who, "join")) end
      assert.equal("2001:db8::/64", ask("root", "ban", { address = "2001:DB8::1" }).address)
      assert.equal("banned", refused("dora", "say", "hello"))
      assert.is_truthy(ask("otto", "say", "hello"))
      assert.is_truthy(ask("root", "ban", { address = "2001:db8:0:1:f::" }, false))
      assert.is_false(courtroom.otto.is_open)
      assert.is_truthy(ask("root", "unban", { address = "2001:DB8:0:0:1::" }))
      assert.is_truthy(ask("dora", "join"))
    end)

    it("everywhere closes connections, and refuses new ones", function()
      assert.equal("not_allowed", refused("ann", "ban", { user = "bob" }, false))
      assert.same({ user = "bob", at = now() }, (ask("root", "ban", { user = "bob" }, false)))
      assert.is_false(courtroom.bob.is_open)
      local conn = courtroom.gate:connect()
      assert.is_true(conn.is_open)
      courtroom.gate.world.task.run(function() conn:admit "bob" end)
      courtroom.gate.core:settle()
      courtroom.gate:later(10000) -- to appeal
      assert.is_false(conn.is_open)
      assert.is_true(courtroom.carl.is_open)
      assert.is_truthy(ask("root", "unban", { user = "bob" }, false))
      assert.equal("not_banned", refused("root", "unban", { user = "bob" }, false))
      conn = courtroom.gate:connect()
      courtroom.gate.world.task.run(function() conn:admit "bob" end)
      courtroom.gate.core:settle()
      assert.is_true(conn.is_open)
    end)

    it("everywhere of an address closes connections before they have a name", function()
      local nobody = courtroom.gate:connect(nil, { address = "10.0.0.3" })
      ask("root", "ban", { address = "10.0.0.3" }, false)
      assert.is_false(nobody.is_open)
      assert.is_false(courtroom.bob.is_open)
      assert.is_true(courtroom.carl.is_open)
      assert.is_false(courtroom.gate:connect(nil, { address = "10.0.0.3" }).is_open)
    end)

    it("everywhere refuses requests of who has a name in other ways", function()
      ask("root", "ban", { user = "dora", reason = "spam" }, false)
      local dora = courtroom:connect "dora" -- no plugin has admitted this one
      assert.same({ nil, "banned", "banned for good: spam" }, { ask("dora", "join") })
      courtroom.gate:later(10000) -- to appeal
      assert.is_false(dora.is_open)
    end)

    it("survives a reload", function()
      ask("max", "ban", { user = "carl" })
      ask("max", "kick", { user = "bob" })
      ask("root", "ban", { user = "bob" }, false)
      assert(courtroom.gate:reload())
      assert.equal("banned", refused("carl", "join"))
      courtroom:connect "bob"
      assert.equal("banned", refused("bob", "join"))
    end)

    it("has a limit in each room", function()
      for n = 1, 300 do assert.is_truthy(ask("max", "ban", { user = "u" .. n })) end
      assert.equal("too_many_bans", refused("max", "ban", { user = "bob" }))
      assert.equal("too_many_bans", refused("max", "mute", { user = "bob" }))
      ask("max", "unban", { user = "u7" })
      assert.is_truthy(ask("max", "ban", { user = "bob" }))
    end)

    it("has a limit everywhere", function()
      courtroom = courtrooms.open { max_bans = 1 }
      assert.is_truthy(ask("root", "ban", { user = "bob" }, false))
      assert.equal("too_many_bans", refused("root", "ban", { user = "carl" }, false))
      assert.is_true(courtroom.carl.is_open)
    end)
  end)

  describe("mute", function()
    it("keeps a user from being heard, until it ends", function()
      assert.same({ room = "tea", user = "bob", reason = "loud", at = now(),
        expires_at = now() + 60000 },
        (ask("max", "mute", { user = "bob", reason = "loud", duration_ms = 60000 })))
      assert.same({ { type = "moderated", room = "tea", action = "mute", reason = "loud",
        at = now(), expires_at = now() + 60000 } }, heard "bob")
      assert.same({}, heard "carl")
      for _, name in ipairs { "say", "edit", "react", "typing" } do
        local _, code, text, temporary = ask("bob", name, "hello")
        if name == "say" then
          assert.same({ "muted", true }, { code, temporary })
          assert.matches("^muted until .* UTC: loud$", text)
        end
      end
      assert.equal("muted", refused("bob", "say", "/roll"))
      assert.is_true(courtroom:is_heard("carl", "hello", "ann"))
      assert.is_truthy(ask("bob", "members"))
      courtroom.gate:later(60000)
      assert.is_true(courtroom:is_heard("bob", "hello", "ann"))
      assert.equal("not_muted", refused("max", "unmute", { user = "bob" }))
    end)

    it("is lifted", function()
      ask("max", "mute", { user = "bob" })
      heard "bob"
      assert.same({ room = "tea", user = "bob", at = now() },
        (ask("ann", "unmute", { user = "bob" })))
      assert.equal("unmute", heard("bob")[1].action)
      assert.is_true(courtroom:is_heard("bob", "hello", "ann"))
      assert.equal("not_muted", refused("max", "unmute", { user = "carl" }))
    end)

    it("is for one room", function()
      ask("max", "mute", { user = "bob" })
      ask("bob", "join", nil, "milk")
      assert.is_truthy(ask("bob", "say", "hello", "milk"))
      for _, name in ipairs { "mute", "shadow_mute", "unmute" } do
        assert.same({ nil, "bad_request", "room: expected a string" },
          { ask("root", name, { user = "bob" }, false) })
      end
    end)

    it("holds after the user has left and come again", function()
      ask("max", "mute", { user = "bob" })
      ask("bob", "leave")
      ask("bob", "join")
      assert.equal("muted", refused("bob", "say", "hello"))
    end)
  end)

  describe("slow_mode", function()
    it("makes all below the moderators wait, and tells the room", function()
      assert.same({ room = "tea", slow_mode_ms = 5000, at = now() },
        (ask("max", "slow_mode", { slow_mode_ms = 5000 })))
      local push = heard("bob")[1]
      assert.same({ "room_changed", "tea", 5000, "max", now() },
        { push.type, push.room, push.options.slow_mode_ms, push.by, push.at })
      assert.is_truthy(ask("bob", "say", "one"))
      assert.equal("slow_mode", refused("bob", "say", "two"))
      assert.equal("not_allowed", refused("bob", "slow_mode", { slow_mode_ms = 0 }))
      assert.equal("bad_request", refused("max", "slow_mode", { slow_mode_ms = -1 }))
      ask("max", "slow_mode", { slow_mode_ms = 0 })
      assert.is_truthy(ask("bob", "say", "two"))
    end)
  end)
end)
