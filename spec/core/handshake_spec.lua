local core = require "spec.support.core"
local handshake = require "spec.support.handshake"

local KEY, NONE = handshake.KEY, handshake.NONE
local verdict, judge = handshake.verdict, handshake.judge
local message, protocol, token = handshake.message, handshake.protocol, handshake.token
local refuses, grants = handshake.refuses, handshake.grants

describe("handshake", function()
  after_each(core.tidy)

  it("is granted when all is right", function()
    grants {}
    assert.equal("", protocol())
    assert.is_nil(token())
    assert.equal(0, verdict.token_bytes)
    assert.is_false(verdict.wants_auth)
  end)

  it("says whether its connection has to be admitted in time", function()
    grants { path = "/quiet" }
    assert.is_true(verdict.wants_auth)
    grants { path = "/relay/tea" }
    assert.is_false(verdict.wants_auth)
  end)

  describe("request", function()
    local function is_malformed(changes) refuses(400, "MALFORMED", changes) end

    it("is a GET", function()
      refuses(405, "MALFORMED", { is_get = false })
      refuses(405, "MALFORMED", { is_get = false, path = NONE })
    end)

    it("is HTTP/1.1", function() is_malformed { is_http_1_1 = false } end)

    it("has one Host, which may have a port", function()
      for _, value in ipairs {
        NONE, "", ":", ":80", "a,b", "chat.test, chat.test", "chat.test,", "a b", "a/b", "a:x",
        "a:0", "a:65536", "ann@a", "[::1", "::1", "http://a",
      } do
        is_malformed { host = value }
      end
      for _, value in ipairs { "a", "CHAT.Test.", "a:1", "a:", "[::1]", "[::1]:8080", "1.2.3.4" } do
        grants { host = value }
      end
    end)

    it("says websocket in its Upgrade header, in any case and in a list", function()
      for _, value in ipairs {
        NONE, "", "web", "websockets", "h2c", "web socket", "h2c, web", ",", (", "):rep(9999),
      } do
        is_malformed { upgrade = value }
      end
      for _, value in ipairs {
        "WebSocket", "WEBSOCKET", "h2c, websocket", "websocket ,h2c",
        ("h2c,"):rep(9999) .. "websocket",
      } do
        grants { upgrade = value }
      end
    end)

    it("says Upgrade in its Connection header, in any case and in a list", function()
      for _, value in ipairs { NONE, "", "close", "upgraded", "keep-alive upgrade", "upgrad" } do
        is_malformed { connection = value }
      end
      for _, value in ipairs {
        "upgrade", "UPGRADE", "keep-alive, Upgrade", "keep-alive,upgrade", "Upgrade, close",
        " ,, \t upgrade \t ,", "close,\tUpgrade",
      } do
        grants { connection = value }
      end
    end)

    it("asks for version 13", function()
      for _, value in ipairs { NONE, "", "8", "12", "14", "130", " 13", "13, 8", "013" } do
        refuses(426, "MALFORMED", { version = value })
      end
    end)

    it("has a key of 16 bytes in base64", function()
      for _, value in ipairs {
        NONE, "", "==", "short==", KEY .. "=", KEY:sub(1, 23), KEY:sub(2), "=" .. KEY:sub(2),
        KEY:sub(1, 22) .. "A=", KEY:sub(1, 22) .. "AA", KEY:sub(1, 21) .. "===",
        KEY:sub(1, 10) .. " " .. KEY:sub(12), KEY:sub(1, 10) .. "-" .. KEY:sub(12),
        KEY:sub(1, 10) .. "_" .. KEY:sub(12), KEY:sub(1, 10) .. "\255" .. KEY:sub(12),
      } do
        is_malformed { key = value }
      end
      for _, value in ipairs {
        "AAAAAAAAAAAAAAAAAAAAAA==", "+/+/+/+/+/+/+/+/+/+/+w==", "0123456789abcdefABCDEw==",
      } do
        grants { key = value }
      end
    end)

    it("is for a path that is served to WebSocket", function()
      for _, path in ipairs {
        "", "/", "/w", "/ws/", "/relay", "/relay/", "/relay/tea/cup", "/page", "/WS",
      } do
        refuses(404, "PATH", { path = path })
      end
      grants { path = "/relay/tea" }
    end)
  end)

  describe("room", function()
    it("is for nobody while the server stops, or while a script refuses all", function()
      refuses(503, "DRAINING", { is_stopping = true, retry_after_s = 7 }, 7)
      refuses(503, "DRAINING", { reason = "back at noon", retry_after_s = 7 }, 7)
      assert.equal("back at noon", message())
      refuses(503, "DRAINING", { reason = "" }, 1)
    end)

    it("is not for a denied address, now or later", function()
      refuses(403, "ADDRESS", { is_denied = true, retry_after_s = 7 })
    end)

    it("is for others later when there is none now", function()
      refuses(503, "MEMORY", { is_out_of_room = true, retry_after_s = 7 }, 7)
      refuses(503, "FULL", { is_full = true, retry_after_s = 7 }, 7)
      refuses(429, "ADDRESS", { is_crowded = true, retry_after_s = 7 }, 7)
      refuses(503, "RATE", { is_too_fast = true, retry_after_s = 7 }, 7)
    end)

    it("is never promised for at once", function()
      for _, field in ipairs {
        "is_stopping", "is_out_of_room", "is_full", "is_crowded", "is_too_fast",
      } do
        judge { [field] = true, retry_after_s = 0 }
        assert.equal(1, verdict.retry_after_s)
      end
    end)
  end)

  describe("Origin", function()
    local function is_welcome(origin, origins, changes)
      local fields = { origin = origin, origins = origins }
      for name, value in pairs(changes or {}) do fields[name] = value end
      if judge(fields) == 101 then return true end
      refuses(403, "ORIGIN", fields)
      return false
    end

    it("is welcome when it is the server's own", function()
      assert.is_true(is_welcome "http://chat.test:8080")
      assert.is_true(is_welcome "HTTP://Chat.Test:8080")
      assert.is_true(is_welcome("http://localhost", "", { host = "LOCALHOST" }))
      assert.is_true(is_welcome("http://[::1]:81", "", { host = "[::1]:81" }))
      assert.is_true(is_welcome("http://chat.test.", "", { host = "chat.test." }))
    end)

    it("may have its usual port, which Host need not have", function()
      for _, host in ipairs { "chat.test", "chat.test:80", "chat.test:" } do
        assert.is_true(is_welcome("http://chat.test", "", { host = host }))
        assert.is_true(is_welcome("http://chat.test:80", "", { host = host }))
        assert.is_false(is_welcome("http://chat.test:443", "", { host = host }))
        assert.is_false(is_welcome("http://chat.test:8080", "", { host = host }))
        assert.is_false(is_welcome("https://chat.test", "", { host = host }))
      end
    end)

    it("is https when the client came with TLS", function()
      local changes = { host = "chat.test", is_tls = true }
      assert.is_true(is_welcome("https://chat.test", "", changes))
      assert.is_true(is_welcome("https://chat.test:443", "", changes))
      assert.is_false(is_welcome("http://chat.test", "", changes))
      assert.is_false(is_welcome("http://chat.test:443", "", changes))
      assert.is_false(is_welcome("https://chat.test:80", "", changes))
    end)

    it("is not welcome when it is another host, port or scheme, or malformed", function()
      for _, origin in ipairs {
        "", "null", "NULL", "*", "http://", "http://chat.test", "http://chat.test:80",
        "http://chat.test:80800", "http://chat.test:808", "http://evil.test:8080",
        "http://chat.test:8080.evil", "http://chat.test.evil:8080", "http://my.chat.test:8080",
        "http://mychat.test:8080", "http://chat.test.:8080", "https://chat.test:8080",
        "ws://chat.test:8080", "chat.test:8080", "//chat.test:8080", "http://chat.test:8080/",
        "http://chat.test:8080/ws", " http://chat.test:8080", "http://chat.test:8080 ",
        "http://ann@chat.test:8080", "http://chat.test:8080@evil.test", "http://chat.test:0",
        "http://chat.test:8080, http://chat.test:8080", "http://chat.test:65536", "file://",
      } do
        assert.is_false(is_welcome(origin), origin)
      end
    end)

    it("is welcome when it is in the list, whole and however it is written", function()
      local origins = ",, https://a.test, http://b.test:81 ,\tapp://c,http://a.test:65536,,"
      for _, origin in ipairs {
        "https://a.test", "HTTPS://A.TEST:443", "http://b.test:81", "app://C",
        "http://chat.test:8080",
      } do
        assert.is_true(is_welcome(origin, origins), origin)
      end
      for _, origin in ipairs {
        "https://a.tes", "https://a.test.evil", "https://a.test.", "https://x.a.test",
        "https://xa.test", "https://a.test:4430", "http://a.test", "http://b.test",
        "http://b.test:8", "http://b.test:811", "a.test", "", ",", "null", "http://a.test:65536",
        "https://a.test, http://b.test:81", "https://a.test/", "*", "app://c:80",
      } do
        assert.is_false(is_welcome(origin, origins), origin)
      end
    end)

    it("is null only where the list says null", function()
      assert.is_true(is_welcome("null", "https://a.test, null"))
      for _, origins in ipairs { "", "NULL", "nul", "nulls", "http://null", "null null" } do
        assert.is_false(is_welcome("null", origins), origins)
      end
      assert.is_false(is_welcome("Null", "null"))
      assert.is_false(is_welcome("http://null", "null"))
      assert.is_false(is_welcome("null", "", { host = "null" }))
    end)

    it("is always welcome when the list has a star as one of its entries", function()
      for _, origins in ipairs { "*", "https://a.test,*", " * , https://a.test" } do
        for _, origin in ipairs { "http://anywhere.test", "null", "file://", "" } do
          assert.is_true(is_welcome(origin, origins))
        end
      end
      for _, origins in ipairs { "https://*.test", "**", "* *", "*://x.test", "https://*" } do
        assert.is_false(is_welcome("https://x.test", origins), origins)
      end
    end)

    it("may be missing, unless there is a cookie that a browser has sent along", function()
      assert.is_true(is_welcome(NONE))
      for _, cookie in ipairs { "a=b", "", "session=x" } do
        assert.is_false(is_welcome(NONE, "", { cookie = cookie }))
        assert.is_false(is_welcome(NONE, "*", { cookie = cookie }))
        assert.is_true(is_welcome("http://chat.test:8080", "", { cookie = cookie }))
        assert.is_false(is_welcome("http://evil.test", "", { cookie = cookie }))
      end
    end)

    it("is looked for in a list of any length", function()
      local origins = ("http://a.test, ,"):rep(5000) .. "http://b.test"
      assert.is_true(is_welcome("http://b.test", origins))
      assert.is_false(is_welcome("http://c.test", origins))
    end)
  end)

  describe("subprotocol", function()
    local function chosen(protocols, path)
      local changes = { protocols = protocols, path = path }
      if judge(changes) == 101 then return protocol() end
      refuses(400, "PROTOCOL", changes)
      return 400
    end

    it("is the client's first choice that the route speaks", function()
      assert.equal("mqtt", chosen "mqtt")
      assert.equal("mqtt", chosen "mqtt, moongate.v1.json")
      assert.equal("moongate.v1.json", chosen "moongate.v1.json, mqtt")
      assert.equal("moongate.v1.json", chosen "soap, moongate.v1.json, mqtt")
      assert.equal("mqtt", chosen " \tmqtt\t ,soap")
      assert.equal("mqtt", chosen "soap,,mqtt,")
      assert.equal("mqtt", chosen(("soap, "):rep(9999) .. "mqtt"))
    end)

    it("is none when the client offers none", function()
      assert.equal("", chosen(NONE))
      assert.equal("", chosen(NONE, "/relay/tea"))
    end)

    it("is refused when only another route speaks it, or when its case differs", function()
      assert.equal(400, chosen "MQTT")
      assert.equal(400, chosen "json")
      assert.equal("json", chosen("json", "/quiet"))
      assert.equal(400, chosen("mqtt", "/quiet"))
      assert.equal(400, chosen("mqtt", "/relay/tea"))
    end)

    it("is refused when it is a flag of the route", function()
      assert.equal(400, chosen("+auth", "/quiet"))
      assert.equal("json", chosen("+auth, json", "/quiet"))
    end)

    it("is refused when the list is empty or malformed", function()
      for _, protocols in ipairs {
        "", ",", " , ", "soap", "mqt", "mqttt", "mqtt soap", "soap mqtt", "mqtt;v=1", "mqtt, a b",
        'mqtt, "x"', "mqtt\r\nx: y", "mqtt, é", "(mqtt)", "mqtt, a/b", "a@b, mqtt",
        "mqtt, bearer.a/b", "bearer.a b, mqtt", "mqtt, bearer.x=",
      } do
        assert.equal(400, chosen(protocols), protocols)
      end
    end)

    it("may use every character of a token", function()
      assert.equal("mqtt", chosen "!#$%&'*+-.^_`|~09azAZ, mqtt")
    end)

    it("is refused when a name is too long to be one", function()
      assert.equal("mqtt", chosen(("x"):rep(63) .. ", mqtt"))
      assert.equal(400, chosen(("x"):rep(64) .. ", mqtt"))
      assert.equal(400, chosen("mqtt, " .. ("x"):rep(64)))
    end)

    it("may have a name of 63 bytes, and is still terminated", function()
      local name = ("x"):rep(63)
      grants { path = "/l", protocols = name, routes = "ws /l " .. name }
      assert.equal(name, protocol())
    end)

    it("is never one that carries a token, even if the route speaks it", function()
      assert.equal("mqtt", chosen "bearer.x, mqtt")
      assert.equal("mqtt", chosen "mqtt, bearer.x")
      assert.equal("mqtt", chosen("bearer." .. ("x"):rep(5000) .. ", mqtt"))
      assert.equal(400, chosen "soap, bearer.x")
      assert.matches("none of the offered", message())
    end)

    it("is asked for when only a token was offered", function()
      for _, protocols in ipairs { "bearer.x", "bearer.", "bearer.x,bearer.y", ", bearer.x ," } do
        for _, path in ipairs { "/ws", "/relay/tea" } do
          assert.equal(400, chosen(protocols, path))
          assert.equal("offer a subprotocol beside bearer.<token>", message())
        end
      end
    end)
  end)

  it("names the first fault, in the order in which one would look for them", function()
    local faults = { -- each with what it is set right with
      { 405, "GET", { is_get = true } },
      { 400, "HTTP/1.1", { is_http_1_1 = true } },
      { 400, "Host", { host = "chat.test:8080" } },
      { 400, "Upgrade header", { upgrade = "websocket" } },
      { 400, "Connection header", { connection = "Upgrade" } },
      { 426, "13", { version = "13" } },
      { 400, "Key", { key = KEY } },
      { 404, "path", { path = "/secret" } },
      { 503, "stopping", { is_stopping = false } },
      { 503, "noon", { reason = NONE } },
      { 403, "address", { is_denied = false } },
      { 503, "memory", { is_out_of_room = false } },
      { 503, "full", { is_full = false } },
      { 429, "address", { is_crowded = false } },
      { 503, "newcomers", { is_too_fast = false } },
      { 403, "Origin", { origin = "http://chat.test:8080" } },
      { 400, "subprotocols", { protocols = "json" } },
      { 401, "token", { authorization = "Bearer x" } },
    }
    local changes = {
      is_get = false, is_http_1_1 = false, host = NONE, upgrade = "h2c", connection = "close",
      version = "8", key = "none", path = "/", is_stopping = true, reason = "back at noon",
      is_denied = true, is_out_of_room = true, is_full = true, is_crowded = true,
      is_too_fast = true, origin = "http://evil.test", protocols = "soap",
    }
    for _, fault in ipairs(faults) do
      assert.equal(fault[1], judge(changes))
      assert.is_truthy(message():find(fault[2], 1, true), message())
      for name, value in pairs(fault[3]) do changes[name] = value end
    end
    grants(changes)
    assert.equal("json", protocol())
    assert.equal("x", token())
  end)
end)
