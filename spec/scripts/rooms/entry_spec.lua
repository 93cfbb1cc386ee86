local file = require "spec.support.file"
local houses = require "spec.support.house"

describe("a private room", function()
  local house, gate, ann, bob, carl

  local function ask(...) return house:ask(...) end
  local function refused(...) return house:refused(...) end
  local function heard(conn) return house:heard(conn) end

  before_each(function()
    house = houses.open()
    gate = house.gate
    ann, bob, carl = gate:connect "ann", gate:connect "bob", gate:connect "carl"
    ask(ann, "create", "den", { kind = "private", password = "sesame" })
  end)

  it("is closed to guests, who learn nothing of it", function()
    assert.same({ nil, "not_allowed", "this room wants an invite or the password" },
      { ask(bob, "join", "den") })
    for _, type_name in ipairs { "describe", "set", "archive", "invite", "rename" } do
      assert.equal("no_such_room", refused(bob, type_name, "den", {}))
    end
  end)

  describe("is opened by an invite", function()
    it("which makes a member for good, as often as it says", function()
      local invite = ask(ann, "invite", "den", { uses = 2 })
      assert.same({ "den", 2, gate.core.now_ms + 7 * 86400000 },
        { invite.room, invite.uses, invite.expires_at })
      for _, conn in ipairs { bob, carl } do
        assert.equal("member", ask(conn, "join", "den", { invite = invite.code }).role)
      end
      assert.equal("bad_invite", refused(gate:connect "dan", "join", "den",
        { invite = invite.code }))
      ask(bob, "leave", "den")
      assert.equal("member", ask(bob, "join", "den").role)
      assert.same({}, ask(ann, "describe", "den").invites)
    end)

    it("and is used up in the store, too, as soon as the role is there", function()
      local function kept()
        local entry
        gate:later(100)
        gate.world.task.run(function()
          entry = gate.world.store.new(gate.world.plugin.current().plugins.rooms):get "room:den"
        end)
        gate:later(10)
        return entry
      end
      local code = ask(ann, "invite", "den", { uses = 2 }).code
      for left, conn in ipairs { bob, carl } do
        ask(conn, "join", "den", { invite = code })
        local entry = kept()
        assert.equal("member", entry.roles[conn.user])
        assert.equal(left == 1 and 1 or nil, entry.invites[code] and entry.invites[code].uses)
      end
    end)

    it("which a member does not use up", function()
      local code = ask(ann, "invite", "den").code
      ask(bob, "join", "den", { invite = code })
      code = ask(ann, "invite", "den").code
      ask(bob, "leave", "den")
      ask(bob, "join", "den", { invite = code })
      assert.equal("member", ask(carl, "join", "den", { invite = code }).role)
    end)

    it("until its time is over", function()
      local code = ask(ann, "invite", "den", { ttl_ms = 60000 }).code
      gate:later(60000)
      assert.equal("bad_invite", refused(bob, "join", "den", { invite = code }))
      assert.same({}, ask(ann, "describe", "den").invites)
    end)

    it("until it is revoked", function()
      local code = ask(ann, "invite", "den").code
      assert.same({ room = "den", revoked = code }, (ask(ann, "invite", "den", { revoke = code })))
      assert.equal("bad_invite", refused(ann, "invite", "den", { revoke = code }))
      assert.equal("bad_invite", refused(bob, "join", "den", { invite = code }))
    end)

    it("for one user, who is told", function()
      local code = ask(ann, "invite", "den", { user = "bob" }).code
      assert.same({ { type = "invited", room = "den", kind = "private", by = "ann", code = code,
        at = gate.core.now_ms } }, heard(bob))
      assert.equal("bad_invite", refused(carl, "join", "den", { invite = code }))
      assert.equal("member", ask(bob, "join", "den", { invite = code }).role)
      assert.is_truthy(ask(ann, "invite", "den", { user = "nobody" }))
    end)

    it("and by no other", function()
      ask(ann, "invite", "den")
      for _, code in ipairs { "token-7", "", 7, {}, true } do
        assert.equal("bad_invite", refused(bob, "join", "den", { invite = code }))
      end
    end)

    it("within limits", function()
      for _, data in ipairs { { uses = 0 }, { uses = 1001 }, { uses = "1" }, { ttl_ms = 59999 },
        { ttl_ms = 2592000001 }, { user = 7 } } do
        assert.equal("bad_request", refused(ann, "invite", "den", data))
      end
      for _ = 1, 50 do assert.is_truthy(ask(ann, "invite", "den", { ttl_ms = 60000 })) end
      assert.equal("too_many_invites", refused(ann, "invite", "den"))
      gate:later(60000)
      assert.is_truthy(ask(ann, "invite", "den"))
    end)

    it("and makes members of public rooms, too", function()
      ask(ann, "create", "tea", { options = { who_may_say = "members" } })
      local code = ask(ann, "invite", "tea").code
      assert.equal("guest", ask(bob, "join", "tea").role)
      ask(bob, "leave", "tea")
      assert.equal("member", ask(bob, "join", "tea", { invite = code }).role)
    end)
  end)

  describe("is opened by its password", function()
    --- Has a function of moongate.password wait first; returns that module and the function.
    local function slow(name)
      local password, task = gate.world.password, gate.world.task
      local fn = password[name]
      password[name] = function(...)
        task.sleep(10)
        return fn(...)
      end
      return password, fn
    end

    it("which makes a member for good", function()
      assert.equal("bad_password", refused(bob, "join", "den", { password = "open" }))
      assert.equal("member", ask(bob, "join", "den", { password = "sesame" }).role)
      ask(bob, "leave", "den")
      assert.equal("member", ask(bob, "join", "den").role)
    end)

    it("which can be changed and taken away, and is shown to nobody", function()
      ask(ann, "set", "den", { password = "open" })
      assert.equal("bad_password", refused(bob, "join", "den", { password = "sesame" }))
      assert.is_truthy(ask(bob, "join", "den", { password = "open" }))
      for _, type_name in ipairs { "describe", "join", "rooms" } do
        local shown = gate.world.json.encode { ask(ann, type_name, "den", {}) }
        assert.is_nil(shown:find("open", 1, true))
        assert.is_nil(shown:find("password", 1, true))
      end
      ask(ann, "set", "den", { password = "" })
      assert.equal("bad_password", refused(carl, "join", "den", { password = "open" }))
      for _, password in ipairs { "", 7, ("x"):rep(129) } do
        assert.equal("bad_password", refused(carl, "join", "den", { password = password }))
      end
      assert.equal("bad_request", refused(ann, "set", "den", { password = 7 }))
    end)

    it("tried five times a minute by a user, and no more", function()
      for _ = 1, 5 do
        assert.equal("bad_password", refused(bob, "join", "den", { password = "x" }))
      end
      local _, code, _, temporary = ask(bob, "join", "den", { password = "sesame" })
      assert.same({ "too_many_attempts", true }, { code, temporary })
      assert.is_truthy(ask(carl, "join", "den", { password = "sesame" }))
      gate:later(60000)
      assert.is_truthy(ask(bob, "join", "den", { password = "sesame" }))
    end)

    it("tried twenty times a minute from an address, which is a network in IPv6", function()
      for _, place in ipairs { { "192.0.2.7", "192.0.2.7", "192.0.2.8" },
        { "2001:db8::1", "2001:db8::2:0:0:1", "2001:db8:0:1::1" } } do
        for n = 1, 20 do
          local user = gate:connect(("%s %d"):format(place[1], n), { address = place[1] })
          assert.equal("bad_password", refused(user, "join", "den", { password = "x" }))
        end
        local here = gate:connect("here " .. place[1], { address = place[2] })
        local there = gate:connect("there " .. place[1], { address = place[3] })
        assert.equal("too_many_attempts", refused(here, "join", "den", { password = "sesame" }))
        assert.is_truthy(ask(there, "join", "den", { password = "sesame" }))
      end
    end)

    it("and who knows it has tried nothing, however many are behind an address", function()
      for n = 1, 30 do
        local user = gate:connect("u" .. n)
        assert.is_truthy(ask(user, "join", "den", { password = "sesame" }))
      end
      for _ = 1, 4 do refused(bob, "join", "den", { password = "x" }) end
      assert.is_truthy(ask(bob, "join", "den", { password = "sesame" }))
    end)

    it("which is found right or wrong also when who has tried is gone", function()
      slow "check"
      local function try_and_go(word)
        for _ = 1, 5 do
          local conn = gate:connect "bob"
          gate:ask(conn, { type = "join", room = "den", data = { password = word } })
          gate:close(conn)
          gate:later(20)
        end
        return (select(2, ask(bob, "join", "den", { password = "sesame" })))
      end
      assert.is_nil(try_and_go "sesame")
      ask(ann, "role", "den", { user = "bob", role = "guest" })
      ask(bob, "leave", "den")
      assert.equal("too_many_attempts", try_and_go "x")
    end)

    it("which is looked at for as long where there is none", function()
      ask(ann, "create", "cave", { kind = "private" })
      ask(ann, "create", "tea")
      local checked, check = 0, gate.world.password.check
      function gate.world.password.check(...)
        checked = checked + 1
        return check(...)
      end
      for _, name in ipairs { "den", "cave" } do
        assert.equal("bad_password", refused(bob, "join", name, { password = "x" }))
      end
      assert.equal(2, checked)
      for _ = 1, 4 do refused(bob, "join", "cave", { password = "x" }) end
      assert.equal("too_many_attempts", refused(bob, "join", "cave", { password = "x" }))
      assert.equal("bad_password", refused(bob, "join", "tea", { password = "x" })) -- has no such
      assert.equal(6, checked)
    end)

    it("and is not counted when nobody has time to look at it", function()
      local password = gate.world.password
      local check = password.check
      function password.check() return nil, "full" end
      for _ = 1, 6 do
        local _, code, _, temporary = ask(bob, "join", "den", { password = "sesame" })
        assert.same({ "unavailable", true }, { code, temporary })
      end
      password.check = check
      assert.is_truthy(ask(bob, "join", "den", { password = "sesame" }))
    end)

    it("which is set by who may do so when it is hashed", function()
      slow "hash"
      local answer = gate:ask(ann, { type = "set", room = "den", data = { password = "open" } })
      assert.is_false(answer.is_given)
      ask(gate:connect "ann", "archive", "den")
      gate:later(1000)
      assert.equal("archived", answer.code)
      ask(ann, "unarchive", "den")
      assert.equal("member", ask(bob, "join", "den", { password = "sesame" }).role)
    end)

    describe("which takes a while, and so all is looked at when that is done:", function()
      local answer

      --- Bob brings the password, and something happens while it is looked at.
      local function meanwhile(act, data)
        local password, check = slow "check"
        answer = gate:ask(bob, { type = "join", room = "den",
          data = data or { password = "sesame" } })
        assert.is_false(answer.is_given)
        act()
        gate:later(1000)
        assert.is_true(answer.is_given)
        password.check = check
        return answer.code
      end

      local function assert_is_guest()
        assert.same({}, gate.world.state.of("rooms").records.den.roles)
        assert.is_nil(next(bob.rooms))
      end

      it("that the room is there", function()
        assert.equal("no_such_room", meanwhile(function()
          ask(ann, "archive", "den")
          ask(ann, "delete_room", "den")
        end))
      end)

      it("that it is not archived", function()
        assert.equal("not_allowed", meanwhile(function() ask(ann, "archive", "den") end))
        assert_is_guest()
      end)

      it("that the password is the same", function()
        assert.equal("bad_password", meanwhile(function()
          ask(ann, "set", "den", { password = "" })
        end))
        assert_is_guest()
        ask(ann, "set", "den", { password = "sesame" })
        assert.equal("bad_password", meanwhile(function()
          ask(ann, "set", "den", { password = "open" })
        end))
        assert_is_guest()
      end)

      it("that there is a place", function()
        assert.equal("too_many_members", meanwhile(function()
          ask(ann, "set", "den", { options = { max_members = 1 } })
          ask(ann, "join", "den")
        end))
        assert_is_guest()
      end)

      it("that the user is not banned", function()
        house = houses.open(nil, { moderation = file.read "scripts/moderation.lua" })
        gate = house.gate
        ann, bob = gate:connect "ann", gate:connect "bob"
        ask(ann, "create", "den", { kind = "private", password = "sesame" })
        assert.equal("banned", meanwhile(function() ask(ann, "ban", "den", { user = "bob" }) end))
        assert_is_guest()
      end)

      it("and who has become a member meanwhile comes in", function()
        assert.is_nil(meanwhile(function()
          ask(ann, "role", "den", { user = "bob", role = "moderator" })
        end))
        assert.equal("moderator", answer.data.role)
      end)
    end)
  end)

  it("is full for who brings an invite, and keeps it", function()
    ask(ann, "set", "den", { options = { max_members = 1 } })
    ask(ann, "join", "den")
    local code = ask(ann, "invite", "den").code
    assert.equal("too_many_members", refused(bob, "join", "den", { invite = code }))
    assert.same({}, ask(ann, "describe", "den").roles)
    ask(ann, "leave", "den")
    assert.equal("member", ask(bob, "join", "den", { invite = code }).role)
  end)

  it("that is archived takes nobody in", function()
    local code = ask(ann, "invite", "den").code
    ask(ann, "archive", "den")
    assert.equal("not_allowed", refused(bob, "join", "den", { invite = code }))
    assert.equal("not_allowed", refused(bob, "join", "den", { password = "sesame" }))
  end)

  it("that is public and archived takes guests in, and makes no members of them", function()
    ask(ann, "create", "tea")
    local code = ask(ann, "invite", "tea").code
    ask(ann, "archive", "tea")
    assert.equal("guest", ask(bob, "join", "tea", { invite = code }).role)
  end)
end)
