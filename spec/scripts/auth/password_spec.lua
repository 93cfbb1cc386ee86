local auth = require "spec.support.auth"

local WORD, OTHER = "correct horse", "battery staple"

describe("auth passwords", function()
  local gate, crypto

  local function load(options)
    options = options or {}
    options.methods = options.methods or { "password" }
    gate, crypto = auth.load(options)
  end

  --- What is answered, when the store has.
  local function ask(kind, data, conn)
    local got = gate:ask(conn or gate:connect(), { type = kind, data = data })
    gate:later(10)
    assert.is_true(got.is_given)
    return got
  end

  local function login(user, password) return ask("auth", { user = user, password = password }) end

  local function register(user, password)
    return ask("register", { user = user, password = password })
  end

  before_each(function()
    load()
    assert.same({ user = "ann" }, register("ann", WORD).data)
  end)

  it("make who registers that user, and who logs in later", function()
    local conn = gate:connect()
    assert.same({ user = "ann" }, ask("auth", { user = "ann", password = WORD }, conn).data)
    assert.is_number(conn.state.auth.since)
    conn.state.auth.since = nil
    assert.same({ method = "password", guest = false, admin = false }, conn.state.auth)
    assert.equal("already_authenticated",
      ask("register", { user = "x", password = WORD }, conn).code)
  end)

  it("that are wrong get the same answer as names that there are not, and as late", function()
    local before = crypto.checked or 0
    local wrong, nobody = login("ann", OTHER), login("bob", OTHER)
    assert.equal("bad_password", wrong.code)
    assert.same({ wrong.code, wrong.text }, { nobody.code, nobody.text })
    assert.equal(before + 2, crypto.checked)
  end)

  it("are nobody's twice", function()
    assert.equal("name_taken", register("ann", OTHER).code)
    assert.same({ user = "ann" }, login("ann", WORD).data)
  end)

  it("have 8 to 256 bytes, names 1 to 32 characters", function()
    local cases = {
      { "bad_request", { password = WORD } }, { "bad_request", { user = 7, password = WORD } },
      { "bad_request", { user = "bob" } }, { "bad_request", { user = "bob", password = 12345678 } },
      { "bad_request", { user = "bob", password = ("p"):rep(7) } },
      { "bad_request", { user = "bob", password = ("p"):rep(257) } },
      { "bad_name", { user = "", password = WORD } },
      { "bad_name", { user = ("b"):rep(33), password = WORD } },
      { "bad_request", { user = "bob", password = WORD, device = 7 } },
      { "bad_request", { user = "bob", password = WORD, device = ("d"):rep(65) } },
    }
    for i, case in ipairs(cases) do
      assert.equal(case[1], ask("register", case[2]).code, "case " .. i)
      assert.equal(case[1], ask("auth", case[2]).code, "case " .. i)
    end
    assert.is_truthy(register("bob", ("p"):rep(256)).data)
  end)

  it("are tried ten times in ten minutes for a user, also the right one", function()
    for _ = 1, 10 do assert.equal("bad_password", login("ann", OTHER).code) end
    local refused = login("ann", WORD)
    assert.same({ "rate_limited", true }, { refused.code, refused.temporary })
    assert.equal("bad_password", login("bob", WORD).code)
    gate:later(600000)
    assert.same({ user = "ann" }, login("ann", WORD).data)
  end)

  it("that are right give back the attempts", function()
    for _ = 1, 3 do
      for _ = 1, 9 do login("ann", OTHER) end
      assert.same({ user = "ann" }, login("ann", WORD).data)
    end
  end)

  it("are counted before they are checked, of those who try at the same time", function()
    local codes = {}
    local answers = {}
    for i = 1, 20 do
      answers[i] = gate:ask(gate:connect(), { type = "auth",
        data = { user = "ann", password = OTHER } })
    end
    gate:later(10)
    for _, got in ipairs(answers) do codes[got.code] = (codes[got.code] or 0) + 1 end
    assert.same({ bad_password = 10, rate_limited = 10 }, codes)
  end)

  it("are tried so often from one address, whoever's they are", function()
    load { attempts_per_address = 5 }
    for i = 1, 5 do assert.equal("bad_password", login("u" .. i, WORD).code) end
    assert.equal("rate_limited", login("u6", WORD).code)
    for i = 1, 5 do assert.is_truthy(register("u" .. i, WORD).data) end
    assert.equal("rate_limited", register("u6", WORD).code)
  end)

  it("are tried so often from one network, whatever address of it they come from", function()
    load { attempts_per_address = 5 }
    local function from(address, kind, user)
      return ask(kind, { user = user, password = WORD }, gate:connect(nil, { address = address }))
    end
    for _, case in ipairs { { "auth", "bad_password" }, { "register" } } do
      for i = 1, 5 do
        assert.equal(case[2], from("2001:db8::" .. i, case[1], "u" .. i).code)
      end
      assert.equal("rate_limited", from("2001:db8:0:0:9::1", case[1], "u6").code)
      assert.equal(case[2], from("2001:db8:0:1::1", case[1], "u6").code)
    end
  end)

  it("cannot be looked at while too many are, or the store has no answer", function()
    crypto.is_full = true
    assert.same({ "unavailable", true }, { login("ann", WORD).code, login("ann", WORD).temporary })
    assert.equal("unavailable", register("bob", WORD).code)
    assert.equal("unavailable", login("nobody", WORD).code)
  end)

  it("are kept as a hash, which is made anew when it is an old one", function()
    crypto.version = 2
    local hashed = crypto.hashed
    login("ann", WORD)
    assert.equal(hashed + 1, crypto.hashed)
    login("ann", WORD)
    assert.equal(hashed + 1, crypto.hashed)
    assert.same({ user = "ann" }, login("ann", WORD).data)
  end)

  it("cannot be registered when the operator says so, but by plugins", function()
    load { register = false }
    gate:reload { ops = [[return function(gate)
      local auth = gate:use("auth", "1.0")
      gate:on("ping", function(_, message)
        return { done = auth.set_password(message.user, message.word, message.is_admin) }
      end)
    end]] }
    assert.equal("not_authenticated", register("bob", WORD).code)
    local got = gate:ask(gate:connect(), { type = "ping", user = "bob", word = WORD,
      is_admin = true })
    gate:later(10)
    assert.is_true(got.data.done)
    assert.same({ user = "bob", admin = true }, login("bob", WORD).data)
  end)

  it("are beside guests, who have other names", function()
    load { methods = { "guest", "password" }, guest_prefix = "~" }
    assert.equal("bad_name", register("~bob", WORD).code)
    assert.same({ user = "bob" }, register("bob", WORD).data)
    assert.same({ user = "~bob" }, ask("auth", { name = "bob" }).data)
  end)

  it("are in no log", function()
    gate:reload { broken = [[return function(gate)
      gate:before("auth", function() error "ouch" end)
    end]] }
    login("ann", WORD)
    assert.is_truthy(gate:logged "ouch")
    auth.is_not_logged(gate, WORD)
    assert.is_nil(gate.world.json.encode(gate:ctl { command = "errors" }):find(WORD, 1, true))
  end)
end)
