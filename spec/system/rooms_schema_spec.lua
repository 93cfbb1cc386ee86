--- docs/schema against what is really said of rooms, in both encodings.
local new_claims = require("spec.support.claims").new
local schema = require "spec.support.schema"
local server = require "spec.support.server"
local talker = require "spec.support.talker"

local json = talker.json
local null = json.null

local REQUESTS = { "archive", "create", "delete_room", "describe", "direct", "invite", "join",
  "members", "rename", "resign", "role", "rooms", "set", "unarchive" }
local PUSHES = { "invited", "joined", "left", "members_changed", "role_changed", "room_archived",
  "room_changed", "room_deleted", "room_renamed" }

local LIST = [[return {
  { "auth" }, { "presence" }, { "rooms", options = { large_room = 2, presence = true } }, "router",
  trust = "trusted",
}]]

local LONG = ("x"):rep(129)

--- What is refused for its fields: data of requests of a type.
local OF_TEXTS = { { title = 7 }, { title = LONG }, { title = "a\tb" },
  { topic = ("x"):rep(1025) }, { topic = "\194\133" } }
local OF_OPTIONS = { { options = 7 }, { options = { color = "red" } },
  { options = { history = -1 } }, { options = { history = 1001 } },
  { options = { history = 1.5 } }, { options = { history = "1" } },
  { options = { max_members = 0 } }, { options = { max_members = 10001 } },
  { options = { who_may_say = "me" } }, { options = { slow_mode_ms = -1 } },
  { options = { slow_mode_ms = 3600001 } }, { options = { retention_ms = 999 } },
  { options = { retention_ms = 31622400001 } } }
local OF_USER = { {}, { user = 7 }, { user = "" }, { user = LONG }, { user = "\t" },
  { user = "a\194\133b" }, { user = "x " }, { user = " x" }, { user = null } }
local WRONG = {
  create = { OF_TEXTS, OF_OPTIONS, { { kind = 7 }, { kind = "direct" }, { password = "xyzzy" },
    { kind = "public", password = "xyzzy" },
    { kind = "private", password = "" }, { kind = "private", password = LONG },
    { kind = "private", password = 7 } } },
  set = { OF_TEXTS, OF_OPTIONS, { { password = LONG }, { password = 7 } } },
  role = { OF_USER, { { user = "x" }, { user = "x", role = 7 }, { user = "x", role = "king" } } },
  invite = { { { user = 7 }, { user = "" }, { user = LONG }, { user = "\t" }, { uses = 0 },
    { uses = 1001 }, { uses = 1.5 }, { uses = "1" }, { ttl_ms = 59999 },
    { ttl_ms = 2592000001 } } },
  rename = { { {}, { name = 7 }, { name = "" }, { name = "@x" }, { name = LONG },
    { name = "a\tb" } } },
  direct = { OF_USER },
}
local NAMELESS = { {}, { room = 7 }, { room = "" }, { room = ("r"):rep(65) }, { room = "a\tb" } }

