local fake_core = require "spec.support.fake_core"
local ffi = require "ffi"

describe("route", function()
  local routes

  before_each(function() routes = fake_core.world().route end)

  local function new(pattern) return routes.new("ws", pattern, {}, { name = "a" }) end

  local function params(pattern, path) return routes.params(new(pattern), path) end

  it("matches its very path", function()
    assert.same({}, params("/ws", "/ws"))
    for _, path in ipairs { "/", "/w", "/ws/", "/wss", "/a/ws", "" } do
      assert.is_nil(params("/ws", path), path)
    end
  end)

  it("matches one segment with a name in braces", function()
    local pattern = "/relay/{room}/of/{user}"
    assert.same({ room = "tea", user = "ann" }, params(pattern, "/relay/tea/of/ann"))
    for _, path in ipairs { "/relay//of/ann", "/relay/a/b/of/ann", "/relay/tea/of/" } do
      assert.is_nil(params(pattern, path), path)
    end
  end)

  it("takes the signs of Lua patterns as they are", function()
    local pattern = "/a.b-c+d*(e)[f]^$%w?"
    assert.same({}, params(pattern, pattern))
    assert.is_nil(params(pattern, "/aXb-c+d*(e)[f]^$%w?"))
  end)

  it("matches what it matches in the core, which answers the handshake", function()
    local C = require("spec.support.core").load "core/route.h"
    local found = ffi.new "struct moon_route"
    local paths = { "/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/b.json", "/a/.json",
      "/a/{b-c}", "/a/xb", "/a/x", "/{a" }
    for _, pattern in ipairs { "/", "/a", "/a/{b}", "/a/{b}/c", "/{a}/{b}", "/a.b" } do
      local route = new(pattern)
      for _, path in ipairs(paths) do
        assert.equal(C.moon_route_find(routes.line(route), "ws", path, found),
          routes.params(route, path) ~= nil, pattern .. " at " .. path)
      end
    end
  end)

  it("is a line of the core's table", function()
    local function line(kind, handlers) return routes.line(routes.new(kind, "/a", handlers, {})) end
    assert.equal("ws /a", line("ws", {}))
    assert.equal("ws /a", line("ws", { auth = false, token = false, protocols = {} }))
    assert.equal("ws /a +auth", line("ws", { auth = true }))
    assert.equal("ws /a +token b", line("ws", { token = true, protocols = { "b" } }))
    assert.equal("ws /a +auth +token b c",
      line("ws", { auth = true, token = true, protocols = { "b", "c" } }))
    assert.equal("PATCH /a", line("PATCH", print))
  end)

  it("has a pattern that begins with / and has no spaces", function()
    for _, pattern in ipairs { "/", "/a", "/a/", "/{b}", "/a/{b}/{c}", "/\195\169" } do
      assert.is_nil(routes.problem_of_pattern(pattern), pattern)
    end
    for _, pattern in ipairs { "", "a", " /a" } do
      assert.equal("a path begins with /", routes.problem_of_pattern(pattern))
    end
    for _, pattern in ipairs { "/a b", "/a\n", "/a\0" } do
      assert.matches("^a path has no blanks: ", routes.problem_of_pattern(pattern))
    end
    for _, pattern in ipairs { "/a\1", "/a\127", "/caf\233" } do
      assert.matches("^a path is UTF%-8 without control characters: ",
        routes.problem_of_pattern(pattern))
    end
    assert.is_nil(routes.problem_of_pattern("/" .. ("x"):rep(255)))
    assert.equal("a path has at most 256 bytes", routes.problem_of_pattern("/" .. ("x"):rep(256)))
  end)

  it("has braces around whole segments", function()
    for _, pattern in ipairs { "/a{b}", "/{b}c", "/{}", "/{b-c}", "/{b", "/b}", "/{b}{c}" } do
      assert.equal("a name in braces takes a whole segment: " .. pattern,
        routes.problem_of_pattern(pattern))
    end
  end)

  describe("with handlers", function()
    it("takes those there are", function()
      assert.is_nil(routes.problem_of_handlers {})
      assert.is_nil(routes.problem_of_handlers { opened = print, received = print, refused = print,
        slow = print, drained = print, closed = print, protocols = { "one" }, auth = true,
        token = false })
    end)

    it("takes no others", function()
      assert.equal('there is no "open", there are: auth, closed, drained, opened, protocols, '
        .. "received, refused, slow, token", routes.problem_of_handlers { open = print })
      assert.equal("opened: expected a function, got boolean",
        routes.problem_of_handlers { opened = true })
      assert.equal("auth: expected a boolean, got string",
        routes.problem_of_handlers { auth = "yes" })
      assert.equal("protocols: expected a table, got string",
        routes.problem_of_handlers { protocols = "one" })
    end)

    local function problem_of_protocol(name)
      return routes.problem_of_handlers { protocols = { name } }
    end

    it("speaks subprotocols whose names are tokens", function()
      for _, name in ipairs { "a", "moongate.v1.json", "a+b", "!#$%&'*-.^_`|~09AZaz",
        ("x"):rep(63) } do
        assert.is_nil(problem_of_protocol(name), name)
      end
      for _, name in ipairs { "", "a b", "a,b", "a/b", 'a"b', "a\n", "a\0", "\195\169",
        ("x"):rep(64), 7 } do
        assert.matches("^protocols: expected a token ", problem_of_protocol(name))
      end
    end)

    it("speaks none that the core would take for a flag", function()
      assert.matches("^protocols: ", problem_of_protocol "+auth")
    end)
  end)
end)
