--- The server API on the real server, by a client that knows docs/openapi.json and nothing else.
local client = require "spec.support.client"
local json = require "cjson"
local openapi = require "spec.support.openapi"
local operations = require "server_api.operations"
local schema = require "spec.support.schema"
local server = require "spec.support.server"
local server_api = require "spec.support.server_api"

local KEYS = server_api.KEYS

describe("the server API", function()
  local house, api, ops, ann, bob

  setup(function()
    house = server_api.start [[rate = { per_second = 10000, burst = 10000 }, max_rooms = 3,
      max_users = 3]]
    api = openapi.open "docs/openapi.json"
    ops = api:client(house.port, KEYS.ops)
  end)

  teardown(function()
    api:close()
    house:stop()
  end)

  before_each(function()
    ann, bob = client.guest(house.port, "ann"), client.guest(house.port, "bob")
  end)

  after_each(function()
    for _, conn in ipairs { ann, bob } do
      if not conn.closed then conn:close() end
    end
    for _, conn in ipairs { ann, bob } do conn.socket:close() end
    server.eventually("ann and bob to be gone", function()
      return ops:tries("user", { user = "ann" }).status == 404
        and ops:tries("user", { user = "bob" }).status == 404
    end)
  end)

  --- A new room, and who is in it.
  local function room(name, ...)
    ops:calls("create_room", { room = name })
    for _, conn in ipairs { ... } do assert(conn:asks({ type = "join", room = name }).ok) end
    return name
  end

  local function refusal(conn, message) return (conn:asks(message).error or {}).code end

  --- Refused by the server as the file would refuse it, with the field that is wrong named.
  local function is_bad(name, args, field, code)
    local response, problem = ops:tries(name, args)
    local shown = ("%s %s: %s"):format(name, json.encode(args), response.body)
    assert.is_truthy(problem, shown .. " is right by the file")
    local refused = response.data.error
    assert.same({ 400, code or "bad_request" }, { response.status, refused.code }, shown)
    assert.equal(field, refused.message:match "^(%l[%l_.]*)[: ]", shown)
  end

  describe("says things", function()
    it("in a room, as the server or in somebody's name", function()
      room("tea", ann, bob)
      local said = ops:calls("publish", { room = "tea", data = "hello" })
      for _, conn in ipairs { ann, bob } do
        local push = conn:hears { type = "said" }
        assert.same({ "tea", said.id, "server", "hello" },
          { push.room, push.id, push.from, push.data })
      end
      ops:calls("publish", { room = "tea", data = { text = "as ann", list = { 1, 2 } },
        from = "ann" })
      local push = bob:hears { type = "said", from = "ann" }
      assert.same({ text = "as ann", list = { 1, 2 } }, push.data)
      assert.is_true(push.id > said.id)
    end)

    it("in no room that is not there, or is archived, and nothing too long", function()
      room "archive"
      ops:calls("archive_room", { room = "archive" })
      assert.same({ 409, "archived" }, { ops:fails("publish", { room = "archive", data = 1 }) })
      assert.same({ 404, "no_such_room" }, { ops:fails("publish", { room = "nowhere", data = 1 }) })
      assert.same({ 413, "too_big" },
        { ops:fails("publish", { room = room "long", data = ("x"):rep(4097) }) })
      assert.same({ 413, "too_big" },
        { ops:fails("publish", { room = "long", data = { ("x"):rep(40000) } }) })
    end)

    it("once for one message_key, also when the connection was lost", function()
      room("once", ann)
      local call = { room = "once", data = "once", message_key = "key-0000001" }
      local first = ops:calls("publish", call)
      assert.same(first, ops:calls("publish", call))
      ops:calls("publish", { room = "once", data = "after" })
      assert.equal("once", ann:hears({ type = "said" }).data)
      assert.equal("after", ann:hears({ type = "said" }).data)
      call.data = "another"
      assert.same({ 409, "key_reused" }, { ops:fails("publish", call) })
      local bot = api:client(house.port, KEYS.bot)
      assert.is_true(bot:calls("publish", call).id > first.id) -- keys of its own
      -- What was refused has not been done, and may be done later.
      call = { room = "later", data = 1, message_key = "key-0000002" }
      assert.equal(404, (ops:fails("publish", call)))
      room("later")
      assert.is_truthy(ops:calls("publish", call).id)
    end)

    it("in many rooms, each for itself", function()
      room("b1", ann)
      room("b2", bob)
      local call = { rooms = { "b1", "b2", "nowhere" }, data = "all", message_key = "key-0000003" }
      local done = ops:calls("broadcast", call)
      assert.same({ 2, 3 }, { done.count, #done.results })
      assert.equal(done.results[1].id, ann:hears({ type = "said", room = "b1" }).id)
      assert.equal(done.results[2].id, bob:hears({ type = "said", room = "b2" }).id)
      assert.equal("no_such_room", done.results[3].error.code)
      assert.same(done, ops:calls("broadcast", call))
      assert.equal(1, #ops:calls("broadcast", { rooms = { "b1", "b1" }, data = 1 }).results)
    end)

    it("to everybody, in both encodings", function()
      local carl = client.connect(house.port, "/ws",
        { ["Sec-WebSocket-Protocol"] = "moongate.v1.msgpack" })
      assert.truthy(carl:read():find "hello")
      local stranger = client.connect(house.port, "/ws",
        { ["Sec-WebSocket-Protocol"] = "moongate.v1.json" })
      carl:send(client.BINARY, "\131\164type\164auth\162id\1\164data\129\164name\164carl")
      assert.truthy(carl:read():find "reply")
      assert.equal(3, ops:calls("broadcast", { everybody = true, data = "closing" }).count)
      for _, conn in ipairs { ann, bob } do
        local push = conn:hears { type = "announced" }
        assert.same({ "server", "closing" }, { push.from, push.data })
        assert.same({}, schema.problems { { "push/announced", json.encode(push) } })
      end
      local bytes, opcode = carl:read()
      assert.equal(client.BINARY, opcode)
      assert.truthy(bytes:find("\169announced", 1, true) and bytes:find("\167closing", 1, true))
      stranger:says { type = "ping", id = 1 }
      stranger:hears { type = "hello" }
      assert.equal("reply", stranger:next().type) -- and nothing before it
      carl:close()
      stranger:close()
    end)

    it("not when fields are wrong", function()
      for _, name in ipairs { "publish", "broadcast" } do
        is_bad(name, { room = "tea", rooms = { "tea" } }, name == "publish" and "rooms" or "room")
        is_bad(name, { [name == "publish" and "room" or "everybody"] = true }, name == "publish"
          and "room" or "data")
      end
      is_bad("publish", { room = "tea" }, "data")
      is_bad("publish", { data = 1 }, "room")
      is_bad("publish", { room = "tea", data = json.null }, "data")
      for _, from in ipairs { 7, "", ("x"):rep(129), "a\tb" } do
        is_bad("publish", { room = "tea", data = 1, from = from }, "from")
        is_bad("broadcast", { everybody = true, data = 1, from = from }, "from")
      end
      for _, key in ipairs { 7, "short", ("x"):rep(65), "with blanks", ("\195\164"):rep(9) } do
        is_bad("publish", { room = "tea", data = 1, message_key = key }, "message_key")
      end
      is_bad("broadcast", { data = 1 }, "expected")
      is_bad("broadcast", { data = 1, everybody = false }, "expected")
      is_bad("broadcast", { data = 1, everybody = true, rooms = { "tea" } }, "expected")
      is_bad("broadcast", { data = 1, rooms = {} }, "rooms")
      is_bad("broadcast", { data = 1, rooms = { 7 } }, "rooms")
      is_bad("broadcast", { data = 1, rooms = "tea" }, "rooms")
      local status, code = ops:fails("broadcast", { data = 1, rooms = { "a", "b", "c", "d" } })
      assert.same({ 400, "bad_request" }, { status, code }) -- more than the option
    end)
  end)

  describe("keeps rooms", function()
    it("which are made, described, changed, archived and deleted", function()
      local made = ops:calls("create_room", { room = "den", kind = "private", title = "Den",
        owner = "ann", password = "xyzzy", options = { history = 7 } })
      assert.same({ "den", "private", "Den", 7, 0 },
        { made.room, made.kind, made.title, made.options.history, made.count })
      assert.equal("owner", ann:asks({ type = "join", room = "den" }).data.role)
      assert.is_true(bob:asks({ type = "join", room = "den", data = { password = "xyzzy" } }).ok)
      assert.is_true(ann:asks({ type = "invite", room = "den" }).ok)
      local shown = ops:calls("describe_room", { room = "den" })
      assert.same({ "ann", 2, { bob = "member" } }, { shown.owner, shown.count, shown.roles })
      assert.is_nil(shown.invites)
      ops:calls("change_room", { room = "den", topic = "hush", options = { history = 9 },
        password = "" })
      local push = bob:hears { type = "room_changed" }
      assert.same({ "api:ops", "hush", 9 }, { push.by, push.topic, push.options.history })
      assert.same({ 409, "room_exists" }, { ops:fails("create_room", { room = "den" }) })
      assert.same({ 409, "not_archived" }, { ops:fails("delete_room", { room = "den" }) })
      assert.is_true(ops:calls("archive_room", { room = "den" }).archived)
      bob:hears { type = "room_archived", archived = true }
      assert.equal("archived", refusal(bob, { type = "say", room = "den", data = 1 }))
      assert.same({ 409, "archived" }, { ops:fails("change_room", { room = "den", topic = "" }) })
      assert.is_false(ops:calls("unarchive_room", { room = "den" }).archived)
      assert.is_nil(refusal(bob, { type = "say", room = "den", data = 1 }))
      ops:calls("archive_room", { room = "den" })
      ops:calls("delete_room", { room = "den" })
      ann:hears { type = "room_deleted", room = "den", by = "api:ops" }
      for _, name in ipairs { "describe_room", "delete_room", "archive_room", "unarchive_room",
        "change_room", "list_members" } do
        assert.same({ 404, "no_such_room" }, { ops:fails(name, { room = "den" }) }, name)
      end
    end)

    it("which are listed in pages, those of users, too, and who is in them", function()
      for n = 1, 3 do
        ops:calls("create_room", { room = "page " .. n, kind = "unlisted", title = "Seite " .. n })
      end
      assert.is_true(ann:asks({ type = "join", room = "page of ann" }).ok)
      assert.is_true(bob:asks({ type = "join", room = "page of ann" }).ok)
      local page = ops:calls("list_rooms", { prefix = "page ", limit = 2 })
      assert.same({ "page 1", "page 2", "page 2" },
        { page.list[1].room, page.list[2].room, page.next })
      page = ops:calls("list_rooms", { prefix = "page ", after = page.next })
      assert.same({ "page 3", "page of ann" }, { page.list[1].room, page.list[2].room })
      assert.same({ "ephemeral", 2 }, { page.list[2].kind, page.list[2].count })
      assert.equal(1, #ops:calls("list_rooms", { text = "seite 2", kind = "unlisted" }).list)
      assert.same({}, ops:calls("list_rooms", { prefix = "page", archived = true }).list)
      assert.same({ room = "page of ann", members = { "ann" }, count = 2, next = "ann" },
        ops:calls("list_members", { room = "page of ann", limit = 1 }))
      assert.same({ "bob" },
        ops:calls("list_members", { room = "page of ann", after = "ann" }).members)
      local empty = ops:tries("list_members", { room = "page 1" })
      assert.truthy(empty.body:find('"members":[]', 1, true))
    end)

    it("of any name, which no path has to carry", function()
      for _, name in ipairs { "a/b", "..", "../../metrics", "%2e%2e%2f", "a b+c", "t\195\169e",
        "\240\159\141\181", "a&room=b", "?#;=", "api/v1/kick", "'\"\\", ("\195\164"):rep(32) } do
        ops:calls("create_room", { room = name })
        assert.equal(name, ops:calls("describe_room", { room = name }).room)
        assert.is_true(ann:asks({ type = "join", room = name }).ok)
        assert.same({ "ann" }, ops:calls("list_members", { room = name }).members)
        ops:calls("publish", { room = name, data = "here" })
        ann:hears { type = "said", room = name }
        ops:calls("archive_room", { room = name })
        ops:calls("delete_room", { room = name })
        ann:hears { type = "room_deleted", room = name }
      end
    end)

    it("also those of two", function()
      local name = ann:asks({ type = "direct", data = { user = "bob" } }).data.room
      assert.equal("direct", ops:calls("describe_room", { room = name }).kind)
      ops:calls("publish", { room = name, data = "psst" })
      ann:hears { type = "said", room = name }
      assert.same({ 400, "bad_room" }, { ops:fails("create_room", { room = "@x,y" }) })
    end)

    it("not when fields are wrong", function()
      for _, name in ipairs { "create_room", "describe_room", "change_room", "delete_room",
        "archive_room", "unarchive_room", "list_members" } do
        is_bad(name, {}, "room")
        is_bad(name, { room = "tea", color = "red" }, "color")
        for _, bad in ipairs { "", ("x"):rep(65), "a\tb" } do
          local response, problem = ops:tries(name, { room = bad })
          assert.is_truthy(problem)
          assert.same({ 400, "bad_room" }, { response.status, response.data.error.code }, name)
        end
      end
      for _, name in ipairs { "create_room", "change_room" } do
        ops:tries("create_room", { room = "fields", kind = "private" })
        local of = { room = name == "create_room" and "new" or "fields" }
        for _, case in ipairs { { "title", 7 }, { "title", ("x"):rep(129) }, { "topic", "a\nb" },
          { "topic", ("x"):rep(1025) }, { "password", 7 }, { "options", "x" },
          { "options", { 1 } } } do
          is_bad(name, { room = of.room, [case[1]] = case[2] }, case[1])
        end
        is_bad(name, { room = of.room, options = { history = -1 } }, "options.history",
          "bad_options")
        is_bad(name, { room = of.room, options = { color = 1 } }, "options.color", "bad_options")
      end
      is_bad("create_room", { room = "new", kind = "direct" }, "kind")
      is_bad("create_room", { room = "new", owner = "" }, "owner")
      is_bad("create_room", { room = 7 }, "room")
      is_bad("list_rooms", { limit = 0 }, "limit")
      is_bad("list_rooms", { limit = "many" }, "limit")
      is_bad("list_rooms", { archived = "maybe" }, "archived")
      is_bad("list_rooms", { color = "red" }, "color")
      is_bad("list_members", { room = "fields", limit = 501 }, "limit")
    end)
  end)

  describe("moderates", function()
    it("by kicking out of a room, and out of all", function()
      room("kicks", ann, bob)
      local done = ops:calls("kick", { room = "kicks", user = "bob", reason = "spam" })
      assert.same({ "kicks", "bob", "spam" }, { done.room, done.user, done.reason })
      bob:hears { type = "left", room = "kicks", user = "bob", reason = "kicked" }
      bob:hears { type = "moderated", action = "kick", reason = "spam" }
      ann:hears { type = "left", user = "bob", reason = "kicked" }
      assert.same({ 404, "not_a_member" }, { ops:fails("kick", { room = "kicks", user = "bob" }) })
      ops:calls("kick", { user = "bob" })
      assert.same({ 4504, "kicked" }, { bob:is_closed() })
      server.eventually("bob to be gone", function()
        return ops:tries("kick", { user = "bob" }).data.error
      end)
      assert.same({ 404, "gone" }, { ops:fails("kick", { user = "bob" }) })
    end)

    it("by bans in a room, which are listed and lifted", function()
      room("bans", ann, bob)
      local done = ops:calls("ban", { room = "bans", user = "bob", duration_ms = 60000 })
      assert.equal(done.at + 60000, done.expires_at)
      bob:hears { type = "left", room = "bans", reason = "banned" }
      assert.equal("banned", refusal(bob, { type = "join", room = "bans" }))
      local list = ops:calls("bans", { room = "bans" }).list
      assert.same({ "ban", "bob", "api:ops" }, { list[1].what, list[1].user, list[1].by })
      ops:calls("unban", { room = "bans", user = "bob" })
      assert.is_nil(refusal(bob, { type = "join", room = "bans" }))
      assert.same({ 404, "not_banned" }, { ops:fails("unban", { room = "bans", user = "bob" }) })
      assert.truthy(ops:tries("bans", { room = "bans" }).body:find('"list":[]', 1, true))
      local audit = ops:calls("audit", { room = "bans", limit = 1 })
      assert.same({ "unban", "api:ops", "bob" },
        { audit.list[1].action, audit.list[1].by, audit.list[1].user })
      assert.equal("ban", ops:calls("audit", { room = "bans", after = audit.next }).list[1].action)
    end)

    it("by bans everywhere, of users and addresses", function()
      ops:calls("ban", { user = "bob", reason = "out" })
      assert.same({ 4504, "banned" }, { bob:is_closed() })
      ops:calls("ban", { address = "192.0.2.1" })
      local list = ops:calls("bans", { limit = 1 })
      assert.equal("192.0.2.1", list.list[1].address)
      assert.equal("bob", ops:calls("bans", { after = list.next }).list[1].user)
      ops:calls("unban", { user = "bob" })
      ops:calls("unban", { address = "192.0.2.1" })
      assert.equal("unban", ops:calls("audit", {}).list[1].action)
    end)

    it("by mutes, slow mode, and what was reported", function()
      room("mutes", ann, bob)
      local function say(conn)
        return refusal(conn, { type = "say", room = "mutes", data = "x" })
      end
      ops:calls("mute", { room = "mutes", user = "bob", duration_ms = 60000 })
      assert.equal("muted", say(bob))
      ops:calls("unmute", { room = "mutes", user = "bob" })
      assert.is_nil(say(bob))
      assert.same({ 404, "not_muted" }, { ops:fails("unmute", { room = "mutes", user = "bob" }) })
      ann:hears { type = "said", from = "bob" }
      ops:calls("shadow_mute", { room = "mutes", user = "bob" })
      assert.is_nil(say(bob))
      ops:calls("publish", { room = "mutes", data = "after" })
      assert.equal("after", ann:hears({ type = "said" }).data) -- and nothing before it
      ops:calls("unmute", { room = "mutes", user = "bob", reason = "enough" })
      assert.equal(60000, ops:calls("slow_mode", { room = "mutes", slow_mode_ms = 60000 })
        .slow_mode_ms)
      assert.is_nil(say(bob))
      assert.equal("slow_mode", say(bob))
      local id = ops:calls("publish", { room = "mutes", data = "buy" }).id
      assert.is_true(ann:asks({ type = "report", room = "mutes",
        data = { message_id = id, why = "spam" } }).ok)
      local report = ops:calls("reports", { room = "mutes" }).list[1]
      assert.same(report.why, ops:calls("reports", {}).list[1].why) -- of all rooms
      assert.same({ id, "spam", "ann" }, { report.message_id, report.why, report.by })
    end)

    it("nobody who is an admin", function()
      room("thrones", ann)
      assert.is_true(ann:asks({ type = "crown" }).ok)
      for _, name in ipairs { "kick", "ban", "mute" } do
        assert.same({ 403, "not_allowed" },
          { ops:fails(name, { room = "thrones", user = "ann" }) })
      end
    end)

    it("not in a room that is not there, nor when it is archived", function()
      room "attic"
      ops:calls("archive_room", { room = "attic" })
      for _, name in ipairs { "kick", "ban", "unban", "mute", "shadow_mute", "unmute" } do
        for place, refused in pairs { nowhere = { 404, "no_such_room" },
          attic = { 409, "archived" } } do
          assert.same(refused, { ops:fails(name, { room = place, user = "bob" }) })
        end
      end
      for _, name in ipairs { "bans", "reports", "audit" } do
        assert.same({ 404, "no_such_room" }, { ops:fails(name, { room = "nowhere" }) })
        assert.same({}, ops:calls(name, { room = "attic" }).list)
      end
      assert.same({ 409, "archived" },
        { ops:fails("slow_mode", { room = "attic", slow_mode_ms = 0 }) })
    end)

    it("not when fields are wrong", function()
      room "fields of moderation"
      local long = ("x"):rep(201)
      for _, name in ipairs { "kick", "ban", "unban", "mute", "shadow_mute", "unmute" } do
        for _, user in ipairs { "", 7, ("x"):rep(129), "a\tb" } do
          is_bad(name, { room = "fields of moderation", user = user }, "user")
        end
        is_bad(name, { room = "fields of moderation", user = "x", reason = long }, "reason")
        is_bad(name, { room = "fields of moderation", user = "x", color = 1 }, "color")
        is_bad(name, { room = "fields of moderation" }, "user")
        is_bad(name, { room = 7, user = "x" }, "room")
      end
      for _, name in ipairs { "mute", "shadow_mute", "unmute" } do
        is_bad(name, { user = "x" }, "room")
      end
      for _, name in ipairs { "ban", "mute", "shadow_mute" } do
        for _, duration_ms in ipairs { 999, 1000.5, "1h", 31622400001 } do
          is_bad(name, { room = "fields of moderation", user = "x", duration_ms = duration_ms },
            "duration_ms")
        end
      end
      for _, name in ipairs { "ban", "unban" } do
        is_bad(name, { address = "here" }, "address")
        is_bad(name, { address = "192.0.2.1", user = "x" }, "expected")
      end
      for _, slow_mode_ms in ipairs { -1, 3600001, "5" } do
        is_bad("slow_mode", { room = "fields of moderation", slow_mode_ms = slow_mode_ms },
          "slow_mode_ms")
      end
      is_bad("slow_mode", { room = "fields of moderation" }, "slow_mode_ms")
      for _, name in ipairs { "bans", "reports", "audit" } do
        is_bad(name, { room = "fields of moderation", limit = 101 }, "limit")
        is_bad(name, { room = "fields of moderation", color = "red" }, "color")
      end
      is_bad("audit", { after = "x" }, "after")
      is_bad("reports", { room = "fields of moderation", after = 0 }, "after")
    end)
  end)

  describe("knows users", function()
    it("with connections, rooms and presence", function()
      room("hall", ann)
      local phone = client.connect(house.port, "/ws",
        { ["Sec-WebSocket-Protocol"] = "moongate.v1.json" })
      assert.is_true(phone:asks({ type = "auth",
        data = { name = "ann", key = "ann", device = "phone" } }).ok)
      assert.is_true(phone:asks({ type = "join", room = "hall of the phone" }).ok)
      assert.is_true(phone:asks({ type = "status",
        data = { state = "busy", text = "cooking" } }).ok)
      local user = ops:calls("user", { user = "ann" })
      assert.same({ "ann", 2, { "hall", "hall of the phone" } },
        { user.user, user.count, user.rooms })
      assert.same({ user = "ann", state = "online", shown_as = "busy",
        status = { text = "cooking" } }, user.presence)
      local first, second = unpack(user.connections) -- by id, which begins with the thread
      if first.device then first, second = second, first end
      assert.same({ "phone", "guest", true, false, "127.0.0.1", "moongate.v1.json" },
        { second.device, second.method, second.guest, second.admin, second.address,
          second.protocol })
      assert.is_true(second.since >= first.since)
      phone:close()
    end)

    it("who are away", function()
      local carl = client.guest(house.port, "carl")
      carl:cut()
      server.eventually("carl to be away", function()
        return ops:calls("user", { user = "carl" }).presence.state == "away"
      end)
      assert.same({ {}, {}, 0 }, (function(user)
        return { user.connections, user.rooms, user.count }
      end)(ops:calls("user", { user = "carl" })))
      assert.same({ 404, "no_such_user" }, { ops:fails("user", { user = "nobody" }) })
    end)

    it("by their presence, many at once, also who wants not to be seen", function()
      assert.is_true(bob:asks({ type = "status", data = { state = "invisible" } }).ok)
      assert.same({ { user = "bob", state = "online", shown_as = "offline" },
        { user = "nobody", state = "offline", shown_as = "offline" },
        { user = "ann", state = "online", shown_as = "online" } },
        ops:calls("presence", { users = { "bob", "nobody", "ann" } }).list)
    end)

    it("whom it logs out", function()
      assert.equal(1, ops:calls("logout", { user = "bob", reason = "moved" }).count)
      assert.same({ 4502, "logged_out: moved" }, { bob:is_closed() })
      assert.equal(0, ops:calls("logout", { user = "nobody" }).count)
    end)

    it("who are away, and are not waited for when they are logged out or banned", function()
      room("grace", ann)
      for operation, reversal in pairs { logout = false, ban = "unban" } do
        local dan = client.guest(house.port, "dan", "grace")
        ann:hears { type = "joined", user = "dan" }
        dan:cut()
        server.eventually("dan to be away", function()
          return ops:calls("presence", { users = { "dan" } }).list[1].state == "away"
        end)
        ops:calls(operation, { user = "dan" })
        assert.equal("offline", ops:calls("presence", { users = { "dan" } }).list[1].state)
        ann:hears { type = "left", room = "grace", user = "dan" }
        assert.same({ "ann" }, ann:asks({ type = "members", room = "grace" }).data.members)
        if reversal then ops:calls(reversal, { user = "dan" }) end
      end
    end)

    it("not when fields are wrong", function()
      for _, name in ipairs { "user", "logout" } do
        is_bad(name, {}, "user")
        is_bad(name, { user = "x", color = "red" }, "color")
        is_bad(name, { user = "" }, "user")
        is_bad(name, { user = ("x"):rep(129) }, "user")
      end
      is_bad("logout", { user = 7 }, "user")
      is_bad("logout", { user = "x", reason = ("x"):rep(101) }, "reason")
      is_bad("logout", { user = "x", reason = "a\tb" }, "reason")
      is_bad("presence", {}, "users")
      is_bad("presence", { users = {} }, "users")
      is_bad("presence", { users = { 7 } }, "users")
      is_bad("presence", { users = "ann" }, "users")
      assert.equal(400, (ops:fails("presence", { users = { "a", "b", "c", "d" } })))
    end)
  end)

  it("has each operation in its file, and each was called with what is right and what is not",
    function()
      local listed, called = {}, {}
      for _, operation in ipairs(operations) do
        listed[operation.name] = ("%s /api/v1/%s"):format(operation.method, operation.path)
      end
      for name, operation in pairs(api.operations) do
        called[name] = ("%s %s"):format(operation.method, operation.path)
        local by_status = api.called[name] or {}
        assert.is_truthy(by_status[200] and by_status[400], name)
      end
      assert.same(listed, called)
    end)
end)
