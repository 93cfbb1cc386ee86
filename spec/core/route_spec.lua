local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/route.h"

describe("route", function()
  local route = ffi.new "struct moon_route"

  local function is_found(text, kind, path)
    return C.moon_route_find(core.terminated(text), core.terminated(kind), core.terminated(path),
      route)
  end

  local function is_served(text, path) return is_found(text, "ws", path) end

  --- The words of the route found, as text; nil when none is.
  local function words(text, path, kind)
    if not is_found(text, kind or "ws", path) then return nil end
    return ffi.string(route.words, route.words_bytes)
  end

  local function methods(text, path, capacity)
    capacity = capacity or 256
    local out = ffi.cast("char *", core.keep(C.moon_alloc(capacity), C.moon_free))
    C.moon_route_methods(core.terminated(text), core.terminated(path), out, capacity)
    return ffi.string(out)
  end

  local function speaks(name) return C.moon_route_speaks(route, core.exact(name), #name) end

  after_each(core.tidy)

  it("is not found in an empty table", function()
    for _, text in ipairs {
      "", "\n", "\n\n", " ", " \n ", "ws", "ws\n", "ws ", "ws \n", "ws  /",
    } do
      assert.is_false(is_served(text, "/"), text)
      assert.is_false(is_served(text, ""), text)
      assert.is_false(is_served(text, "/ws"), text)
      assert.equal("", methods(text, "/"))
      assert.equal("", methods(text, ""))
    end
  end)

  it("matches its own path, and neither a prefix nor a longer one", function()
    for path, expected in pairs {
      ["/ws"] = true, ["/w"] = false, ["/"] = false, [""] = false, ["/ws/"] = false,
      ["/wss"] = false, ["/WS"] = false, ["ws"] = false, ["/ws/ws"] = false, ["//ws"] = false,
    } do
      assert.equal(expected, is_served("ws /ws", path), path)
      assert.equal(expected, is_served("ws /ws\n", path), path)
      assert.equal(expected, is_served("ws /ws json\n", path), path)
    end
  end)

  it("matches any one segment where it says {…}", function()
    for path, expected in pairs {
      ["/relay/tea"] = true, ["/relay/t"] = true, ["/relay/%7Bx%7D"] = true,
      ["/relay/{room}"] = true,
      ["/relay/"] = false, ["/relay"] = false, ["/relay/tea/"] = false, ["/relay/tea/cup"] = false,
      ["/relay//tea"] = false, ["/relax/tea"] = false, ["/relay/ tea"] = true,
    } do
      assert.equal(expected, is_served("ws /relay/{room}", path), path)
    end
  end)

  it("matches segments at the start, in the middle and several of them", function()
    assert.is_true(is_served("ws /{a}", "/x"))
    assert.is_false(is_served("ws /{a}", "/"))
    assert.is_true(is_served("ws /{game}/play", "/go/play"))
    assert.is_false(is_served("ws /{game}/play", "//play"))
    assert.is_false(is_served("ws /{game}/play", "/go/plays"))
    assert.is_false(is_served("ws /{game}/play", "/go/on/play"))
    assert.is_true(is_served("ws /{a}/b/{c}/{d}", "/1/b/2/3"))
    assert.is_false(is_served("ws /{a}/b/{c}/{d}", "/1/b/2"))
    assert.is_false(is_served("ws /{a}/b/{c}/{d}", "/1/b/2/"))
  end)

  it("matches nothing when a brace is left open", function()
    assert.is_false(is_served("ws /{room json", "/tea"))
    assert.is_false(is_served("ws /{room\nws /b}", "/tea"))
    assert.is_true(is_served("ws /{room\nws /b", "/b"))
  end)

  it("is the first one that matches", function()
    local text = "ws /a one\nws /{x} two\nws /b three\n"
    assert.equal(" one", words(text, "/a"))
    assert.equal(" two", words(text, "/b"))
    assert.equal(" two", words(text, "/z"))
    assert.is_nil(words(text, "/a/b"))
  end)

  it("is found in the last line, ended or not", function()
    assert.equal(" b c", words("ws /x a\nws /y b c", "/y"))
    assert.equal(" b c", words("ws /x a\nws /y b c\n", "/y"))
    assert.equal("", words("ws /x a\nws /y", "/y"))
    assert.equal("", words("ws /x\nws /y a\n", "/x"))
  end)

  it("is found after lines that are none", function()
    assert.equal(" b", words("\nws\nws \n \n /y\nGET\nws  /y\nws /y b", "/y"))
  end)

  it("does not take a word for a path, nor a path for a kind", function()
    assert.is_false(is_served("ws /a /b\n", "/b"))
    assert.is_false(is_served("ws /a /b\n", "/a /b"))
    assert.is_false(is_served("ws /a ws /b\n", "/b"))
    assert.is_false(is_found("ws /a\n", "ws /a", ""))
    assert.is_false(is_found("ws /a\n", "", "/a"))
  end)

  it("is of the kind that is asked for", function()
    local text = "ws /x a\nPOST /x b\nGET /{x} c\nws /y d\n"
    assert.equal(" a", words(text, "/x", "ws"))
    assert.equal(" b", words(text, "/x", "POST"))
    assert.equal(" c", words(text, "/x", "GET"))
    assert.equal(" d", words(text, "/y", "ws"))
    for _, kind in ipairs { "DELETE", "get", "WS", "w", "wss", "GE", "GETS", "POS" } do
      assert.is_nil(words(text, "/x", kind))
    end
    assert.is_nil(words(text, "/y", "POST"))
  end)

  it("answers HEAD as it answers GET, unless there is one for HEAD", function()
    assert.equal(" a", words("POST /x b\nGET /x a\n", "/x", "HEAD"))
    assert.equal(" h", words("GET /x a\nHEAD /x h\n", "/x", "HEAD"))
    assert.is_nil(words("POST /x b\nws /x a\nGET /y a\n", "/x", "HEAD"))
    assert.is_nil(words("HEAD /x h\n", "/x", "GET"))
  end)

  describe("with flags", function()
    local function flags(text)
      assert.is_true(is_served(text, "/ws"))
      return { auth = route.wants_auth, token = route.wants_token }
    end

    it("wants what they say, wherever they stand", function()
      assert.same({ auth = false, token = false }, flags "ws /ws")
      assert.same({ auth = true, token = false }, flags "ws /ws +auth")
      assert.same({ auth = false, token = true }, flags "ws /ws json +token\n")
      assert.same({ auth = true, token = true }, flags "ws /ws +token json +auth mqtt")
    end)

    it("wants nothing for another line, or another word", function()
      local text = "ws /a +auth +token\n" ..
        "ws /ws auth token +authx +aut +AUTH x+auth + +token, +later\nws /b +auth +token"
      assert.same({ auth = false, token = false }, flags(text))
    end)

    it("forgets those of the route found before", function()
      flags "ws /ws +auth +token"
      assert.same({ auth = false, token = false }, flags "ws /ws")
    end)

    it("does not speak them", function()
      flags "ws /ws +auth json +later"
      for _, name in ipairs { "+auth", "auth", "+later", "later", "+", "" } do
        assert.is_false(speaks(name), name)
      end
      assert.is_true(speaks "json")
    end)
  end)

  describe("with subprotocols", function()
    before_each(function()
      local text = "ws /a other\nGET /ws get\nws /ws moongate.v1.json mqtt  x\nws /b last\n"
      assert.is_true(is_served(text, "/ws"))
    end)

    it("speaks each that stands in its own line", function()
      assert.is_true(speaks "moongate.v1.json")
      assert.is_true(speaks "mqtt")
      assert.is_true(speaks "x")
    end)

    it("speaks no other", function()
      for _, name in ipairs {
        "", "other", "last", "get", "/ws", "ws", "m", "mqt", "mqttt", "qtt", "MQTT", "mqtt x",
        " mqtt", "x\n", " ", "moongate.v1.json mqtt", "moongate.v1",
      } do
        assert.is_false(speaks(name), name)
      end
    end)

    it("speaks none when its line names none", function()
      assert.is_true(is_served("ws /quiet\nws /ws mqtt\n", "/quiet"))
      assert.is_false(speaks "mqtt")
      assert.is_false(speaks "")
      assert.is_true(is_served("ws /quiet  \nws /ws mqtt\n", "/quiet"))
      assert.is_false(speaks "mqtt")
      assert.is_false(speaks "")
    end)
  end)

  describe("methods of a path", function()
    it("are none when it is not served, or only to WebSocket", function()
      assert.equal("", methods("GET /x\nws /y\n", "/y"))
      assert.equal("", methods("GET /x\nws /y\n", "/z"))
    end)

    it("come in the order of the table, each once", function()
      local text = "POST /x\nws /x\nDELETE /{a}\nPUT /y\nPOST /{b}\nPATCH /x +auth\n"
      assert.equal("POST, DELETE, PATCH", methods(text, "/x"))
      assert.equal("DELETE, PUT, POST", methods(text, "/y"))
      assert.equal("DELETE, POST", methods(text, "/z"))
    end)

    it("have HEAD after GET, once", function()
      assert.equal("GET, HEAD", methods("GET /x", "/x"))
      assert.equal("POST, GET, HEAD, PUT", methods("POST /x\nGET /x\nPUT /x\nGET /{a}\n", "/x"))
      assert.equal("GET, HEAD, POST", methods("GET /x\nPOST /x\nHEAD /x\n", "/x"))
      assert.equal("HEAD, GET", methods("HEAD /x\nGET /x\n", "/x"))
    end)

    it("tell apart those of which one begins like the other", function()
      assert.equal("LOCK, LO, LOCKS", methods("LOCK /x\nLO /x\nLOCKS /x\nLO /x\n", "/x"))
    end)

    it("are cut after the last that fits", function()
      local text = "GET /x\nPOST /x\nA /x\n"
      local whole = "GET, HEAD, POST, A"
      assert.equal(whole, methods(text, "/x", #whole + 1))
      for capacity = 1, #whole do
        local cut = methods(text, "/x", capacity)
        assert.is_true(#cut < capacity)
        assert.equal(cut, whole:sub(1, #cut))
        assert.is_true(cut == "" or whole:sub(#cut + 1, #cut + 1) == ",", cut)
      end
      assert.equal("GET", methods(text, "/x", 4))
      assert.equal("", methods(text, "/x", 3))
      assert.equal("GET, HEAD, POST", methods(text, "/x", #whole))
    end)
  end)

  it("stays within a garbled table, and finds only what stands in it", function()
    local PIECES = {
      "ws", "GET", " ", " ", "\n", "/", "/a", "{", "{x}", "}", " +auth", " json", "a", "\nws /a",
      "\nGET /{x}",
    }
    local PATHS = { "", "/", "/a", "/a/a", "//", "/{x}", "a", " " }
    local random = core.random(8001)
    local found = 0
    for _ = 1, 20000 do
      local pieces = {}
      for i = 1, random(0, 12) do pieces[i] = PIECES[random(1, #PIECES)] end
      local text, path = table.concat(pieces), PATHS[random(1, #PATHS)]
      local method_list = methods(text, path, random(1, 16))
      local kind = ({ "ws", "GET", "HEAD" })[random(1, 3)]
      local tail = words(text, path, kind)
      if tail then
        found = found + 1
        assert.is_truthy((text .. "\n"):find(tail .. "\n", 1, true), text)
        assert.equal((tail .. " "):find(" +auth ", 1, true) ~= nil, route.wants_auth, text)
        assert.is_false(speaks "")
        assert.equal((tail .. " "):find(" json ", 1, true) ~= nil, speaks "json", text)
      end
      for method in method_list:gmatch "[^,]+" do
        assert.is_not.equal("ws", method)
      end
      core.tidy()
    end
    assert.is_true(found > 200)
  end)
end)
