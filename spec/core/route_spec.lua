local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/route.h"

describe("route", function()
  local route = ffi.new "struct moon_route"

  local function is_served(table_text, path)
    return C.moon_route_find(core.terminated(table_text), core.terminated(path), route)
  end

  --- The protocols of the route found, as text; nil when none is.
  local function protocols(table_text, path)
    if not is_served(table_text, path) then return nil end
    return ffi.string(route.protocols, route.protocols_bytes)
  end

  local function speaks(name) return C.moon_route_speaks(route, core.exact(name), #name) end

  after_each(core.tidy)

  it("is not found in an empty table", function()
    assert.is_false(is_served("", "/"))
    assert.is_false(is_served("", ""))
    assert.is_false(is_served("", "/ws"))
  end)

  it("matches its own path, and neither a prefix nor a longer one", function()
    for path, expected in pairs {
      ["/ws"] = true, ["/w"] = false, ["/"] = false, [""] = false, ["/ws/"] = false,
      ["/wss"] = false, ["/WS"] = false, ["ws"] = false, ["/ws/ws"] = false, ["//ws"] = false,
    } do
      assert.equal(expected, is_served("/ws", path), path)
      assert.equal(expected, is_served("/ws\n", path), path)
      assert.equal(expected, is_served("/ws json\n", path), path)
    end
  end)

  it("matches any one segment where it says {…}", function()
    for path, expected in pairs {
      ["/relay/tea"] = true, ["/relay/t"] = true, ["/relay/%7Bx%7D"] = true,
      ["/relay/{room}"] = true,
      ["/relay/"] = false, ["/relay"] = false, ["/relay/tea/"] = false, ["/relay/tea/cup"] = false,
      ["/relay//tea"] = false, ["/relax/tea"] = false, ["/relay/ tea"] = true,
    } do
      assert.equal(expected, is_served("/relay/{room}", path), path)
    end
  end)

  it("matches segments at the start, in the middle and several of them", function()
    assert.is_true(is_served("/{a}", "/x"))
    assert.is_false(is_served("/{a}", "/"))
    assert.is_true(is_served("/{game}/play", "/go/play"))
    assert.is_false(is_served("/{game}/play", "//play"))
    assert.is_false(is_served("/{game}/play", "/go/plays"))
    assert.is_false(is_served("/{game}/play", "/go/on/play"))
    assert.is_true(is_served("/{a}/b/{c}/{d}", "/1/b/2/3"))
    assert.is_false(is_served("/{a}/b/{c}/{d}", "/1/b/2"))
    assert.is_false(is_served("/{a}/b/{c}/{d}", "/1/b/2/"))
  end)

  it("matches nothing when a brace is left open", function()
    assert.is_false(is_served("/{room json", "/tea"))
    assert.is_false(is_served("/{room\n/b}", "/tea"))
    assert.is_true(is_served("/{room\n/b", "/b"))
  end)

  it("is the first one that matches", function()
    local text = "/a one\n/{x} two\n/b three\n"
    assert.equal(" one", protocols(text, "/a"))
    assert.equal(" two", protocols(text, "/b"))
    assert.equal(" two", protocols(text, "/z"))
    assert.is_nil(protocols(text, "/a/b"))
  end)

  it("is found in the last line, ended or not", function()
    assert.equal(" b c", protocols("/x a\n/y b c", "/y"))
    assert.equal(" b c", protocols("/x a\n/y b c\n", "/y"))
    assert.equal("", protocols("/x a\n/y", "/y"))
    assert.equal("", protocols("/x\n/y a\n", "/x"))
  end)

  it("does not take a protocol for a path", function()
    assert.is_false(is_served("/a /b\n", "/b"))
    assert.is_false(is_served("/a /b\n", "/a /b"))
  end)

  describe("with subprotocols", function()
    before_each(function()
      assert.is_true(is_served("/a other\n/ws moongate.v1.json mqtt x\n/b last\n", "/ws"))
    end)

    it("speaks each that stands in its own line", function()
      assert.is_true(speaks "moongate.v1.json")
      assert.is_true(speaks "mqtt")
      assert.is_true(speaks "x")
    end)

    it("speaks no other", function()
      for _, name in ipairs {
        "", "other", "last", "/ws", "m", "mqt", "mqttt", "qtt", "MQTT", "mqtt x", " mqtt", "x\n",
        "moongate.v1.json mqtt", "moongate.v1",
      } do
        assert.is_false(speaks(name), name)
      end
    end)

    it("speaks none when its line names none", function()
      assert.is_true(is_served("/quiet\n/ws mqtt\n", "/quiet"))
      assert.is_false(speaks "mqtt")
      assert.is_false(speaks "")
    end)
  end)
end)