describe("docs/schema, of rooms,", function()
  local house, walks

  --- Of each type with wrong fields.
  local function refuse_all(claims, conn, room)
    for type_name, lists in pairs(WRONG) do
      for _, list in ipairs(lists) do
        local fields = {}
        for i, data in ipairs(list) do
          fields[i] = { data = data, room = type_name == "create" and "new" or room }
        end
        claims:refuse(conn, type_name, fields)
      end
    end
    for _, type_name in ipairs { "archive", "create", "delete_room", "describe", "invite", "rename",
      "resign", "role", "set", "unarchive" } do
      claims:refuse(conn, type_name, NAMELESS)
    end
    claims:refuse(conn, "create", { { room = "@ann" } })
    claims:refuse(conn, "direct", { {} })
  end

  --- Ann has a room, Bob and Carl come in.
  local function open_room(claims, ann, bob, carl, den)
    local function of(data) return { room = den, data = data } end
    claims:ask(ann, "create", of { kind = "private", title = "Den", topic = "hush",
      password = "xyzzy", options = { slow_mode_ms = 1000, who_may_say = "members" } })
    refuse_all(claims, ann, den)
    claims:ask(ann, "create", of(), "room_exists")
    claims:ask(ann, "set", of { title = null, topic = null, options = null, password = null })
    claims:ask(ann, "describe", of())
    claims:ask(bob, "describe", of(), "no_such_room")
    claims:ask(bob, "describe", { room = "none" }, "no_such_room")
    claims:ask(ann, "join", of())
    claims:ask(bob, "join", of { password = "plugh" }, "bad_password")
    claims:ask(bob, "join", of { invite = null, password = "xyzzy" })
    local code = claims:ask(ann, "invite", of { user = carl.user, uses = 2, ttl_ms = 60000 }).code
    assert.equal(code, carl:hears({ type = "invited" }).code)
    claims:ask(carl, "join", of { invite = "plugh" }, "bad_invite")
    claims:ask(carl, "join", of { invite = code, password = null })
    assert.same({ carl.user }, ann:hears({ type = "members_changed" }).joined)
    local other = claims:ask(ann, "invite", of { user = null, uses = null, ttl_ms = null,
      revoke = null })
    claims:ask(ann, "describe", of())
    claims:ask(ann, "invite", of { revoke = other.code })
    claims:ask(ann, "invite", of { revoke = other.code }, "bad_invite")
  end

  --- What becomes of it until it is deleted.
  local function change_room(claims, ann, bob, carl, den)
    local cave = den .. " cave"
    local function of(data) return { room = den, data = data } end
    claims:ask(ann, "set", of { title = "The den", password = "" })
    claims:ask(ann, "set", of { title = "", topic = "", options = { history = 0,
      max_members = null, who_may_say = null, slow_mode_ms = null, retention_ms = null } })
    for _ = 1, 2 do carl:hears { type = "room_changed" } end
    claims:ask(ann, "set", of())
    claims:ask(ann, "role", of { user = bob.user, role = "moderator" })
    claims:ask(bob, "role", of { user = ann.user, role = "guest" }, "not_allowed")
    claims:ask(ann, "role", of { user = bob.user, role = "guest" })
    assert.equal("role", bob:hears({ type = "left", user = bob.user }).reason)
    claims:ask(ann, "members", of { limit = 1 })
    claims:ask(ann, "members", of { limit = null, after = null })
    claims:ask(ann, "rename", of { name = cave })
    carl:hears { type = "room_renamed" }
    claims:ask(ann, "delete_room", { room = cave }, "not_archived")
    for _, type_name in ipairs { "archive", "unarchive", "archive" } do
      claims:ask(ann, type_name, { room = cave })
      carl:hears { type = "room_archived" }
    end
    claims:ask(ann, "describe", { room = cave })
    claims:ask(ann, "set", { room = cave, data = { title = "x" } }, "archived")
    claims:ask(ann, "rooms", { data = { archived = true, kind = "private" } })
    claims:ask(ann, "delete_room", { room = cave })
    carl:hears { type = "room_deleted" }
  end

  local function walk(encoding)
    local claims, record = new_claims(), {}

    local function connect(name)
      local conn = talker.connect(house.port, encoding, record)
      conn.user = ("%s_%s"):format(name, encoding)
      conn:asks("auth", { data = { name = conn.user } })
      return conn
    end

    local ann, bob, carl = connect "ann", connect "bob", connect "carl"
    local den, tea = "den " .. encoding, "tea " .. encoding
    open_room(claims, ann, bob, carl, den)
    change_room(claims, ann, bob, carl, den)
    claims:ask(ann, "create", { room = tea, data = { kind = null, password = null,
      options = { history = null } } })
    claims:ask(ann, "create", { room = tea .. " party", data = { kind = "announcement" } })
    claims:ask(ann, "set", { room = tea, data = { password = "xyzzy" } }, "bad_request")
    claims:ask(bob, "join", { room = tea })
    claims:ask(ann, "join", { room = tea })
    bob:hears { type = "joined" }
    claims:ask(bob, "rooms", { data = { prefix = tea, limit = 1 } })
    claims:ask(bob, "rooms", { data = { text = "nothing has it" } })
    claims:ask(bob, "rooms", { data = { kind = null, prefix = null, text = null, archived = null,
      limit = null, after = null } })
    claims:ask(ann, "direct", { data = { user = bob.user } })
    assert.is_nil(bob:hears({ type = "invited" }).code)
    local two = claims:ask(bob, "direct", { data = { user = ann.user } }).room
    claims:ask(ann, "describe", { room = two })
    claims:ask(bob, "resign", { room = two })
    assert.equal("role", ann:hears({ type = "left", user = bob.user }).reason)
    claims:ask(bob, "resign", { room = two }, "no_such_room")
    claims:ask(ann, "resign", { room = tea }, "not_allowed")
    claims:ask(bob, "resign", { room = tea }, "not_a_member")
    claims:ask(ann, "role", { room = tea, data = { user = bob.user, role = "owner" } })
    assert.equal("owner", bob:hears({ type = "role_changed", user = bob.user }).role)
    claims:ask(ann, "role", { room = tea, data = { user = carl.user, role = "owner" } },
      "not_allowed")
    for _, conn in ipairs { carl, ann, bob } do conn:closes() end
    claims:pushes(record)
    return claims
  end

  setup(function()
    house, walks = server.start { plugins = { init = LIST } }, {}
    for _, encoding in ipairs { "json", "msgpack" } do walks[encoding] = walk(encoding) end
  end)
  teardown(function() house:stop() end)

  for _, encoding in ipairs { "json", "msgpack" } do
    it("is what goes over the wire in " .. encoding, function()
      local claims = walks[encoding]
      for _, name in ipairs(REQUESTS) do
        assert.is_true(claims.seen["request/" .. name] and claims.seen["reply/" .. name], name)
      end
      for _, name in ipairs(PUSHES) do assert.is_true(claims.seen["push/" .. name], name) end
      assert.same({}, claims:problems())
    end)

    it("refuses what the server refuses for its fields in " .. encoding, function()
      assert.is_true(#walks[encoding].wrong > 120)
      assert.same({}, walks[encoding]:passed())
    end)
  end

  it("would find what is wrong", function()
    local wrong = {
      { "reply/invite", '{"room":"den","revoked":"token","code":"token"}' },
      { "reply/archive", '{"room":"den","archived":false,"at":1}' },
      { "reply/describe", '{"room":"den","kind":"private","role":"owner","count":0,"at":1}' },
      { "push/invited", '{"type":"invited","room":"den","kind":"private","by":"ann","at":1}' },
      { "push/invited",
        '{"type":"invited","room":"@a,b","kind":"direct","by":"a","code":"x","at":1}' },
      { "push/members_changed", '{"type":"members_changed","room":"den","joined":["ann"],"at":1}' },
      { "push/members_changed",
        '{"type":"members_changed","room":"den","joined":{"1":"ann"},"count":3,"at":1}' },
      { "push/members_changed",
        '{"type":"members_changed","room":"den","joined":["ann"],"left":{},"count":3,"at":1}' },
      { "reply/rooms", '{"list":{}}' },
      { "push/room_deleted", '{"type":"room_deleted","room":"den","by":"ann"}' },
    }
    assert.equal(#wrong, #schema.problems(wrong))
  end)
end)
