local auth = require "spec.support.auth"

local ANN, BOB, ROOT = "ann's long token", "bob's long token", "root's long token"

describe("auth sessions", function()
  local gate

  local function load(options, with)
    options = options or {}
    options.methods = options.methods or { "static" }
    options.tokens = { { token = ANN, user = "ann" }, { token = BOB, user = "bob" },
      { token = ROOT, user = "root", admin = true } }
    gate = auth.load(options, with)
  end

  --- The code that a request gets.
  local function code_of(conn, message) return (select(2, gate:deliver(conn, message))) end

  --- What other plugins call.
  local function provide()
    gate:reload { ops = [[return function(gate)
      local auth = gate:use("auth", "1.0")
      gate:on("out", function(_, message)
        return { count = auth.logout(message.user, message.reason) }
      end)
      gate:on("who", function(conn) return auth.info(conn) end)
      gate:on("doze", function() gate:sleep(50) return {} end)
    end]] }
  end

  before_each(function() load() end)

  it("begin once", function()
    local ann = auth.enter(gate, ANN)
    local _, code, text = auth.ask(gate, ann, { token = BOB })
    assert.same({ "already_authenticated", "you are ann" }, { code, text })
  end)

  it("are known to other plugins", function()
    provide()
    local root = auth.enter(gate, ROOT, "phone")
    assert.same({ since = gate.core.now_ms, method = "static", device = "phone", guest = false,
      admin = true }, gate:deliver(root, { type = "who" }))
  end)

  describe("of a device", function()
    it("close the older one of that device first", function()
      local old = auth.enter(gate, ANN, "phone")
      local new = auth.enter(gate, ANN, "phone")
      assert.same({ 4503, "replaced" }, { auth.closed(gate, old) })
      assert.is_nil(auth.closed(gate, new))
      assert.same({ [new.id] = new }, gate.world.user.find("ann").conns)
    end)

    it("leave other devices, other users and those without one alone", function()
      local conns = { auth.enter(gate, ANN), auth.enter(gate, ANN, "laptop"),
        auth.enter(gate, BOB, "phone") }
      auth.enter(gate, ANN, "phone")
      auth.enter(gate, ANN)
      for _, conn in ipairs(conns) do assert.is_nil(auth.closed(gate, conn)) end
    end)

    it("let the older one ask for nothing more", function()
      provide()
      local old = auth.enter(gate, ANN, "phone")
      gate:ask(old, { type = "doze" })
      local behind = gate:ask(old, { type = "who" })
      gate.core.answers.moon_close = gate.core.C.MOON_EFULL -- it takes its time
      auth.enter(gate, ANN, "phone")
      gate:later(50)
      assert.equal("replaced", behind.code)
      gate.core.answers.moon_close = nil
      gate:later(100)
      assert.is_false(old.is_open)
    end)

    it("have names of 1 to 64 bytes", function()
      for _, device in ipairs { "", ("d"):rep(65), 7, {} } do
        local _, code, text = auth.ask(gate, gate:connect(), { token = ANN, device = device })
        assert.equal("bad_request", code)
        assert.matches("data.device", text, 1, true)
      end
      auth.enter(gate, ANN, ("d"):rep(64))
    end)

    it("are for guests, too", function()
      gate = auth.load {}
      local old, new = gate:connect(), gate:connect()
      local data = { name = "ann", key = "k", device = "phone" }
      assert.same({ user = "ann" }, auth.ask(gate, old, data))
      assert.same({ user = "ann" }, auth.ask(gate, new, data))
      assert.same({ 4503, "replaced" }, { auth.closed(gate, old) })
      local _, code = auth.ask(gate, gate:connect(), { name = "ann", key = "other" })
      assert.equal("name_taken", code)
    end)
  end)

  describe("of one user", function()
    it("are at most twenty, of all devices", function()
      local conns = {}
      for i = 1, 20 do conns[i] = auth.enter(gate, ANN, i % 2 == 0 and "d" .. i or nil) end
      local late = gate:connect()
      local reply, code, _, temporary = auth.ask(gate, late, { token = ANN })
      assert.same({ nil, "too_many_connections", true }, { reply, code, temporary })
      assert.is_nil(late.user)
      assert.is_nil(auth.closed(gate, late))
      auth.enter(gate, BOB)
      gate:close(conns[7], "lost", 1006)
      assert.is_truthy(auth.ask(gate, late, { token = ANN }))
    end)

    it("may take the place of one of the same device when there is no other", function()
      load { max_connections_per_user = 2 }
      local old = auth.enter(gate, ANN, "phone")
      auth.enter(gate, ANN)
      gate.core.answers.moon_close = gate.core.C.MOON_EFULL -- it takes its time
      auth.enter(gate, ANN, "phone")
      assert.equal("replaced", old.state.ended)
      assert.equal("too_many_connections",
        select(2, auth.ask(gate, gate:connect(), { token = ANN })))
    end)

    it("are closed with 4012 when the token came with the handshake", function()
      load { max_connections_per_user = 1 }
      auth.enter(gate, ANN)
      local conn = gate:connect(nil, { token = ANN })
      assert.equal(4012, (auth.closed(gate, conn)))
    end)
  end)

  describe("that never begin", function()
    it("are closed with 4501 after three tokens that are worth nothing", function()
      local conn = gate:connect()
      for _ = 1, 2 do auth.ask(gate, conn, { token = "wrong" }) end
      gate:later(10)
      assert.is_nil(auth.closed(gate, conn))
      local _, code = auth.ask(gate, conn, { token = "wrong" })
      assert.equal("bad_token", code)
      gate:later(0)
      assert.same({ 4501, "bad_token" }, { auth.closed(gate, conn) })
    end)
  end)

  it("do not begin on a connection that is about to be closed", function()
    assert(gate:reload { slow = [[return function(gate)
      gate:after("name_wanted", function() gate:sleep(50) end)
    end]] })
    local conn = gate:connect()
    gate.core.answers.moon_close = gate.core.C.MOON_EFULL -- it takes its time
    for _ = 1, 3 do gate:ask(conn, { type = "auth", data = { token = "wrong" } }) end
    local answer = gate:ask(conn, { type = "auth", data = { token = ANN } })
    gate:later(50)
    assert.same({ "bad_token" }, { answer.code, conn.user })
  end)

  describe("with the token of a handshake", function()
    it("begin by themselves, and what is asked for waits behind it", function()
      load(nil, { "scripts/router.lua", "scripts/rooms.lua" })
      local ann = gate:connect(nil, { token = ANN, protocol = "moongate.v1.json" })
      assert.same({ type = "authenticated", user = "ann" }, auth.heard(ann, "authenticated"))
      assert.equal("hello", ann.heard[1].type)
      assert.is_truthy(gate:deliver(ann, { type = "join", room = "tea" }))
    end)

    it("that is worth nothing are closed with 4501", function()
      local conn = gate:connect(nil, { token = "wrong" })
      assert.same({ 4501, "bad_token" }, { auth.closed(gate, conn) })
      conn = gate:connect(nil, { token = ("t"):rep(8193) })
      assert.same({ 4501, "bad_token" }, { auth.closed(gate, conn) })
    end)

    it("are left alone on other routes, and where guests are alone", function()
      load { token_paths = { "/chat" } }
      assert.is_nil(auth.closed(gate, gate:connect(nil, { token = "wrong" })))
      gate = auth.load {}
      local conn = gate:connect(nil, { token = "wrong" })
      assert.is_nil(auth.closed(gate, conn))
      assert.same({ user = "ann" }, auth.ask(gate, conn, { name = "ann" }))
    end)
  end)

  describe("that are logged out", function()
    before_each(provide)

    it("are closed with 4502, all of the user, and of nobody else", function()
      local one, two, bob = auth.enter(gate, ANN), auth.enter(gate, ANN), auth.enter(gate, BOB)
      local root = auth.enter(gate, ROOT)
      assert.same({ count = 2 },
        gate:deliver(root, { type = "out", user = "ann", reason = "moved" }))
      assert.same({ 4502, "logged_out: moved" }, { auth.closed(gate, one) })
      assert.same({ 4502, "logged_out: moved" }, { auth.closed(gate, two) })
      assert.is_nil(auth.closed(gate, bob))
      assert.same({ count = 0 }, gate:deliver(root, { type = "out", user = "nobody" }))
    end)

    it("may do it themselves, this connection or everywhere, and get a reply", function()
      local one, two, three = auth.enter(gate, ANN), auth.enter(gate, ANN), auth.enter(gate, ANN)
      assert.same({}, gate:deliver(one, { type = "logout" }))
      gate:later(0)
      assert.same({ 4502, "logged_out" }, { auth.closed(gate, one) })
      assert.is_nil(auth.closed(gate, two))
      assert.same({}, gate:deliver(two, { type = "logout", data = { everywhere = true } }))
      gate:later(0)
      assert.same({ 4502, "logged_out" }, { auth.closed(gate, two) })
      assert.same({ 4502, "logged_out" }, { auth.closed(gate, three) })
    end)

    it("may ask for nothing more, though they are not closed yet", function()
      for _, data in ipairs { {}, { everywhere = true } } do
        local conn = auth.enter(gate, ANN)
        local out = gate:ask(conn, { type = "logout", data = data })
        local next_one = gate:ask(conn, { type = "refresh", data = { token = ANN } })
        gate:later(0)
        assert.same({ {}, "logged_out" }, { out.data, next_one.code })
        assert.same({ 4502, "logged_out" }, { auth.closed(gate, conn) })
      end
    end)

    it("are none of those that come later", function()
      auth.enter(gate, ANN)
      gate:deliver(auth.enter(gate, ROOT), { type = "out", user = "ann" })
      assert.is_nil(auth.closed(gate, auth.enter(gate, ANN)))
    end)
  end)

  it("may not ask for anything before they begin but auth and ping", function()
    load(nil, { "scripts/router.lua" })
    local conn = gate:connect()
    for _, name in ipairs { "refresh", "logout", "rooms" } do
      assert.equal("not_authenticated", code_of(conn, { type = name }))
    end
    assert.is_truthy(gate:deliver(conn, { type = "ping" }))
  end)

  it("keep tokens out of the log, whatever fails", function()
    gate:reload { broken = [[return function(gate)
      gate:before("auth", function() error "ouch" end)
    end]] }
    gate:connect(nil, { token = ANN })
    auth.ask(gate, gate:connect(), { token = ANN, name = "x" })
    assert.is_truthy(gate:logged "ouch")
    auth.is_not_logged(gate, ANN)
    for _, command in ipairs { "errors", "plugins" } do
      local answer = gate.world.json.encode(gate:ctl { command = command })
      assert.is_nil(answer:find(ANN, 1, true))
    end
  end)
end)
