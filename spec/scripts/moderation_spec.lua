local courtrooms = require "spec.support.courtroom"

describe("moderation", function()
  local courtroom

  local function ask(...) return courtroom:ask(...) end
  local function refused(...) return courtroom:refused(...) end
  local function now() return courtroom:now() end

  local function kept() return courtroom:kept() end

  before_each(function() courtroom = courtrooms.open() end)

  describe("bans", function()
    it("lists who is banned or muted in a room, for moderators, in pages", function()
      assert.same({ room = "tea", list = {} }, (ask("max", "bans")))
      ask("ann", "ban", { user = "dora", reason = "spam" })
      ask("max", "mute", { user = "bob", duration_ms = 60000 })
      ask("max", "shadow_mute", { user = "carl" })
      local at = now()
      local ban = { what = "ban", user = "dora", by = "ann", at = at, reason = "spam" }
      local mute = { what = "mute", user = "bob", by = "max", at = at,
        expires_at = at + 60000 }
      local shadow = { what = "shadow_mute", user = "carl", by = "max", at = at }
      assert.same({ room = "tea", list = { mute, shadow, ban } }, (ask("max", "bans")))
      local page = ask("max", "bans", { limit = 2 })
      assert.same({ mute, shadow }, page.list)
      assert.same({ room = "tea", list = { ban } },
        (ask("max", "bans", { limit = 2, after = page.next })))
      assert.equal("not_allowed", refused("bob", "bans"))
      assert.equal("bad_request", refused("max", "bans", { limit = 0 }))
      courtroom.gate:later(60000)
      assert.same({ shadow, ban }, ask("max", "bans").list)
    end)

    it("lists those that hold everywhere, for admins", function()
      ask("root", "ban", { user = "dora" }, false)
      ask("root", "ban", { address = "::1", duration_ms = 60000 }, false)
      assert.same({ list = { { what = "ban", address = "::/64", by = "root", at = now(),
        expires_at = now() + 60000 }, { what = "ban", user = "dora", by = "root", at = now() } } },
        (ask("root", "bans", nil, false)))
      assert.equal("not_allowed", refused("ann", "bans", nil, false))
      courtroom.gate:later(120000)
      assert.same({}, courtroom.gate.world.state.of("moderation").bans.addresses)
    end)
  end)

  it("shows addresses to admins only", function()
    ask("root", "ban", { address = "10.0.0.9" })
    ask("root", "ban", { address = "10.0.0.7" })
    ask("max", "mute", { user = "bob" })
    ask("root", "unban", { address = "10.0.0.7" })
    for _, who in ipairs { "max", "ann" } do
      local page = ask(who, "bans", { limit = 1 })
      assert.same({ "bob", nil }, { page.list[1].user, page.next })
      assert.same({ "mute" }, { ask(who, "say", "/bans").list[1].what })
      for _, entry in ipairs(ask(who, "audit").list) do assert.is_nil(entry.address) end
    end
    assert.equal(4, #ask("ann", "audit").list)
    assert.equal("10.0.0.9", ask("root", "bans").list[1].address)
    assert.equal("10.0.0.7", ask("root", "audit").list[1].address)
  end)

  it("shows nobody but admins their own shadow mutes", function()
    ask("ann", "shadow_mute", { user = "max", reason = "secret" })
    ask("ann", "shadow_mute", { user = "bob" })
    assert.same({ "bob" }, { ask("max", "say", "/bans").list[1].user })
    assert.equal(1, #ask("max", "bans").list)
    ask("ann", "unmute", { user = "max" })
    ask("ann", "mute", { user = "max" })
    ask("ann", "unmute", { user = "max" })
    local function audited(who)
      local found = {}
      for i, entry in ipairs(ask(who, "audit").list) do
        assert.is_nil(entry.is_shadow)
        found[i] = entry.user .. " " .. entry.action
      end
      return found
    end
    assert.same({ "max unmute", "max mute", "bob shadow_mute" }, audited "max")
    local all = { "max unmute", "max mute", "max unmute", "bob shadow_mute", "max shadow_mute" }
    assert.same(all, audited "ann")
    assert.same(all, audited "root")
  end)

  describe("appeal", function()
    it("is one note of who is muted or banned, kept for the moderators", function()
      assert.equal("nothing_to_appeal", refused("bob", "appeal", { text = "sorry" }))
      ask("max", "mute", { user = "bob" })
      assert.equal("bad_request", refused("bob", "appeal", { text = "" }))
      assert.equal("bad_request", refused("bob", "appeal", { text = "x" }, 7))
      assert.equal("nothing_to_appeal", refused("bob", "appeal", { text = "x" }, false))
      assert.same({ room = "tea", at = now() }, (ask("bob", "appeal", { text = "sorry" })))
      assert.equal("already_appealed", refused("bob", "appeal", { text = "please" }))
      assert.same({ by = "bob", at = now(), text = "sorry" },
        ask("max", "bans").list[1].appeal)
      assert.equal("sorry", kept().mutes.bob.appeal.text)
      ask("max", "ban", { user = "bob" })
      assert.same({ room = "tea", at = now() }, (ask("bob", "appeal", { text = "really" })))
      local list = ask("max", "bans").list
      assert.same({ "sorry", "really" }, { list[1].appeal.text, list[2].appeal.text })
      assert.equal("nothing_to_appeal", refused("bob", "appeal", { text = "x" }, "milk"))
    end)

    it("is open to who is muted also as a command", function()
      ask("max", "mute", { user = "bob" })
      assert.equal("muted", refused("bob", "say", "/appeals sorry"))
      assert.equal("muted", refused("bob", "say", "//appeal sorry"))
      assert.is_truthy(ask("bob", "say", "/Appeal I am sorry"))
      assert.equal("I am sorry", ask("max", "bans").list[1].appeal.text)
    end)
  end)

  describe("slash commands of other plugins", function()
    local asked
    before_each(function()
      courtroom = courtrooms.open(nil, { polls = [[return function(gate)
        gate:command("poll", function(_, _, message)
          gate:room(message.room):publish { type = "poll" }
        end, "asks the room")
      end]] })
      courtroom:heard "carl"
      asked = function(who, text)
        local _, code = ask(who, "say", text)
        local heard = courtroom:heard "carl"
        return heard[#heard] and heard[#heard].type, code
      end
      assert.equal("poll", (asked("bob", "/poll tea?")))
    end)

    it("are refused to who is muted, in the shadow as if they failed", function()
      ask("max", "mute", { user = "bob" })
      assert.same({ nil, "muted" }, { asked("bob", "/poll tea?") })
      ask("max", "shadow_mute", { user = "bob" })
      for _, text in ipairs { "/poll tea?", "/POLL", { text = "/poll tea?" } } do
        assert.same({ nil, "unavailable" }, { asked("bob", text) })
      end
      assert.same({}, { asked("bob", "//poll tea?") })
      ask("max", "unmute", { user = "bob" })
      assert.equal("poll", (asked("bob", "/poll tea?")))
    end)

    it("are left of which only the user hears", function()
      local id = ask("carl", "say", "hello").id
      for _, verb in ipairs { "mute", "shadow_mute" } do
        ask("ann", verb, { user = "max" })
        assert.is_truthy(ask("max", "say", "/help").commands)
        assert.is_truthy(ask("max", "say", "/bans").list)
      end
      assert.is_truthy(ask("max", "say", ("/report %.0f rude"):format(id)))
    end)
  end)

  describe("audit", function()
    it("says who has done what to whom, when and why, the newest first", function()
      assert.same({ room = "tea", list = {} }, (ask("max", "audit")))
      ask("max", "mute", { user = "bob", duration_ms = 60000, reason = "loud" })
      local at = now()
      ask("ann", "unmute", { user = "bob" })
      ask("max", "slow_mode", { slow_mode_ms = 1000 })
      ask("max", "mute", { user = "ann" }) -- is refused
      ask("ann", "rename", { name = "chai" })
      ask("ann", "kick", { user = "carl" }, "chai")
      local list = ask("max", "audit", nil, "chai").list
      for _, entry in ipairs(list) do
        assert.equal(at, entry.at)
        entry.at = nil
      end
      assert.same({ { id = 4, by = "ann", action = "kick", room = "chai", user = "carl" },
        { id = 3, by = "max", action = "slow_mode", room = "tea" },
        { id = 2, by = "ann", action = "unmute", room = "tea", user = "bob" },
        { id = 1, by = "max", action = "mute", room = "tea", user = "bob", reason = "loud",
          expires_at = at + 60000 } }, list)
      assert.same({ 3 }, { ask("max", "audit", { limit = 2 }, "chai").next })
      assert.equal("not_allowed", refused("bob", "audit", nil, "chai"))
      assert.is_truthy(courtroom.gate:logged '"max": mute "bob" in "tea": loud')
    end)

    it("has what was done everywhere for admins, and is open in archived rooms", function()
      ask("root", "ban", { user = "dora" }, false)
      ask("root", "unban", { user = "dora" }, false)
      assert.equal("unban", ask("root", "audit", nil, false).list[1].action)
      assert.equal("not_allowed", refused("ann", "audit", nil, false))
      ask("ann", "kick", { user = "bob" })
      ask("ann", "archive")
      assert.equal("kick", ask("max", "audit").list[1].action)
      assert.equal("archived", refused("max", "kick", { user = "carl" }))
      assert.equal("not_allowed", refused("bob", "audit"))
    end)

    it("begins anew in another room of the name", function()
      ask("ann", "kick", { user = "bob" })
      ask("ann", "archive")
      ask("ann", "delete_room")
      courtroom.gate:later(1)
      ask("ann", "create")
      assert.same({}, ask("ann", "audit").list)
      ask("ann", "slow_mode", { slow_mode_ms = 1000 })
      assert.equal(1, #ask("ann", "audit").list)
    end)
  end)

  describe("as slash commands", function()
    local function say(who, text) return ask(who, "say", text) end

    it("does the same", function()
      assert.equal("spam a lot", say("max", "/kick bob spam a lot").reason)
      assert.equal("not_a_member", refused("bob", "say", "hello"))
      assert.equal(now() + 600000, say("max", '/ban "bob" 10m spam').expires_at)
      assert.equal("banned", refused("bob", "join"))
      assert.equal("bob", say("max", "/bans").list[1].user)
      assert.equal("bob", say("max", "/unban bob").user)
      assert.equal("loud", say("max", "/mute carl 1h loud").reason)
      assert.equal("muted", refused("carl", "say", "hello"))
      assert.is_truthy(say("max", "/unmute carl"))
      assert.equal("carl", say("max", "/shadow_mute carl").user)
      assert.equal("shadow_mute", ask("max", "bans").list[1].what)
      assert.is_truthy(say("max", "/slow 5"))
      assert.equal(5000, say("max", "/slow 5").slow_mode_ms)
      assert.equal(0, say("max", "/slow off").slow_mode_ms)
      local id = say("max", "hello").id
      assert.equal(1, say("carl", ("/report %.0f spam"):format(id)).id)
      assert.equal("not_allowed", refused("carl", "say", "/kick max"))
    end)
  end)

  it("says how a command is used that was not used so", function()
    local USAGE = {
      ["/ban"] = "/ban NAME [10m|2h|7d] [REASON]: out, and does not come in again",
      ["/kick bob " .. ("x"):rep(201)] = "/kick NAME [REASON]: out of this room",
      ["/unmute"] = "/unmute NAME [REASON]",
      ["/slow soon"] = "/slow SECONDS|off: all wait so long between messages",
      ["/report spam"] = "/report MESSAGE-ID WHY: tells the moderators",
      ["/appeal"] = "/appeal TEXT: tells the moderators why you should be heard again",
    }
    for text, usage in pairs(USAGE) do
      local _, code, problem = ask("max", "say", text)
      assert.same({ "bad_request", "usage: " .. usage }, { code, problem })
    end
  end)

  describe("as other plugins use it", function()
    it("does the same with the rights of an admin", function()
      courtroom = courtrooms.open(nil, { panel = [[return function(gate)
        gate:needs "moderation"
        local moderation = gate:use("moderation", "1.0")
        gate:on("panel", function(_, message)
          return moderation[message.data.verb]("panel", message.room, message.data.data)
        end)
      end]] })
      local function call(verb, data, room)
        return ask("bob", "panel", { verb = verb, data = data }, room)
      end
      assert.equal("ann", call("kick", { user = "ann" }).user)
      assert.same({ nil, "not_allowed", "only of those below you" },
        { call("ban", { user = "root" }) })
      assert.equal("carl", call("ban", { user = "carl" }, false).user)
      assert.is_false(courtroom.carl.is_open)
      assert.equal("panel", call("bans", nil, false).list[1].by)
      assert.equal("kick", call("audit").list[1].action)
      assert.same({ nil, "no_such_room", "there is no room of this name" },
        { call("mute", { user = "max" }, "milk") })
      for _, verb in ipairs { "unban", "mute", "unmute", "shadow_mute", "slow_mode",
        "reports" } do
        assert.is_truthy(call(verb, { user = verb == "unban" and "carl" or "max",
          slow_mode_ms = 1 }, verb ~= "unban" and "tea"), verb)
      end
    end)
  end)
end)
