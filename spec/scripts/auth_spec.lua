local fake_gate = require "spec.support.fake_gate"

describe("auth", function()
  local gate, conn

  local function load(options, with)
    gate = fake_gate.load("scripts/auth.lua", options, { with = with or {} })
    conn = gate:connect()
  end

  local function auth(from, name, key)
    return gate:deliver(from, { type = "auth", data = { name = name, key = key } })
  end

  local function code_of(from, ...) return (select(2, auth(from, ...))) end

  --- A connection that has taken this name.
  local function guest(name, key)
    local new = gate:connect()
    assert.same({ user = name }, auth(new, name, key))
    return new
  end

  before_each(function() load() end)

  it("gives the name that was asked for", function()
    assert.same({ user = "ann" }, auth(conn, "ann"))
    assert.equal("ann", conn.user)
  end)

  it("gives one name to a connection", function()
    auth(conn, "ann")
    assert.equal("already_authenticated", code_of(conn, "bob"))
    assert.equal("already_authenticated", code_of(conn, "ann"))
    assert.equal("ann", conn.user)
  end)

  it("takes 1 to 32 characters, however many bytes", function()
    for _, name in ipairs { "a", ("a"):rep(32), ("\195\169"):rep(32), ("\240\159\152\128"):rep(32),
      "a b", "-", "<ann>" } do
      assert.same({ user = name }, auth(gate:connect(), name))
    end
  end)

  it("refuses other names with bad_name", function()
    for _, name in ipairs { "", ("a"):rep(33), ("\195\169"):rep(33), " ann", "ann ", "\tann",
      "a\nn", "a\0n", "a\127n", "\255", "ann\195" } do
      assert.equal("bad_name", code_of(conn, name), ("%q"):format(name))
    end
    assert.is_nil(conn.user)
  end)

  it("refuses the control characters that Unicode has beside ASCII's", function()
    assert.equal("bad_name", code_of(conn, "a\194\133n")) -- U+0085, next line
  end)

  it("names the field that is wrong", function()
    local wrong = {
      { {}, "data.name" }, { { data = "ann" }, "data.name" }, { { data = {} }, "data.name" },
      { { data = { name = 7 } }, "data.name" },
      { { data = { name = "ann", key = 7 } }, "data.key" },
      { { data = { name = "ann", key = "" } }, "data.key" },
      { { data = { name = "ann", key = ("k"):rep(65) } }, "data.key" },
    }
    for _, case in ipairs(wrong) do
      local message, field = case[1], case[2]
      message.type = "auth"
      local data, code, text = gate:deliver(conn, message)
      assert.is_nil(data)
      assert.equal("bad_request", code)
      assert.equal(field, text:match "^[%a.]+")
    end
    assert.is_nil(conn.user)
  end)

  it("takes keys of up to 64 bytes", function()
    assert.same({ user = "ann" }, auth(conn, "ann", ("k"):rep(64)))
  end)

  describe("before a name is taken", function()
    before_each(function() load(nil, { "scripts/router.lua", "scripts/rooms.lua" }) end)

    it("refuses everything but auth and ping", function()
      for _, name in ipairs { "join", "leave", "say", "members", "rooms" } do
        local data, code, _, temporary = gate:deliver(conn, { type = name, room = "tea" })
        assert.is_nil(data)
        assert.equal("not_authenticated", code)
        assert.is_falsy(temporary)
      end
      assert.is_truthy(gate:deliver(conn, { type = "ping" }))
      assert.is_truthy(auth(conn, "ann"))
      assert.is_truthy(gate:deliver(conn, { type = "rooms" }))
    end)
  end)

  describe("name", function()
    it("is taken for as long as somebody is connected under it", function()
      guest "ann"
      local data, code, _, temporary = auth(conn, "ann")
      assert.is_nil(data)
      assert.equal("name_taken", code)
      assert.is_true(temporary)
      assert.is_nil(conn.user)
      assert.is_truthy(auth(conn, "Ann"))
    end)

    it("is shared by connections with the same key", function()
      guest("ann", "secret")
      assert.is_truthy(auth(conn, "ann", "secret"))
      assert.equal("ann", conn.user)
    end)

    it("is refused to another key and to none", function()
      guest("ann", "secret")
      assert.equal("name_taken", code_of(conn, "ann", "Secret"))
      assert.equal("name_taken", code_of(conn, "ann"))
    end)

    it("that was taken without a key is nobody else's", function()
      guest "ann"
      assert.equal("name_taken", code_of(conn, "ann", "secret"))
    end)

    describe("when its last connection has gone", function()
      it("is held for who has the key, and free after a while", function()
        gate:close(guest("ann", "secret"), "lost", 1006)
        assert.equal("name_taken", code_of(conn, "ann", "another"))
        gate:close(guest("ann", "secret"), "client", 1001)
        gate:later(599999)
        assert.equal("name_taken", code_of(conn, "ann"))
        gate:later(1)
        assert.is_truthy(auth(conn, "ann", "another"))
      end)

      it("is free at once without a key, after a close with 1000, or when none is held", function()
        gate:close(guest "ann", "lost", 1006)
        gate:close(guest("ann", "secret"), "client", 1000)
        assert(gate:reload({}, { auth = { hold_ms = 0 } }))
        gate:close(guest("ann", "another"), "lost", 1006)
        assert.is_truthy(auth(conn, "ann", "third"))
      end)

      it("is held over a reload", function()
        gate:close(guest("ann", "secret"), "lost", 1006)
        gate:later(300000)
        assert(gate:reload())
        gate:later(299999)
        assert.equal("name_taken", code_of(conn, "ann", "another"))
        gate:later(1)
        assert.is_truthy(auth(conn, "ann", "another"))
      end)

      it("is let go, oldest first, when there are more than may be held", function()
        assert(gate:reload({}, { auth = { max_held = 2 } }))
        for _, name in ipairs { "ann", "bob", "carl" } do
          gate:close(guest(name, "secret"), "lost", 1006)
        end
        assert.equal("name_taken", code_of(conn, "bob", "another"))
        assert.is_truthy(auth(conn, "ann", "another"))
        gate:later(1000)
        local text = gate.world.metric.text()
        assert.is_truthy(text:find("plugin_auth_names_freed_total 1", 1, true))
      end)
    end)

    it("is not free before its last connection closes", function()
      local first, second = guest("ann", "secret"), guest("ann", "secret")
      gate:close(first)
      assert.equal("name_taken", code_of(conn, "ann"))
      assert.is_truthy(auth(gate:connect(), "ann", "secret"))
      gate:close(second)
      assert.equal("name_taken", code_of(conn, "ann"))
    end)

    it("is not taken by a connection that was refused", function()
      guest("ann", "secret")
      code_of(conn, "ann", "wrong")
      gate:close(conn)
      assert.equal("name_taken", code_of(gate:connect(), "ann", "wrong"))
    end)

    it("is kept across a reload, with its key", function()
      local first, second = guest("ann", "secret"), guest("ann", "secret")
      assert(gate:reload())
      assert.equal("name_taken", code_of(conn, "ann", "wrong"))
      gate:close(first)
      assert.equal("name_taken", code_of(conn, "ann", "wrong"))
      gate:close(second, "client", 1000)
      assert.is_truthy(auth(conn, "ann", "wrong"))
    end)

    it("is free after a reload while another plugin's closed hook still sleeps", function()
      load(nil, { "examples/echo.lua" })
      gate:reload { aaa = [[return function(gate)
        gate:after("closed", function() gate:sleep(10) end)
      end]] }
      local first = guest("ann", "secret")
      gate:close(first, "client", 1000) -- auth's hook comes after the one that sleeps
      assert(gate:reload())
      gate:later(10)
      assert.is_truthy(auth(conn, "ann", "other"))
    end)

    it("is taken once though a filter holds the request over a reload", function()
      load(nil, { "examples/echo.lua" })
      gate:reload { slow = [[return function(gate)
        gate:before("auth", function() gate:sleep(10) end)
      end]] }
      local first = gate:connect()
      gate:ask(first, { type = "auth", data = { name = "dup", key = "one" } })
      assert(gate:reload { slow = "return function() end" })
      assert.is_truthy(auth(conn, "dup", "two"))
      gate:later(10)
      assert.is_nil(first.user)
    end)

    describe("while a plugin takes time to look at it", function()
      before_each(function()
        load(nil, { "examples/echo.lua" })
        gate:reload { slow = [[return function(gate)
          gate:after("name_wanted", function() gate:sleep(300) end)
        end]] }
      end)

      local function ask(key)
        local new = gate:connect()
        return gate:ask(new, { type = "auth", data = { name = "ann", key = key } }), new
      end

      it("is given to the first key that gets it, and to no other", function()
        local first = ask "one"
        gate:later(50)
        local second, other = ask "two"
        local third = ask "one"
        gate:later(300)
        assert.same({ user = "ann" }, first.data)
        assert.same({ nil, "name_taken", true }, { second.data, second.code, second.temporary })
        assert.is_nil(other.user)
        assert.same({ user = "ann" }, third.data)
      end)

      it("is nobody's of those who come without a key", function()
        local first = ask()
        local second = ask()
        gate:later(300)
        assert.same({ user = "ann" }, first.data)
        assert.equal("name_taken", second.code)
      end)

      it("fences no connection of somebody else", function()
        local function device(key)
          local new = gate:connect()
          gate:ask(new, { type = "auth", data = { name = "ann", key = key, device = "phone" } })
          return new
        end
        local first = device "one"
        gate:later(50)
        device "two"
        gate:later(300)
        assert.same({ "ann", nil }, { first.user, first.state.ended })
      end)
    end)

    it("is not freed across a reload by a connection whose last request still runs", function()
      load(nil, { "examples/echo.lua" })
      gate:reload { slow = [[return function(gate)
        gate:on("doze", function() gate:sleep(10) end)
      end]] }
      local first = guest("ann", "secret")
      guest("ann", "secret")
      gate:ask(first, { type = "doze" })
      gate:close(first) -- its closed hooks wait for "doze"
      assert(gate:reload())
      gate:later(10)
      assert.equal("name_taken", code_of(conn, "ann", "wrong"))
    end)
  end)

  it("lifts the deadline that the core has set, for those who take a name", function()
    local function admitted() return gate.core.conns[conn.id].is_admitted end
    code_of(conn, "")
    assert.is_nil(admitted())
    auth(conn, "ann")
    assert.is_true(admitted())
  end)

  it("gives no name to a connection that has gone meanwhile", function()
    gate.core.answers.moon_admit = gate.core.C.MOON_EGONE
    assert.equal("internal", code_of(conn, "ann"))
    gate.core.answers.moon_admit = nil
    assert.is_nil(conn.user)
    assert.is_truthy(auth(gate:connect(), "ann"))
  end)
end)
