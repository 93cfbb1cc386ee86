local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/handshake.h"

local ROUTES = "/ws moongate.v1.json mqtt\n/relay/{room}\n/quiet json\n"
local KEY = "dGhlIHNhbXBsZSBub25jZQ=="
local NONE = {} -- in a change: that header was not sent

describe("handshake", function()
  local verdict

  --- A request that is granted, with the changes made.
  local function request(changes)
    local fields = {
      path = "/ws",
      upgrade = "websocket",
      connection = "Upgrade",
      version = "13",
      key = KEY,
      host = "chat.example:8080",
      is_get = true,
      is_http_1_1 = true,
    }
    for name, value in pairs(changes) do fields[name] = value end
    local handshake = ffi.new "struct moon_handshake"
    for name, value in pairs(fields) do
      if value == NONE then
        handshake[name] = nil
      elseif type(value) == "string" then
        handshake[name] = core.terminated(value)
      else
        handshake[name] = value
      end
    end
    return handshake
  end

  --- The status; the message and the chosen subprotocol follow.
  local function judge(changes, origins)
    local handshake = request(changes)
    C.moon_handshake_judge(handshake, core.terminated(ROUTES), core.terminated(origins or ""),
      verdict)
    return verdict.status, ffi.string(verdict.message), ffi.string(verdict.protocol)
  end

  local function refuses(status, changes)
    local judged, message = judge(changes)
    assert.equal(status, judged)
    assert.matches("^[%g ]+$", message)
  end

  local function grants(changes) assert.equal(101, (judge(changes))) end

  before_each(function() verdict = ffi.new "struct moon_verdict" end)

  after_each(core.tidy)

  it("is granted when all is right", function()
    assert.same({ 101, "", "" }, { judge {} })
  end)

  it("forgets what the verdict said before", function()
    judge { protocols = "mqtt" }
    assert.same({ 101, "", "" }, { judge {} })
  end)

  describe("request", function()
    it("is a GET", function() refuses(405, { is_get = false }) end)

    it("is HTTP/1.1 with a Host", function()
      refuses(400, { is_http_1_1 = false })
      refuses(400, { host = NONE })
    end)

    it("says websocket in its Upgrade header, in any case and in a list", function()
      for _, value in ipairs { NONE, "", "web", "websockets", "h2c", "web socket", "h2c, web" } do
        refuses(400, { upgrade = value })
      end
      for _, value in ipairs { "WebSocket", "WEBSOCKET", "h2c, websocket", "websocket ,h2c" } do
        grants { upgrade = value }
      end
    end)

    it("says Upgrade in its Connection header, in any case and in a list", function()
      for _, value in ipairs { NONE, "", "close", "upgraded", "keep-alive upgrade" } do
        refuses(400, { connection = value })
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
        refuses(426, { version = value })
      end
    end)

    it("has a key of 16 bytes in base64", function()
      for _, value in ipairs {
        NONE, "", "==", "short==", KEY .. "=", KEY:sub(1, 23), KEY:sub(2), "=" .. KEY:sub(2),
        KEY:sub(1, 22) .. "A=", KEY:sub(1, 22) .. "AA", KEY:sub(1, 21) .. "===",
        KEY:sub(1, 10) .. " " .. KEY:sub(12), KEY:sub(1, 10) .. "-" .. KEY:sub(12),
        KEY:sub(1, 10) .. "_" .. KEY:sub(12), KEY:sub(1, 10) .. "\255" .. KEY:sub(12),
      } do
        refuses(400, { key = value })
      end
      for _, value in ipairs {
        "AAAAAAAAAAAAAAAAAAAAAA==", "+/+/+/+/+/+/+/+/+/+/+w==", "0123456789abcdefABCDEw==",
      } do
        grants { key = value }
      end
    end)
  end)

  it("is for a path that is served", function()
    for _, path in ipairs { "", "/", "/w", "/ws/", "/relay", "/relay/", "/relay/tea/cup" } do
      refuses(404, { path = path })
    end
    grants { path = "/relay/tea" }
  end)

  describe("subprotocol", function()
    local function chosen(protocols, path)
      local status, _, protocol = judge { protocols = protocols, path = path }
      return status == 101 and protocol or status
    end

    it("is the client's first choice that the route speaks", function()
      assert.equal("mqtt", chosen "mqtt")
      assert.equal("mqtt", chosen "mqtt, moongate.v1.json")
      assert.equal("moongate.v1.json", chosen "moongate.v1.json, mqtt")
      assert.equal("moongate.v1.json", chosen "soap, moongate.v1.json, mqtt")
      assert.equal("mqtt", chosen " \tmqtt\t ,soap")
      assert.equal("mqtt", chosen "soap,,mqtt,")
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

    it("is refused when the list is empty or malformed", function()
      for _, protocols in ipairs {
        "", ",", " , ", "soap", "mqt", "mqttt", "mqtt soap", "soap mqtt", "mqtt;v=1", "mqtt, a b",
        'mqtt, "x"', "mqtt\r\nx: y", "mqtt, é", "(mqtt)", "mqtt, a/b", "a@b, mqtt",
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
      C.moon_handshake_judge(request { path = "/l", protocols = name },
        core.terminated("/l " .. name), core.terminated "", verdict)
      assert.equal(name, ffi.string(verdict.protocol))
    end)
  end)

  describe("origin", function()
    local function is_welcome(origin, origins, changes)
      changes = changes or {}
      changes.origin = origin
      local status = judge(changes, origins)
      assert.is_true(status == 101 or status == 403)
      return status == 101
    end

    it("is welcome when it is the server's own", function()
      assert.is_true(is_welcome "http://chat.example:8080")
      assert.is_true(is_welcome "HTTP://Chat.Example:8080")
      assert.is_true(is_welcome("http://localhost", "", { host = "LOCALHOST" }))
    end)

    it("is not welcome when it is another host, port or scheme", function()
      for _, origin in ipairs {
        "", "null", "*", "http://", "http://chat.example", "http://chat.example:80",
        "http://chat.example:80800", "http://evil.example:8080", "http://chat.example:8080.evil",
        "http://evil.chat.example:8080", "https://chat.example:8080", "ws://chat.example:8080",
        "chat.example:8080", "http://chat.example:8080/", " http://chat.example:8080",
      } do
        assert.is_false(is_welcome(origin), origin)
      end
    end)

    it("is welcome when it is in the list, whole and in any case", function()
      local origins = "https://a.example, http://b.example:81 ,null"
      assert.is_true(is_welcome("https://a.example", origins))
      assert.is_true(is_welcome("HTTPS://A.EXAMPLE", origins))
      assert.is_true(is_welcome("http://b.example:81", origins))
      assert.is_true(is_welcome("null", origins))
      assert.is_true(is_welcome("http://chat.example:8080", origins))
      for _, origin in ipairs {
        "https://a.exampl", "https://a.example.evil", "http://b.example", "a.example", "",
        "https://a.example, http://b.example:81", "*",
      } do
        assert.is_false(is_welcome(origin, origins), origin)
      end
    end)

    it("is always welcome when the list has a star as one of its entries", function()
      for _, origins in ipairs { "*", "https://a.example,*", " * , https://a.example" } do
        assert.is_true(is_welcome("http://anywhere.example", origins))
        assert.is_true(is_welcome("null", origins))
      end
      assert.is_false(is_welcome("https://x.example", "https://*.example"))
      assert.is_false(is_welcome("https://x.example", "**"))
    end)

    it("may be missing, unless there is a cookie that a browser has sent along", function()
      assert.is_true(is_welcome(NONE))
      assert.is_false(is_welcome(NONE, "", { has_cookie = true }))
      assert.is_false(is_welcome(NONE, "*", { has_cookie = true }))
      assert.is_true(is_welcome("http://chat.example:8080", "", { has_cookie = true }))
      assert.is_false(is_welcome("http://evil.example", "", { has_cookie = true }))
    end)
  end)

  it("is refused while the server stops, or is full", function()
    refuses(503, { is_stopping = true })
    refuses(503, { is_full = true })
  end)

  it("names the first fault, in the order in which one would look for them", function()
    local faults = { -- each with what it is set right with
      { 405, "GET", { is_get = true } },
      { 400, "HTTP/1.1", { is_http_1_1 = true } },
      { 400, "Host", { host = "chat.example:8080" } },
      { 400, "Upgrade header", { upgrade = "websocket" } },
      { 400, "Connection header", { connection = "Upgrade" } },
      { 426, "13", { version = "13" } },
      { 400, "Key", { key = KEY } },
      { 404, "path", { path = "/ws" } },
      { 403, "Origin", { origin = "http://chat.example:8080" } },
      { 400, "subprotocols", { protocols = "mqtt" } },
      { 503, "stopping", { is_stopping = false } },
      { 503, "full", { is_full = false } },
    }
    local changes = {
      is_get = false, is_http_1_1 = false, host = NONE, upgrade = "h2c", connection = "close",
      version = "8", key = "none", path = "/", origin = "http://evil.example",
      protocols = "soap", is_stopping = true, is_full = true,
    }
    for _, fault in ipairs(faults) do
      local status, message = judge(changes)
      assert.equal(fault[1], status)
      assert.is_truthy(message:find(fault[2], 1, true), message)
      for name, value in pairs(fault[3]) do changes[name] = value end
    end
    assert.same({ 101, "", "mqtt" }, { judge(changes) })
  end)
end)
