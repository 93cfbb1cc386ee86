local auth = require "spec.support.auth"
local json = require "cjson"

local URL = "https://id.example/check"

describe("auth backend", function()
  local gate

  local function load(options)
    options = options or {}
    options.methods, options.backend_url = options.methods or { "backend" }, URL
    gate = auth.load(options)
  end

  --- Asks without waiting for the reply.
  local function ask(token)
    local conn = gate:connect()
    return gate:ask(conn, { type = "auth", data = { token = token or "t" } }), conn
  end

  local function answer(body, status)
    return gate:answer_fetch { status = status or 200, body = body and json.encode(body) }
  end

  --- The code of one who asks now, if the backend is not asked.
  local function code_of(token)
    local got = ask(token)
    return got.is_given and (got.code or "granted") or "asks"
  end

  local function calls() return #gate.core:issued "fetch" end

  before_each(function() load() end)

  it("is told the token and the address, and says who it is", function()
    load { backend_headers = { ["X-Api-Key"] = "hush" } }
    local got, conn = ask "secret"
    local expires_at = gate.core.now_ms + 60000
    local asked = answer { user = "ann", expires_at = expires_at, admin = true,
      info = { plan = "gold" } }
    assert.same({ token = "secret", address = "127.0.0.1" }, json.decode(asked.body))
    assert.same({ "POST", URL, "hush", 5000, 0 }, { asked.method, asked.url,
      asked.headers["X-Api-Key"] or asked.headers["x-api-key"], asked.timeout_ms,
      asked.redirects })
    assert.same({ user = "ann", expires_at = expires_at, admin = true }, got.data)
    local known = conn.state.auth
    assert.same({ "backend", { plan = "gold" }, true },
      { known.method, known.info, known.admin })
  end)

  it("has said the same of the next connection, whatever becomes of the state of one", function()
    local _, conn = ask "one"
    answer { user = "ann", info = { plan = { name = "gold" } } }
    conn.state.auth.info.plan.name = "silver"
    local _, other = ask "one"
    assert.same({ plan = { name = "gold" } }, other.state.auth.info)
  end)

  it("is asked once for a storm of connections with one token", function()
    load { max_connections_per_user = 1000 }
    local answers = {}
    for i = 1, 1000 do answers[i] = ask "one" end
    assert.equal(1, calls())
    answer { user = "ann" }
    gate:later(0)
    for i = 1, 1000 do assert.same({ user = "ann" }, answers[i].data) end
    assert.equal(1, calls())
  end)

  it("is asked for each token", function()
    ask "one"
    ask "two"
    assert.equal(2, calls())
  end)

  it("goes on for the others when who was first has gone", function()
    local _, first = ask()
    local second = ask()
    gate:close(first)
    answer { user = "ann" }
    assert.same({ user = "ann" }, second.data)
  end)

  describe("that knows a token", function()
    it("is not asked again for 30 s", function()
      ask()
      answer { user = "ann" }
      gate:later(29999)
      assert.equal("granted", code_of())
      gate:later(1)
      assert.equal("asks", code_of())
    end)

    it("is not relied on for longer than the token is good", function()
      ask()
      answer { user = "ann", expires_at = gate.core.now_ms + 1000 }
      gate:later(999)
      assert.equal("granted", code_of())
      gate:later(1)
      assert.equal("asks", code_of())
    end)

    it("that has run out says so", function()
      local got = ask()
      answer { user = "ann", expires_at = gate.core.now_ms - 1 }
      assert.equal("expired_token", got.code)
    end)
  end)

  it("that refuses a token is not asked again for 5 s", function()
    for _, status in ipairs { 401, 403 } do
      load()
      local got = ask()
      answer(nil, status)
      assert.same({ "bad_token", false }, { got.code, got.temporary or false })
      gate:later(4999)
      assert.equal("bad_token", code_of())
      gate:later(1)
      assert.equal("asks", code_of())
    end
  end)

  describe("that is slow or down", function()
    it("makes auth unavailable, which is temporary, and is tried again", function()
      local got = ask()
      gate:answer_fetch "timeout"
      assert.same({ "unavailable", true }, { got.code, got.temporary })
      assert.equal("asks", code_of())
    end)

    it("counts as down with other statuses and answers that make no sense", function()
      local odd = { { status = 500 }, { status = 404 }, { status = 302 }, { body = "x" },
        { body = "[]" }, { body = '{"user":7}' }, { body = '{"user":""}' },
        { body = '{"user":"ann","expires_at":"soon"}' }, { body = '{"user":"ann","info":7}' },
        { body = json.encode { user = "ann", info = { x = ("x"):rep(5000) } } } }
      for _, each in ipairs(odd) do
        load()
        local got = ask()
        gate:answer_fetch(each)
        assert.equal("unavailable", got.code, each.body or each.status)
      end
    end)

    --- It fails three times.
    local function fail()
      for i = 1, 3 do
        ask("t" .. i)
        gate:answer_fetch "connect"
      end
    end

    it("is left alone after three failures in a row, then tried by one", function()
      fail()
      assert.equal("unavailable", code_of "other")
      gate:later(999)
      assert.equal("unavailable", code_of "other")
      gate:later(1)
      assert.equal("asks", code_of "other")
      assert.equal("unavailable", code_of "another")
      answer { user = "ann" }
      assert.equal("asks", code_of "another")
      assert.equal("asks", code_of "a third")
      assert.is_truthy(gate:logged "the backend that knows tokens is up")
    end)

    it("is left alone for twice as long each time it fails again", function()
      fail()
      for _, wait_ms in ipairs { 1000, 2000, 4000, 8000, 16000, 32000, 32000 } do
        gate:later(wait_ms - 1)
        assert.equal("unavailable", code_of())
        gate:later(1)
        assert.equal("asks", code_of())
        gate:answer_fetch "timeout"
      end
    end)

    it("does not count as down while other calls succeed", function()
      for _ = 1, 5 do
        ask "a"
        gate:answer_fetch "timeout"
        ask "b"
        answer { user = "ann" }
        gate:later(30000)
      end
      assert.equal("asks", code_of "a")
    end)

    it("goes on for those whose token it has just known", function()
      ask "known"
      answer { user = "ann" }
      fail()
      assert.equal("granted", code_of "known")
    end)

    it("closes with 4012 those whose handshake brought a token", function()
      local conn = gate:connect(nil, { token = "t" })
      gate:answer_fetch "timeout"
      assert.same({ 4012, "unavailable" }, { auth.closed(gate, conn) })
    end)
  end)

  describe("and a logout", function()
    before_each(function()
      gate:reload { ops = [[return function(gate)
        local auth = gate:use("auth", "1.0")
        gate:on("ping", function() return { n = auth.logout "ann" } end)
      end]] }
    end)

    local function log_out() assert(gate:deliver(gate:connect(), { type = "ping" })) end

    it("make it asked again", function()
      ask()
      answer { user = "ann" }
      log_out()
      assert.equal("asks", code_of())
    end)

    it("refuse who was asked about before, and keep nothing of it", function()
      local got = ask()
      log_out()
      answer { user = "ann" }
      assert.same({ "logged_out", true }, { got.code, got.temporary })
      assert.equal("asks", code_of())
    end)
  end)

  it("is in no log with the token", function()
    ask "a-secret-token"
    gate:answer_fetch("tls", "a-secret-token is in the text")
    ask "a-secret-token"
    gate:answer_fetch { body = "a-secret-token" }
    auth.is_not_logged(gate, "a-secret-token")
  end)
end)
