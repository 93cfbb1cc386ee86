local courtrooms = require "spec.support.courtroom"

describe("what is said under moderation", function()
  local courtroom

  local function load(options) courtroom = courtrooms.open(options) end
  local function refused(who, data) return courtroom:refused(who, "say", data) end

  --- What others hear of it.
  local function heard(who, data)
    courtroom:heard "max"
    assert.is_truthy(courtroom:ask(who, "say", data))
    return courtroom:heard("max")[1].data
  end

  it("is anything when no words and links are named", function()
    load()
    assert.equal("darn http://a.example", heard("bob", "darn http://a.example"))
  end)

  it("has none of the words, for nobody and nowhere in it", function()
    load { words = { "darn" } }
    for _, data in ipairs { "oh DARN", { text = "darn" }, { body = { { "darn!" } } },
      "/help darn" } do
      assert.equal("refused_word", refused("bob", data))
    end
    courtroom:ask("root", "join")
    for _, who in ipairs { "max", "ann", "root" } do
      assert.equal("refused_word", refused(who, "darn"))
    end
    assert.equal("darned", heard("bob", "darned"))
    assert.equal(7, heard("bob", 7))
    assert.matches('plugin_moderation_refused_total{code="refused_word"} 7\n',
      courtroom.gate.world.metric.text())
  end)

  it("has asterisks in place of them", function()
    load { words = { "darn" }, action = "mask" }
    assert.equal("oh ****", heard("bob", "oh darn"))
    assert.same({ text = "****", n = { 1, "fine" } },
      heard("bob", { text = "darn", n = { 1, "fine" } }))
  end)

  it("has links of those who may send them", function()
    for links, may in pairs { allow = { "bob", "carl", "max", "ann" }, members = { "carl", "max",
      "ann" }, moderators = { "max", "ann" }, deny = {} } do
      load { links = links }
      courtroom:ask("ann", "role", { user = "carl", role = "member" })
      local found = {}
      for _, who in ipairs { "bob", "carl", "max", "ann" } do
        if refused(who, "see www.a.example") ~= "refused_link" then found[#found + 1] = who end
      end
      assert.same(may, found)
      assert.equal("see a.example", heard("bob", "see a.example"))
    end
  end)

  it("has asterisks in place of others' links", function()
    load { links = "moderators", action = "mask" }
    assert.equal("see *** now", heard("bob", "see https://a.example/x now"))
    assert.equal("see https://a.example/x now", heard("max", "see https://a.example/x now"))
  end)

  it("is looked at when it is edited, too", function()
    load { words = { "darn" }, action = "mask" }
    local id = courtroom:ask("bob", "say", "fine").id
    courtroom:heard "max"
    assert.is_truthy(courtroom:ask("bob", "edit", "darn", "tea", { message_id = id }))
    local edited = courtroom:heard("max")[1]
    assert.same({ "edited", "****" }, { edited.type, edited.data })
  end)

  it("is looked at in reactions, too", function()
    load { words = { "darn", "дурак" } }
    local id = courtroom:ask("max", "say", "fine").id
    local function react(emoji)
      local _, code = courtroom:ask("bob", "react", nil, nil, { message_id = id, emoji = emoji })
      return code
    end
    for _, emoji in ipairs { ":darn:", "дурак" } do assert.equal("refused_word", react(emoji)) end
    assert.is_nil(react ":darned:")
  end)

  it("wants options that make sense", function()
    for option, wrong in pairs { words = { "two words" }, links = "some", action = "shout" } do
      local ok, problem = pcall(load, { [option] = wrong })
      assert.is_false(ok)
      assert.matches(('option "%s": expected'):format(option), problem)
    end
  end)
end)

describe("who is muted", function()
  local courtroom

  local function ask(...) return courtroom:ask(...) end
  local function refused(...) return courtroom:refused(...) end
  local function heard(who) return courtroom:heard(who) end

  local PUSHES = { edit = "edited", react = "reacted", typing = "typing" }
  local ids

  before_each(function()
    courtroom = courtrooms.open()
    ids = {}
    for _, who in ipairs { "bob", "carl" } do ids[who] = ask(who, "say", "fine").id end
  end)

  --- One of PUSHES, of the user's own message.
  local function ask_for(who, name)
    return ask(who, name, "better", "tea", { message_id = ids[who], emoji = ":+1:" })
  end

  it("can neither edit, react nor type", function()
    ask("max", "mute", { user = "bob" })
    for name in pairs(PUSHES) do
      assert.equal("muted", (select(2, ask_for("bob", name))))
      assert.is_truthy(ask_for("carl", name))
    end
    ask("max", "unmute", { user = "bob" })
    for name in pairs(PUSHES) do assert.is_truthy(ask_for("bob", name)) end
  end)

  it("in the shadow is heard only by themselves, and told nothing", function()
    heard "bob"
    assert.is_truthy(ask("max", "shadow_mute", { user = "bob" }))
    assert.same({}, heard "bob")
    for name, push in pairs(PUSHES) do
      heard "max"
      assert.is_truthy(ask_for("bob", name))
      assert.same({}, heard "max")
      assert.is_truthy(ask_for("carl", name))
      assert.equal(push, heard("max")[1].type)
    end
    assert.is_false(courtroom:is_heard("bob", "hello", "max"))
    assert.is_true(courtroom:is_heard("bob", "hello", "bob"))
    assert.equal("nothing_to_appeal", refused("bob", "appeal", { text = "why?" }))
    heard "bob"
    assert.is_truthy(ask("max", "unmute", { user = "bob" }))
    assert.same({}, heard "bob")
    assert.is_true(courtroom:is_heard("bob", "hello", "max"))
  end)
end)

describe("a slash command of a muted user", function()
  it("is refused, but when there is none: then it is unknown, as for all", function()
    local courtroom = courtrooms.open(nil, { dice = [[return function(gate)
      gate:command("roll", function() return { n = 4 } end)
    end]] })
    local function refused(data) return courtroom:refused("bob", "say", data) end
    assert.is_nil(refused "/roll")
    assert.equal("unknown_command", refused "/xyzzy")
    courtroom:ask("max", "shadow_mute", { user = "bob" })
    assert.equal("unavailable", refused "/roll")
    assert.equal("unavailable", refused { text = "/ROLL 7" })
    assert.equal("unknown_command", refused "/xyzzy")
    assert.is_nil(refused "/help")
    courtroom:ask("max", "mute", { user = "bob" })
    assert.equal("muted", refused "/roll")
    assert.equal("muted", refused "/xyzzy")
  end)
end)

describe("who is banned", function()
  it("may ask for nothing about the room, whatever they were there, but appeals", function()
    local courtroom = courtrooms.open()
    local code = courtroom:ask("max", "invite", { uses = 5 }).code
    assert.is_truthy(courtroom:ask("ann", "ban", { user = "max" }))
    local DATA = { role = { user = "bob", role = "member" }, set = { topic = "mine" },
      report = { message_id = 1, why = "x" }, slow_mode = { slow_mode_ms = 1000 },
      rename = { name = "mine" }, say = "hello", join = { invite = code } }
    for _, verb in ipairs { "kick", "ban", "unban", "bans", "mute", "unmute", "shadow_mute",
      "slow_mode", "report", "reports", "audit", "set", "invite", "role", "describe", "members",
      "join", "leave", "say", "edit", "delete", "react", "typing", "read", "rename", "archive" } do
      assert.equal("banned", courtroom:refused("max", verb, DATA[verb] or { user = "bob" }), verb)
    end
    assert.is_truthy(courtroom:ask("max", "appeal", { text = "sorry" }))
    assert.is_truthy(courtroom:ask("max", "join", nil, "milk"))
  end)

  it("has lost the role and what invites they made, and is a guest when it is over", function()
    local courtroom = courtrooms.open()
    courtroom:ask("ann", "create", { kind = "private" }, "den")
    for _, user in ipairs { "max", "bob" } do
      courtroom:ask("ann", "role", { user = user, role = "moderator" }, "den")
    end
    courtroom:ask("ann", "role", { user = "max", role = "member" }, "den")
    local codes = { courtroom:ask("bob", "invite", nil, "den").code,
      courtroom:ask("ann", "invite", { user = "bob" }, "den").code,
      courtroom:ask("ann", "invite", nil, "den").code }
    courtroom:ask("ann", "join", nil, "den")
    courtroom:heard "ann"
    courtroom:ask("ann", "ban", { user = "bob" }, "den")
    assert.same({ type = "role_changed", room = "den", user = "bob", role = "guest", by = "ann",
      at = courtroom:now() }, courtroom:heard("ann")[1])
    assert.equal("bad_invite", courtroom:refused("carl", "join", { invite = codes[1] }, "den"))
    assert.is_truthy(courtroom:ask("carl", "join", { invite = codes[3] }, "den"))
    courtroom:ask("ann", "unban", { user = "bob" }, "den")
    assert.equal("bad_invite", courtroom:refused("bob", "join", { invite = codes[2] }, "den"))
    assert.equal("no_such_room", courtroom:refused("bob", "kick", { user = "max" }, "den"))
    assert.same({ carl = "member", max = "member" },
      courtroom:ask("ann", "describe", nil, "den").roles)
  end)

  it("by an admin owns the room no more, and may make another for it", function()
    local courtroom = courtrooms.open()
    courtroom:ask("root", "ban", { user = "ann" })
    assert.is_nil(courtroom:ask("root", "describe").owner)
    for _, verb in ipairs { "archive", "delete_room", "rename", "set" } do
      assert.equal("banned", courtroom:refused("ann", verb, { name = "mine" }))
    end
    courtroom:ask("root", "unban", { user = "ann" })
    assert.equal("guest", courtroom:ask("ann", "join").role)
    assert.is_truthy(courtroom:ask("max", "kick", { user = "ann" }))
    local owned = courtroom.gate.world.state.of("rooms").records
    assert.is_nil(owned.tea.owner)
  end)

  it("is not told that they were mentioned there", function()
    local courtroom = courtrooms.open()
    courtroom:ask("bob", "leave")
    courtroom:ask("carl", "leave")
    courtroom:ask("max", "ban", { user = "bob", duration_ms = 60000 })
    courtroom:heard "bob"
    courtroom:heard "carl"
    local function mention()
      courtroom:ask("max", "say", "hi", "tea", { mentions = { "bob", "carl" } })
    end
    mention()
    assert.equal("mentioned", courtroom:heard("carl")[1].type)
    assert.same({}, courtroom:heard "bob")
    courtroom.gate:later(60000)
    mention()
    assert.equal("mentioned", courtroom:heard("bob")[1].type)
  end)

  it("by address hears nothing of the room, and gets nothing there, on that connection", function()
    local courtroom = courtrooms.open()
    courtroom:ask("root", "ban", { address = "10.0.0.3" }) -- of bob
    courtroom:heard "bob"
    local function mention()
      courtroom:ask("max", "say", "hi", "tea", { mentions = { "bob" } })
      return courtroom:heard "bob"
    end
    assert.same({}, mention())
    assert.equal("banned", courtroom:refused("ann", "invite", { user = "bob" }))
    assert.equal("banned", courtroom:refused("ann", "role", { user = "bob", role = "member" }))
    local there = courtroom.bob
    courtroom:connect("bob", "10.0.0.9")
    assert.equal("mentioned", mention()[1].type)
    assert.same({}, there.heard)
    assert.is_truthy(courtroom:ask("ann", "role", { user = "bob", role = "member" }))
    courtroom:ask("root", "unban", { address = "10.0.0.3" })
    mention()
    assert.equal("mentioned", there.heard[#there.heard].type)
  end)

  it("by address hears nothing that is said in a room of two either", function()
    local courtroom = courtrooms.open(nil, { desk = [[return function(gate)
      local messages = gate:use("messages", "1.0")
      gate:on("publish", function(_, message)
        return messages.publish(message.room, "server", message.data)
      end)
    end]] })
    courtroom:ask("ann", "direct", { user = "bob" }, false)
    courtroom:ask("root", "ban", { address = "10.0.0.3" }, "@ann,bob")
    courtroom:heard "bob"
    courtroom:heard "ann"
    assert.is_truthy(courtroom:ask("ann", "publish", "hi", "@ann,bob"))
    assert.same({}, courtroom:heard "bob")
    assert.equal("said", courtroom:heard("ann")[1].type)
  end)

  it("is out again when it became known only while they came in", function()
    local courtroom = courtrooms.open(nil, { late = [[return function(gate)
      gate:needs "moderation"
      local moderation = gate:use("moderation", "1.0")
      gate:before("join", function(conn, message)
        if conn.user == "dora" then moderation.ban("late", message.room, { user = "dora" }) end
      end)
    end]] })
    local dora = courtroom:connect "dora"
    assert.is_truthy(courtroom:ask("dora", "join"))
    assert.is_nil(next(dora.rooms))
    local heard = courtroom:heard "dora"
    assert.same({ "left", "banned" }, { heard[#heard].type, heard[#heard].reason })
  end)
end)
