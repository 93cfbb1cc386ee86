local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"

local CHAT = { "scripts/auth.lua", "scripts/rooms.lua", "scripts/messages.lua" }

describe("examples/plugins", function()
  local gate, ann, bob

  --- The default app with one of the examples; Ann and Bob are in the tea room.
  local function load(name, options)
    gate = fake_gate.load(("examples/plugins/%s.lua"):format(name), options, { with = CHAT })
    ann, bob = gate:connect "ann", gate:connect "bob"
    for _, conn in ipairs { ann, bob } do gate:deliver(conn, { type = "join", room = "tea" }) end
  end

  local function say(conn, data, room)
    return gate:deliver(conn, { type = "say", room = room or "tea", data = data })
  end

  local function last(conn) return conn.heard[#conn.heard] end

  it("are at most 40 lines each, as the apps beside them", function()
    local paths = file.list "examples/*.lua examples/plugins/*.lua"
    for _, path in ipairs(paths) do
      assert.is_true(select(2, file.read(path):gsub("\n", "")) <= 40, path)
    end
    assert.is_true(#paths >= 10)
  end)

  it("are all run here, or in a spec of their own", function()
    local here, missing = file.read "spec/scripts/examples_spec.lua", {}
    for _, path in ipairs(file.list "examples/plugins/*.lua") do
      local name = path:match "([%w_]+)%.lua$"
      local is_run = here:find(('load("%s"'):format(name), 1, true)
        or here:find(('load "%s"'):format(name), 1, true)
        or file.peek(("spec/scripts/%s_spec.lua"):format(name))
        or file.peek(("examples/plugins/spec/%s_spec.lua"):format(name))
        or file.read("spec/scripts/readme_spec.lua"):find(name, 1, true)
      if not is_run then missing[#missing + 1] = name end
    end
    assert.same({}, missing)
  end)

  it("slow_mode: one message of a user in five seconds", function()
    load "slow_mode"
    local phone = gate:connect "ann"
    gate:deliver(phone, { type = "join", room = "tea" })
    assert.is_truthy(say(ann, "one"))
    assert.same({ nil, "slow_mode", "wait 5 s", true }, { say(phone, "two") })
    assert.is_truthy(say(bob, "three"))
    for _, conn in ipairs { ann, phone } do gate:close(conn) end
    ann = gate:connect "ann"
    gate:deliver(ann, { type = "join", room = "tea" })
    assert.same({ nil, "slow_mode", "wait 5 s", true }, { say(ann, "four") })
    gate:later(5000)
    assert.is_truthy(say(ann, "five"))
    gate:later(120000)
    assert.same({ may_speak_ms = {} }, gate.world.state.of "slow_mode")
  end)

  it("announce: says it in all rooms at its time", function()
    load("announce", { when = "0 * * * *", text = "Ding." })
    gate:deliver(bob, { type = "join", room = "milk" })
    local hour_ms = 3600000
    gate:later(hour_ms - gate.core.now_ms % hour_ms)
    local rooms = {}
    for _, message in ipairs(bob.heard) do
      if message.from == "announcer" then rooms[message.room] = message.data.text end
    end
    assert.same({ tea = "Ding.", milk = "Ding." }, rooms)
  end)

  it("time_bot: answers when it is asked, and counts", function()
    load "time_bot"
    say(ann, { text = "Bot, what time is it?" })
    gate:later(500)
    assert.equal("bot", last(bob).from)
    assert.matches("^It is %d%d:%d%d UTC%.$", last(bob).data.text)
    say(ann, { text = "What time is it?" })
    gate:later(500)
    assert.equal("ann", last(bob).from)
    assert.matches("plugin_time_bot_answers_total 1\n", gate.world.metric.text())
  end)

  it("api: lists the rooms for those who have the key", function()
    load("api", { key = "a secret" })
    for _, key in ipairs { "", "a secret", "Bearer ", "Bearer a secret2", "bearer a secret" } do
      assert.equal(401, gate:http("GET", "/api/rooms", { authorization = key }).status, key)
    end
    local response = gate:http("GET", "/api/rooms", { authorization = "Bearer a secret" })
    assert.same({ rooms = { tea = 2 } }, response.data)
    assert.matches('option "key": expected a string', select(2, pcall(load, "api")))
  end)

  it("seen: says when somebody was here last", function()
    load "seen"
    assert.same({ name = "bob", is_here = true }, say(ann, "/seen bob"))
    local at = gate.core.now_ms
    gate:close(bob)
    gate:later(1000)
    assert.same({ name = "bob", at = at }, say(ann, "/seen bob"))
    assert.same({ nil, "unknown", "nobody has seen them" }, { say(ann, "/seen zoe") })
  end)

  it("webhook_out: tells the service what is said, and counts what it did not take", function()
    load("webhook_out", { url = "https://hooks.example/chat", rooms = { "tea" } })
    say(ann, { text = "hello" })
    local fetch = gate:answer_fetch { status = 204 }
    assert.same({ "POST", "https://hooks.example/chat" }, { fetch.method, fetch.url })
    assert.same({ room = "tea", from = "ann", data = { text = "hello" } },
      gate.world.json.decode(fetch.body))
    say(ann, "again")
    gate:answer_fetch("connect", "refused")
    assert.is_truthy(gate:logged "webhook_out#1: not taken: connect, refused")
    assert.matches("plugin_webhook_out_lost_total 1\n", gate.world.metric.text())
    gate:deliver(ann, { type = "join", room = "milk" })
    say(ann, "private", "milk")
    assert.equal(0, #gate.core.fetches)
  end)
end)
