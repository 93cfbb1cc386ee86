local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/origin.h"

describe("origin", function()
  --- The origin read; nil when it is malformed.
  local function read(text)
    local origin = ffi.new "struct moon_origin"
    if not C.moon_origin_read(core.exact(text), #text, origin) then return nil end
    return origin
  end

  local function of_host(host, is_tls)
    local origin = ffi.new "struct moon_origin"
    if not C.moon_origin_of_host(core.terminated(host), is_tls or false, origin) then return nil end
    return origin
  end

  --- { scheme, host, port }; nil when it is malformed.
  local function parts(origin)
    if origin == nil then return nil end
    return {
      ffi.string(origin.scheme, origin.scheme_bytes),
      ffi.string(origin.host, origin.host_bytes),
      origin.port,
    }
  end

  local function are_equal(a, b)
    local first, second = read(a), read(b)
    assert(first, a)
    assert(second, b)
    local equal = C.moon_origin_equals(first, second)
    assert.equal(equal, C.moon_origin_equals(second, first))
    return equal
  end

  after_each(core.tidy)

  it("has a scheme, a host and a port", function()
    assert.same({ "https", "chat.test", 8443 }, parts(read "https://chat.test:8443"))
    assert.same({ "HTTP", "Chat_1.Test-x", 1 }, parts(read "HTTP://Chat_1.Test-x:1"))
    assert.same({ "http", "127.0.0.1", 65535 }, parts(read "http://127.0.0.1:65535"))
    assert.same({ "https", "[2001:db8::1]", 81 }, parts(read "https://[2001:db8::1]:81"))
    assert.same({ "http", "[::ffff:192.0.2.1]", 80 }, parts(read "http://[::ffff:192.0.2.1]"))
  end)

  it("has the usual port of its scheme when it names none", function()
    assert.same({ "http", "a", 80 }, parts(read "http://a"))
    assert.same({ "HTTPS", "a", 443 }, parts(read "HTTPS://a"))
    assert.same({ "capacitor", "localhost", 0 }, parts(read "capacitor://localhost"))
    assert.same({ "x-1+2.3", "a", 0 }, parts(read "x-1+2.3://a"))
    assert.same({ "httpss", "a", 0 }, parts(read "httpss://a"))
    assert.same({ "htt", "a", 0 }, parts(read "htt://a"))
  end)

  it("is malformed when anything else stands there", function()
    for _, text in ipairs {
      "", "null", "*", "http", "http:", "http:/", "http://", "://chat.test", "//chat.test",
      "chat.test", "chat.test:80", "http:/chat.test", "http:chat.test", "http//chat.test",
      "http://chat.test/", "http://chat.test/ws", "http://chat.test?x", "http://chat.test#x",
      "http://ann@chat.test", "http://ann:secret@chat.test", "http://chat.test:80@evil.test",
      "http://@chat.test", "http:///chat.test", "http:\\\\chat.test", "http://chat.test\\x",
      " http://chat.test", "http://chat.test ", "http://chat test", "http://chat.test\t",
      "http://chat.test\r\n", "http://chat.test\0", "http://chat.test\0.evil", "ht tp://chat.test",
      "1http://chat.test", "+http://a", "ht_tp://a", "http://chat.test, http://chat.test",
      "http://chat.test http://evil.test", "http://*.test", "http://grüße.test", "http://a%2Eb",
      "http://\127", "http://a;b", "http://'a'", "file:///tmp", "file://", "data:,x",
    } do
      assert.is_nil(read(text), text)
    end
  end)

  it("is malformed with a port that is none", function()
    for _, port in ipairs {
      ":", ":0", ":00000", ":65536", ":99999", ":100000", ":000080", ":4294967376", ":-80", ":+80",
      ":80 ", ": 80", ":80a", ":x", "::80", ":80:80", ":80/", ":8.0", ":0x50",
    } do
      assert.is_nil(read("http://chat.test" .. port), port)
      assert.is_nil(read("http://[::1]" .. port), port)
    end
  end)

  it("is malformed with brackets around what is no IPv6 address", function()
    for _, host in ipairs {
      "[", "]", "[]", "[:]", "[::", "::1", "::1]", "[::1]]", "[[::1]]", "[::1]x", "[chat.test]",
      "[127.0.0.1]", "[::1%25eth0]", "[::g]", "[::1 ]", "[: :]", "x[::1]", "[::1]:", "[::1]80",
    } do
      assert.is_nil(read("http://" .. host), host)
    end
  end)

  it("is the same in any case, and with its usual port written or left out", function()
    assert.is_true(are_equal("http://chat.test", "HTTP://CHAT.Test"))
    assert.is_true(are_equal("http://chat.test", "http://chat.test:80"))
    assert.is_true(are_equal("http://chat.test:0080", "http://chat.test"))
    assert.is_true(are_equal("https://chat.test:443", "https://chat.test"))
    assert.is_true(are_equal("http://[2001:DB8::A]", "http://[2001:db8::a]:80"))
    assert.is_true(are_equal("app://chat", "APP://chat"))
  end)

  it("is another with another scheme, host or port", function()
    for _, other in ipairs {
      "https://chat.test", "https://chat.test:80", "httpx://chat.test", "http://chat.test:443",
      "http://chat.test:8", "http://chat.test:8080", "http://chat.test.", "http://chat.test.evil",
      "http://my.chat.test", "http://mychat.test", "http://chat.tes", "http://hat.test",
      "http://chat.test-evil", "http://chat-test", "http://c", "ws://chat.test", "htt://chat.test",
    } do
      assert.is_false(are_equal("http://chat.test", other), other)
    end
    assert.is_false(are_equal("app://chat", "app://chat:80"))
    assert.is_false(are_equal("http://[::1]", "http://[0:0:0:0:0:0:0:1]"))
    assert.is_false(are_equal("http://[::1]:80", "http://[::180]"))
  end)

  it("is that of a Host header, for http and for https", function()
    assert.same({ "http", "chat.test", 80 }, parts(of_host "chat.test"))
    assert.same({ "https", "chat.test", 443 }, parts(of_host("chat.test", true)))
    assert.same({ "http", "chat.test", 443 }, parts(of_host "chat.test:443"))
    assert.same({ "https", "[::1]", 80 }, parts(of_host("[::1]:80", true)))
    assert.same({ "http", "localhost", 80 }, parts(of_host "localhost:"))
    assert.same({ "http", "[::1]", 80 }, parts(of_host "[::1]:"))
  end)

  it("is none when the Host header is malformed", function()
    for _, host in ipairs {
      "", ":", ":80", "::", "a,b", "a, b", "a b", " a", "a ", "a::", "a:0", "a:65536", "a:b", "a/",
      "a/b", "ann@a", "http://a", "*", "[::1", "[a]", "::1", "a\\", "a?", "a#", "é",
    } do
      assert.is_nil(of_host(host), host)
    end
  end)

  it("is read from the bytes it is given, and from none beyond", function()
    local text = "https://[2001:db8::1]:8443"
    for length = 0, #text do read(text:sub(1, length)) end
    assert.same({ "https", "[2001:db8::1]", 443 }, parts(read(text:sub(1, -6))))
    assert.is_nil(read(text:sub(1, -5)))
    assert.same({ "https", "[2001:db8::1]", 8 }, parts(read(text:sub(1, -4))))
  end)

  it("may be very long", function()
    local host = ("a."):rep(50000) .. "test"
    assert.is_true(are_equal("http://" .. host, "http://" .. host:upper() .. ":80"))
    assert.is_false(are_equal("http://" .. host, "http://" .. host .. "x"))
  end)

  describe("of random parts", function()
    local SCHEMES = { "http", "HTTPS", "https", "app", "ws" }
    local HOSTS = { "a", "A", "a.b", "a.", "[::1]", "[::A]", "[::a]", "1" }
    local PORTS = { "", ":80", ":443", ":080", ":1", ":65535" }
    local USUAL = { http = "80", https = "443" }

    --- One origin, and the one way of writing it.
    local function make(pick)
      local scheme, host, port = pick(SCHEMES), pick(HOSTS), pick(PORTS)
      local number = port:match "^:0*(%d+)$" or USUAL[scheme:lower()] or "none"
      return scheme .. "://" .. host .. port, table.concat({ scheme, host, number }, " "):lower()
    end

    it("equals another exactly when both are written alike", function()
      local random = core.random(7001)
      local function pick(list) return list[random(1, #list)] end
      local equals = 0
      for _ = 1, 5000 do
        local a, a_written = make(pick)
        local b, b_written = make(pick)
        assert.equal(a_written == b_written, are_equal(a, b), a .. " " .. b)
        if a_written == b_written then equals = equals + 1 end
      end
      assert.is_true(equals > 50)
    end)

    it("stays within its text when that is garbled", function()
      local PIECES = {
        "http", "://", ":", "/", "[", "]", "::1", "a", ".", "80", "@", "\0", "\255", ",",
      }
      local random = core.random(7002)
      local found = 0
      for _ = 1, 20000 do
        local pieces = { random(0, 1) == 0 and "http://" or nil }
        for i = #pieces + 1, random(1, 6) do pieces[i] = PIECES[random(1, #PIECES)] end
        local text = table.concat(pieces)
        local origin = read(text)
        if origin then
          found = found + 1
          local scheme, host = unpack(parts(origin))
          assert.equal(scheme .. "://" .. host, text:sub(1, #scheme + 3 + #host))
          assert.matches("^:?%d*$", text:sub(#scheme + 4 + #host))
        end
        core.tidy()
      end
      assert.is_true(found > 200)
    end)
  end)
end)
