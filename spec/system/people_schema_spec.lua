--- docs/schema against what is really said of presence and auth, in both encodings.
local fake_crypto = require "spec.support.fake_crypto"
local new_claims = require("spec.support.claims").new
local schema = require "spec.support.schema"
local server = require "spec.support.server"
local talker = require "spec.support.talker"

local json = talker.json

local LONG = ("x"):rep(129)
local SECRET, STATIC = ("s"):rep(32), "the-long-token-of-root"

--- Holds what a walk has claimed.
local function hold(claims, requests, pushes, refused)
  for _, name in ipairs(requests) do
    assert.is_true(claims.seen["request/" .. name] and claims.seen["reply/" .. name], name)
  end
  for _, name in ipairs(pushes) do assert.is_true(claims.seen["push/" .. name], name) end
  assert.same({}, claims:problems())
  assert.is_true(#claims.wrong >= refused, #claims.wrong)
  assert.same({}, claims:passed())
end

local function in_both(what, walk)
  for _, encoding in ipairs { "json", "msgpack" } do
    it(("%s in %s"):format(what, encoding), function() walk(encoding) end)
  end
end

describe("docs/schema, of presence,", function()
  local house

  setup(function()
    house = server.start { plugins = { init = [[return {
      { "auth" }, { "presence", options = { grace_ms = 200 } }, "rooms", "router",
      trust = "trusted",
    }]] } }
  end)
  teardown(function() house:stop() end)

  local WRONG_USERS = { { users = "bob" }, { users = {} }, { users = { 7 } }, { users = { "" } },
    { users = { LONG } }, { users = { "a\tb" } } }
  local WRONG_STATUS = { {}, { data = 7 }, { data = { state = "away" } }, { data = { state = 7 } },
    { data = { text = "" } }, { data = { text = LONG } }, { data = { text = "a\tb" } },
    { data = { emoji = "" } }, { data = { emoji = 7 } }, { data = { emoji = ("x"):rep(33) } } }

  local function many(name)
    local users = {}
    for n = 1, 100 do users[n] = name .. n end
    return users
  end

  in_both("is what goes over the wire", function(encoding)
    local claims, record, name = new_claims(), {}, "bob_" .. encoding
    local ann = talker.connect(house.port, encoding, record)
    local null = json.null
    ann:asks("auth", { data = { name = "ann_" .. encoding } })
    claims:refuse(ann, "watch", WRONG_USERS)
    claims:refuse(ann, "watch", { {}, { users = null } })
    claims:refuse(ann, "unwatch", WRONG_USERS)
    claims:refuse(ann, "status", WRONG_STATUS)
    claims:ask(ann, "watch", { users = { name } })
    claims:ask(ann, "watch", { users = many(name) }, "too_many_watched")
    local bob = talker.connect(house.port, encoding, record)
    bob:asks("auth", { data = { name = name } })
    ann:hears { type = "presence" }
    for _, data in ipairs { { state = "busy", text = "cooking", emoji = "\240\159\141\178" },
      { state = null, text = null, emoji = null }, { state = "invisible" }, { text = "here" } } do
      claims:ask(bob, "status", { data = data })
      ann:hears { type = "presence" }
    end
    claims:ask(ann, "watch", { users = { name, "nobody" } })
    bob.client:cut()
    for _, state in ipairs { "away", "offline" } do
      assert.equal(state, ann:hears({ type = "presence" }).changes[1].state)
    end
    claims:ask(ann, "unwatch", { users = { name } })
    claims:ask(ann, "unwatch", { users = null })
    claims:ask(ann, "unwatch")
    ann:closes()
    claims:pushes(record)
    hold(claims, { "status", "unwatch", "watch" }, { "presence" }, 24)
  end)
end)

describe("docs/schema, of auth,", function()
  local house

  after_each(function() house:stop() end)

  local function start(options)
    house = server.start { plugins = { init = ([[return { { "auth", options = { %s } }, "rooms",
      "router", trust = "trusted" }]]):format(options) } }
  end

  in_both("is what goes over the wire by a password", function(encoding)
    start 'methods = { "password", "guest" }, guest_prefix = "~"'
    local claims, record = new_claims(), {}

    local function connect() return talker.connect(house.port, encoding, record) end

    local conn, data = connect(), { user = "ann", password = "correct horse" }
    for _, type_name in ipairs { "register", "auth" } do
      claims:refuse(conn, type_name, { {}, { data = {} }, { data = { user = "ann" } },
        { data = { user = "ann", password = ("x"):rep(7) } }, -- bytes
        { data = { user = "ann", password = "\240\159\141\178" } },
        { data = { user = 7, password = "correct horse" } },
        { data = { user = "ann", password = "short" } }, { data = { user = "ann", password = 7 } },
        { data = { user = "ann", password = ("x"):rep(257) } },
        { data = { user = " ann", password = "correct horse" } } })
    end
    claims:ask(conn, "register", { data = data })
    claims:ask(conn, "register", { data = data }, "already_authenticated")
    claims:ask(conn, "logout")
    assert.same({ 4502, "logged_out" }, { conn.client:is_closed() })
    conn = connect()
    claims:ask(conn, "register", { data = data }, "name_taken")
    claims:ask(conn, "auth", { data = { user = "ann", password = "another one" } }, "bad_password")
    data.device = json.null
    claims:ask(conn, "auth", { data = data })
    claims:ask(conn, "logout", { data = { everywhere = true } })
    assert.same({ 4502, "logged_out" }, { conn.client:is_closed() })
    conn = connect()
    -- Of 8 bytes, which are 4 characters, or 2.
    local few, fewer = ("\195\164"):rep(4), ("\240\159\141\178"):rep(2)
    claims:ask(conn, "register", { data = { user = "bob", device = "phone", password = few } })
    conn:closes()
    conn = connect()
    claims:ask(conn, "auth", { data = { user = "bob", password = fewer } }, "bad_password")
    claims:ask(conn, "auth", { data = { user = "bob", password = few } })
    conn:closes()
    claims:pushes(record)
    hold(claims, { "auth", "logout", "register" }, {}, 20)
  end)

  in_both("is what goes over the wire by a token", function(encoding)
    start(([[methods = { "static", "jwt" }, skew_ms = 0, tokens = { { token = %q, user = "root",
      admin = true } }, keys = { { algorithm = "HS256", secret = %q } }]]):format(STATIC, SECRET))
    local claims, record = new_claims(), {}

    local function token(left_s)
      return fake_crypto.sign({ alg = "HS256" }, { sub = "ann", exp = os.time() + left_s }, SECRET)
    end

    local dying = talker.connect(house.port, encoding, record, token(1))
    assert.equal("ann", dying:hears({ type = "authenticated" }).user)
    local root = talker.connect(house.port, encoding, record, STATIC)
    assert.is_true(root:hears({ type = "authenticated" }).admin)
    claims:ask(root, "refresh", { data = { token = STATIC } })
    local conn = talker.connect(house.port, encoding, record)
    local wrong = { {}, { data = {} }, { data = { token = "" } }, { data = { token = 7 } },
      { data = { token = ("x"):rep(8193) } } }
    claims:refuse(conn, "auth", wrong)
    claims:refuse(conn, "auth", { { data = { token = STATIC, device = "" } },
      { data = { token = STATIC, device = 7 } },
      { data = { token = STATIC, device = ("x"):rep(65) } } })
    claims:ask(conn, "auth", { data = { token = "worth nothing" } }, "bad_token")
    claims:ask(conn, "auth", { data = { token = token(-120) } }, "expired_token")
    claims:ask(conn, "auth", { data = { token = token(600), device = "phone" } })
    claims:refuse(conn, "refresh", wrong)
    claims:ask(conn, "refresh", { data = { token = STATIC } }, "wrong_user")
    claims:ask(conn, "refresh", { data = { token = token(900) } })
    dying:hears { type = "token_expiring" }
    claims:ask(dying, "refresh", { data = { token = token(600) } })
    for _, each in ipairs { dying, root, conn } do each:closes() end
    claims:pushes(record)
    hold(claims, { "auth", "refresh" }, { "authenticated", "token_expiring" }, 13)
  end)
end)

describe("docs/schema, of presence and auth,", function()
  it("would find what is wrong", function()
    local wrong = {
      { "push/presence", '{"type":"presence","changes":{},"at":1}' },
      { "push/presence", '{"type":"presence","changes":[{"user":"bob"}],"at":1}' },
      { "push/presence",
        '{"type":"presence","changes":[{"user":"bob","state":"invisible"}],"at":1}' },
      { "push/authenticated", '{"type":"authenticated","user":"ann","admin":false}' },
      { "push/token_expiring", '{"type":"token_expiring"}' },
      { "reply/status", '{"state":"away"}' }, { "reply/watch", '{"users":{}}' },
      { "reply/unwatch", '{"count":-1}' }, { "reply/logout", '{"user":"ann"}' },
      { "reply/register", '{"user":"ann","password":"correct horse"}' },
    }
    assert.equal(#wrong, #schema.problems(wrong))
  end)
end)
