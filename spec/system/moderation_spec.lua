local client = require "spec.support.client"
local fake_core = require "spec.support.fake_core"
local file = require "spec.support.file"
local server = require "spec.support.server"

-- Makes whoever asks an admin, as a plugin that knows people would.
local CROWN = [[return function(gate)
  gate:on("crown", function(conn) conn.state.admin = true end)
  gate:command("roll", function() return { n = 4 } end)
end]]

describe("moderation", function()
  local house, store

  local function start()
    house = server.start { plugins = { crown = CROWN }, arguments = { "--store", store } }
  end

  before_each(function()
    store = file.free_path()
    start()
  end)

  after_each(function()
    house:stop()
    os.remove(store)
  end)

  local function ask(conn, type_name, data, room)
    if room == nil then room = "tea" end
    local reply = conn:asks { type = type_name, room = room or nil, data = data }
    return reply.ok and reply.data or nil, reply.error and reply.error.code
  end

  --- A guest whom nobody lets in, and who says so: how that ends.
  local function is_sent_away(name)
    local conn = client.connect(house.port, "/ws",
      { ["Sec-WebSocket-Protocol"] = "moongate.v1.json" })
    conn:says { type = "auth", data = { name = name } }
    conn:says { type = "join", id = "join", room = "tea" }
    local told = conn:hears { type = "moderated", action = "ban" }
    assert.is_nil(told.room)
    assert.equal("banned", conn:hears({ id = "join" }).error.code)
    local appeal = conn:asks { type = "appeal", data = { text = "sorry" } }
    return { appeal.ok or appeal.error.code, conn:is_closed() }
  end

  it("is felt by who is kicked, banned and muted", function()
    local ann, bob = client.guest(house.port, "ann"), client.guest(house.port, "bob")
    assert.is_truthy(ask(ann, "create"))
    for _, conn in ipairs { ann, bob } do assert.is_truthy(ask(conn, "join")) end
    assert.is_truthy(ask(ann, "mute", { user = "bob", reason = "loud", duration_ms = 60000 }))
    bob:hears { type = "moderated", action = "mute", room = "tea", reason = "loud" }
    assert.same({ nil, "muted" }, { ask(bob, "say", "hello") })
    assert.is_truthy(ask(ann, "unmute", { user = "bob" }))
    assert.is_truthy(ask(bob, "say", "hello"))
    ann:hears { type = "said", from = "bob" }
    assert.equal("out", ask(ann, "say", "/kick bob out").reason)
    bob:hears { type = "left", user = "bob", reason = "kicked" }
    assert.is_truthy(ask(bob, "join"))
    assert.is_truthy(ask(ann, "ban", { user = "bob" }))
    bob:hears { type = "left", user = "bob", reason = "banned" }
    assert.same({ nil, "banned" }, { ask(bob, "join") })
    assert.is_truthy(ask(bob, "appeal", { text = "sorry" }))
    assert.equal("sorry", ask(ann, "bans").list[1].appeal.text)
    assert.is_truthy(ask(ann, "crown"))
    assert.is_truthy(ask(ann, "kick", { user = "bob" }, false))
    assert.same({ 4504, "kicked" }, { bob:is_closed() })
    ann:close()
  end)

  it("leaves a moderator who is banned, and an owner, nothing to do in the room", function()
    local ann, max = client.guest(house.port, "ann"), client.guest(house.port, "max")
    local bob, root = client.guest(house.port, "bob"), client.guest(house.port, "root")
    assert.is_truthy(ask(ann, "create"))
    assert.is_truthy(ask(ann, "role", { user = "max", role = "moderator" }))
    for _, conn in ipairs { ann, max, bob } do assert.is_truthy(ask(conn, "join")) end
    assert.is_truthy(ask(ann, "shadow_mute", { user = "bob" }))
    local hidden = ask(bob, "say", "spam").id
    local reply = bob:asks { type = "say", room = "tea", data = "/roll" }
    assert.equal("unavailable", reply.error.code)
    reply = bob:asks { type = "say", room = "tea", data = "/xyzzy" }
    assert.equal("unknown_command", reply.error.code)
    assert.is_nil(ask(max, "join").last)
    assert.equal(hidden, ask(bob, "join").last)
    assert.is_truthy(ask(ann, "ban", { user = "max" }))
    for _, verb in ipairs { "kick", "set", "invite", "bans", "reports", "role", "describe" } do
      assert.same({ nil, "banned" }, { ask(max, verb, { user = "bob", role = "member" }) })
    end
    assert.is_truthy(ask(root, "crown"))
    assert.is_truthy(ask(root, "ban", { user = "ann" }))
    for _, verb in ipairs { "archive", "delete_room" } do
      assert.same({ nil, "banned" }, { ask(ann, verb) })
    end
    assert.is_truthy(ask(root, "unban", { user = "ann" }))
    assert.same({ nil, "not_allowed" }, { ask(ann, "archive") })
  end)

  it("survives the end of the process", function()
    local ann, bob = client.guest(house.port, "ann"), client.guest(house.port, "bob")
    assert.is_truthy(ask(ann, "create"))
    assert.is_truthy(ask(bob, "join"))
    local id = ask(bob, "say", "hello").id
    assert.equal(1, ask(bob, "report", { message_id = id, why = "spam" }).id)
    assert.is_truthy(ask(ann, "ban", { user = "carl", reason = "spam" }))
    assert.is_truthy(ask(ann, "mute", { user = "bob" }))
    assert.is_truthy(ask(ann, "crown"))
    assert.is_truthy(ask(ann, "ban", { user = "eve", duration_ms = 3600000 }, false))
    assert.is_truthy(ask(ann, "ban", { user = "dora" }, false))
    assert.is_truthy(ask(ann, "unban", { user = "dora" }, false))
    assert.same({ true, 4504, "banned" }, is_sent_away "eve")
    house:stop()

    start()
    ann = client.guest(house.port, "ann")
    assert.same({ "already_appealed", 4504, "banned" }, is_sent_away "eve")
    local carl = client.guest(house.port, "carl")
    assert.same({ nil, "banned" }, { ask(carl, "join") })
    bob = client.guest(house.port, "bob", "tea")
    assert.same({ nil, "muted" }, { ask(bob, "say", "hello") })
    client.guest(house.port, "dora", "tea"):close()
    assert.is_truthy(ask(ann, "slow_mode", { slow_mode_ms = 1000 }))
    local audit = ask(ann, "audit").list
    assert.same({ 3, "slow_mode", 2, "mute", "bob", 1, "ban", "carl" }, { audit[1].id,
      audit[1].action, audit[2].id, audit[2].action, audit[2].user, audit[3].id,
      audit[3].action, audit[3].user })
    assert.same({ "spam", id, "bob" }, (function(report)
      return { report.why, report.message_id, report.by }
    end)(ask(ann, "reports").list[1]))
    assert.is_truthy(ask(ann, "crown"))
    assert.equal("unban", ask(ann, "audit", nil, false).list[1].action)
    for _, conn in ipairs { ann, bob, carl } do conn:close() end
  end)

  it("is told to clients that speak MessagePack, too", function()
    local msgpack = fake_core.world().msgpack
    local ann = client.guest(house.port, "ann")
    assert.is_truthy(ask(ann, "create"))
    local bob = client.connect(house.port, "/ws",
      { ["Sec-WebSocket-Protocol"] = "moongate.v1.msgpack" })
    local function says(message) bob:send(client.BINARY, assert(msgpack.encode(message))) end
    local function hears(kind)
      while true do
        local message = assert(msgpack.decode((bob:read())))
        if message.type == kind then return message end
      end
    end
    says { type = "auth", data = { name = "bob" } }
    says { type = "join", room = "tea", id = 1 }
    repeat local reply = hears "reply" until reply.id == 1
    assert.is_truthy(ask(ann, "ban", { user = "bob", reason = "spam", duration_ms = 60000 }))
    local told = hears "moderated"
    assert.same({ "tea", "ban", "spam", told.at + 60000 },
      { told.room, told.action, told.reason, told.expires_at })
    says { type = "join", room = "tea" }
    local problem = hears("reply").error
    assert.same({ "banned", true }, { problem.code, problem.temporary })
    assert.matches("^banned until .* UTC: spam$", problem.message)
    ann:close()
    bob:close()
  end)
end)
