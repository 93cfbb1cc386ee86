local core = require "spec.support.core"
local handshake = require "spec.support.handshake"
local C = core.load "core/handshake.h"

local KEY, NONE = handshake.KEY, handshake.NONE
local verdict, judge = handshake.verdict, handshake.judge
local protocol, token, refuses = handshake.protocol, handshake.token, handshake.refuses

describe("handshake", function()
  after_each(core.tidy)

  describe("token", function()
    --- The token that is handed on; false when the handshake is refused.
    local function found(changes)
      if judge(changes) == 101 then return token() end
      changes.path = changes.path or "/ws"
      refuses(401, "TOKEN", changes)
      return false
    end

    it("comes in the Authorization header", function()
      for value, expected in pairs {
        ["Bearer abc"] = "abc", ["bearer abc"] = "abc", ["BEARER   abc"] = "abc",
        ["Bearer abc \t"] = "abc", ["Bearer a.b-c_d~e+f/g=="] = "a.b-c_d~e+f/g==",
        ["Bearer 0"] = "0", ["Bearer Bearer"] = "Bearer",
      } do
        assert.equal(expected, found { authorization = value }, value)
        assert.equal(expected, found { authorization = value, path = "/secret" }, value)
      end
    end)

    it("counts as none when that header is malformed, or of another scheme", function()
      for _, value in ipairs {
        "", "Bearer", "Bearer ", "Bearer  ", "Bearer=abc", "Bearer\tabc", " Bearer abc",
        "Bearerabc", "Basic abc", "Bear abc", "Bearers abc", "abc", "Bearer a b", "Bearer a,b",
        "Bearer =", "Bearer a, Bearer b", "Bearer ==", "Bearer a=b", "Bearer =a", 'Bearer "a"',
        "Bearer a;b", "Bearer a\1", "Bearer a\127", "Bearer é", "Bearer a\r\nb", "Bearer a%20",
        "Bearer a:b",
      } do
        assert.is_nil(found { authorization = value }, value)
        assert.is_false(found { authorization = value, path = "/secret" }, value)
      end
    end)

    it("comes in a subprotocol", function()
      for value, expected in pairs {
        ["mqtt, bearer.abc"] = "abc", ["bearer.abc,mqtt"] = "abc", ["bearer.a.b-c, mqtt"] = "a.b-c",
        ["mqtt,\tbearer.x ,soap"] = "x", ["bearer.one, mqtt, bearer.two"] = "one",
        ["bearer.bearer., mqtt"] = "bearer.",
      } do
        assert.equal(expected, found { protocols = value }, value)
        assert.equal("mqtt", protocol())
      end
      assert.equal("abc", found { path = "/secret", protocols = "json, bearer.abc" })
      assert.equal("json", protocol())
    end)

    it("counts as none when a subprotocol only looks like it", function()
      for _, value in ipairs {
        "json, bearer.", "json, bearer", "json, Bearer.abc", "json, bearerabc", "json, xbearer.abc",
        "bearer., json, bearer.abc",
      } do
        assert.is_false(found { path = "/secret", protocols = value }, value)
      end
    end)

    local ORIGIN = "http://chat.test:8080" -- without one, no cookie is let in

    it("comes in the cookie of that name", function()
      for value, expected in pairs {
        ["session=abc"] = "abc", ["a=b; session=abc"] = "abc", ["a=b;session=abc;c=d"] = "abc",
        ["session=a=b=="] = "a=b==", ['session="abc"'] = "abc", ['a="b"; session="c"; d=e'] = "c",
        ["  session=abc  "] = "abc", [";; session=abc;"] = "abc",
        ["session=one; session=two"] = "one", ["xsession=1; sessionx=2; session=3"] = "3",
        ["session; session=x"] = "x", ["Session=1; session=2"] = "2",
        ["a=session=1; session=2"] = "2", ["session=!#'()"] = "!#'()",
      } do
        assert.equal(expected, found { origin = ORIGIN, cookie = value }, value)
      end
      assert.equal("1", found { origin = ORIGIN, cookie = "s=1; session=2", token_cookie = "s" })
    end)

    it("counts as none when there is no such cookie, or it is malformed", function()
      for _, value in ipairs {
        "", ";", "=", "=abc", "session", "session=", "session;", "session= ; a=b", 'session=""',
        'session="', 'session="abc', 'session=abc"', 'session="a"b"', "session=a b", "session=a,b",
        "session=a\\b", "session=é", "session=a\127", "session=a\tb", "Session=abc",
        "a=session=abc", "session =abc", "session=; session=abc", "sessions=abc", "asession=abc",
        "session%3Dabc", "a=b, session=abc",
      } do
        assert.is_false(found { path = "/secret", origin = ORIGIN, cookie = value }, value)
      end
    end)

    it("is in no cookie when none has been named", function()
      for _, name in ipairs { NONE, "" } do
        for _, cookie in ipairs { "=abc", "abc", "session=abc" } do
          assert.is_nil(found { origin = ORIGIN, cookie = cookie, token_cookie = name })
        end
      end
    end)

    it("is the header's before the subprotocol's before the cookie's", function()
      local changes = {
        path = "/secret", origin = ORIGIN, authorization = "Bearer one",
        protocols = "json, bearer.two", cookie = "session=three",
      }
      assert.equal("one", found(changes))
      changes.authorization = "Basic one"
      assert.equal("two", found(changes))
      changes.protocols = "json, bearer."
      assert.equal("three", found(changes))
      changes.cookie = NONE
      assert.is_false(found(changes))
    end)

    it("has at most 4096 characters", function()
      assert.equal(4096, C.MOON_TOKEN_BYTES)
      for length, is_token in pairs { [4096] = true, [4097] = false, [100000] = false } do
        local text = ("x"):rep(length)
        local expected = is_token and text or nil
        assert.equal(expected, found { authorization = "Bearer " .. text })
        assert.equal(expected, found { protocols = "mqtt, bearer." .. text })
        assert.equal(expected, found { origin = ORIGIN, cookie = "session=" .. text })
      end
    end)

    it("is needed only where the route says so", function()
      assert.is_nil(found { path = "/quiet" })
      assert.is_false(found { path = "/secret" })
      assert.equal("x", found { path = "/secret", authorization = "Bearer x" })
      assert.is_true(verdict.wants_auth)
    end)
  end)

  describe("with garbled headers", function()
    local PIECES = {
      "http", "://", ":", "/", ",", ", ", ";", " ", "\t", "=", '"', "chat.test:8080", "mqtt", ".",
      "null", "bearer.", "Bearer ", "session", "session=", "x", "[", "]", "\1", "\255", "websocket",
      "Upgrade", "13", KEY, "*", "+token", "{", "}",
    }
    local GARBLED = {
      "path", "upgrade", "connection", "version", "key", "host", "origin", "protocols",
      "authorization", "cookie", "origins", "token_cookie",
    }
    local WHOLE = { -- so that some get further
      origin = "http://chat.test:8080", protocols = "mqtt", authorization = "Bearer x",
      cookie = "session=x",
    }

    local function garbled(random, text)
      local pieces = { text }
      for i = #pieces + 1, random(0, 6) do pieces[i] = PIECES[random(1, #PIECES)] end
      return table.concat(pieces)
    end

    local function check_grant(changes)
      assert.equal(0, verdict.refusal)
      local name, handed_on = protocol(), token()
      assert.is_true(name == "" or name == "mqtt" or name == "moongate.v1.json", name)
      assert.equal(name ~= "", changes.protocols ~= nil)
      if handed_on then
        assert.matches("^[!-~]+$", handed_on)
        local sources = (changes.authorization or "") .. (changes.protocols or "")
          .. (changes.cookie or "")
        assert.is_truthy(sources:find(handed_on, 1, true))
      end
    end

    it("reads none beyond its end, and says one thing or the other", function()
      local random = core.random(9002)
      local granted, tokens = 0, 0
      for _ = 1, 10000 do
        local changes = {}
        for _ = 1, random(1, 4) do
          local name = GARBLED[random(1, #GARBLED)]
          changes[name] = garbled(random, random(0, 1) == 0 and WHOLE[name] or nil)
        end
        if judge(changes) == 101 then
          check_grant(changes)
          granted = granted + 1
          if token() then tokens = tokens + 1 end
        else
          refuses(verdict.status, ({
            [400] = verdict.refusal == C.MOON_REFUSED_PROTOCOL and "PROTOCOL" or "MALFORMED",
            [403] = "ORIGIN", [404] = "PATH", [426] = "MALFORMED",
          })[verdict.status], changes)
        end
        core.tidy()
      end
      assert.is_true(granted > 500)
      assert.is_true(tokens > 50)
    end)
  end)
end)
