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

    it("tried five times a minute from an address, and no more", function()
      for _ = 1, 5 do
        assert.equal("bad_password", refused(bob, "join", "den", { password = "x" }))
      end
      for _, conn in ipairs { bob, carl } do
        local _, code, _, temporary = ask(conn, "join", "den", { password = "sesame" })
        assert.same({ "too_many_attempts", true }, { code, temporary })
      end
      local far = gate:connect("dan", { address = "192.0.2.7" })
      assert.is_truthy(ask(far, "join", "den", { password = "sesame" }))
      gate:later(60000)
      assert.is_truthy(ask(bob, "join", "den", { password = "sesame" }))
    end)

    it("unless it goes while that is checked", function()
      local password, task = gate.world.password, gate.world.task
      local check = password.check
      function password.check(...)
        task.sleep(10)
        return check(...)
      end
      local answer = gate:ask(bob, { type = "join", room = "den", data = { password = "sesame" } })
      ask(ann, "archive", "den")
      ask(ann, "delete_room", "den")
      gate:later(100)
      assert.equal("no_such_room", answer.code)
    end)
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
