local fake_gate = require "spec.support.fake_gate"

describe("http", function()
  local gate

  --- A gate whose GET (and POST) /a is answered by this body of a function.
  local function load(body, path)
    gate = fake_gate.load { a = ([[return function(gate)
      local function answer(request) %s end
      gate:http("GET", %q, answer)
      gate:http("POST", %q, answer)
    end]]):format(body, path or "/a", path or "/a") }
  end

  local function get(body)
    load(body)
    return gate:http("GET", "/a")
  end

  local function state_of() return gate.world.state.of "a" end

  --- What a plugin saw of a request.
  local function seen(...)
    load("gate.state.request = request return request.body", "/a/{name}")
    gate:http(...)
    return state_of().request
  end

  describe("request", function()
    it("has what the client has sent", function()
      local request = seen("POST", "/a/tea?x=1&y=2", { body = "hello\0you",
        content_type = "text/plain", authorization = "Bearer k", address = "::1",
        host = "a.example" })
      assert.equal("POST", request.method)
      assert.equal("/a/tea", request.path)
      assert.equal("x=1&y=2", request.query)
      assert.same({ name = "tea" }, request.params)
      assert.equal("text/plain", request.content_type)
      assert.equal("Bearer k", request.authorization)
      assert.equal("::1", request.address)
      assert.equal("a.example", request.host)
      assert.equal("hello\0you", request.body)
    end)

    it("has nil for what the client has not sent", function()
      local request = seen("GET", "/a/tea")
      assert.is_nil(request.content_type)
      assert.is_nil(request.authorization)
      assert.equal("", request.query)
      assert.same({}, request.args)
      assert.equal("", request.body)
    end)

    it("has the parts of the query by name, of several the last", function()
      local query = "a=1&b=x y+z&a=2&c&=d&&e=f=g&i=%zz%"
      assert.same({ a = "2", b = "x y+z", c = "", [""] = "d", e = "f=g", i = "%zz%" },
        seen("GET", "/a/tea?" .. query).args)
    end)

    it("has each part in one piece, whatever the client has put into it", function()
      local request = seen("GET", "/a/tea?q=x%26admin=1&%26a%3db=%00%C3%b6&c=%2526")
      assert.equal("q=x%26admin=1&%26a%3db=%00%C3%b6&c=%2526", request.query)
      assert.same({ q = "x&admin=1", ["&a=b"] = "\0\195\182", c = "%26" }, request.args)
    end)

    it("has JSON, or a reason why not", function()
      local request = seen("POST", "/a/tea", { body = '{"n":[1]}' })
      assert.same({ n = { 1 } }, request:json())
      for _, body in ipairs { "", "{", "hello", '{"text":"\255"}' } do
        local value, reason = seen("POST", "/a/tea", { body = body }):json()
        assert.is_nil(value)
        assert.is_string(reason)
      end
    end)

    it("of HEAD comes to the handler of GET", function()
      load "return request.method"
      assert.equal("HEAD", gate:http("HEAD", "/a").body)
    end)

    it("is not found when nothing serves it any more", function()
      load "return 'never'"
      for _, response in ipairs { gate:http("GET", "/b"), gate:http("DELETE", "/a") } do
        assert.equal(404, response.status)
        assert.same({ error = "not_found" }, response.data)
      end
    end)
  end)

  describe("response", function()
    local function answered(body, status, headers, bytes)
      local response = get(body)
      assert.same({ status, headers, bytes },
        { response.status, response.headers, response.body }, body)
      assert.equal(1, #gate.core:issued "respond")
    end

    local TEXT = { ["Content-Type"] = "text/plain; charset=utf-8" }
    local JSON = { ["Content-Type"] = "application/json" }

    it("is text for a string, JSON for a table, empty for nil", function()
      answered("return 'tea'", 200, TEXT, "tea")
      answered("return ''", 200, TEXT, "")
      answered("return { n = 1 }", 200, JSON, '{"n":1}')
      answered("return {}", 200, JSON, "{}")
      answered("return gate.json.list {}", 200, JSON, "[]")
      answered("return", 204, {}, "")
    end)

    it("has the status that was returned", function()
      answered("return 'tea', 201", 201, TEXT, "tea")
      answered("return { error = 'x' }, 404", 404, JSON, '{"error":"x"}')
      answered("return nil, 599", 599, {}, "")
    end)

    it("has the headers that were returned", function()
      answered("return nil, 302, { Location = '/b', ['Retry-After'] = 5 }", 302,
        { Location = "/b", ["Retry-After"] = "5" }, "")
      answered("return '<p>', nil, { ['content-type'] = 'text/html' }", 200,
        { ["content-type"] = "text/html" }, "<p>")
    end)

    it("has no body where HTTP has none", function()
      answered("return 'x', 204", 204, {}, "")
      answered("return { 1 }, 304", 304, {}, "")
    end)

    it("comes when the handler has slept enough, in any order", function()
      load "gate:sleep(tonumber(request.args.ms)) return request.args.ms"
      local slow, fast = gate:http("GET", "/a?ms=20"), gate:http("GET", "/a?ms=10")
      assert.is_false(slow.is_given)
      gate:later(10)
      assert.equal("10", fast.body)
      assert.is_false(slow.is_given)
      gate:later(10)
      assert.equal("20", slow.body)
    end)

    it("comes from the old code when a reload comes first", function()
      load "gate:sleep(10) return 'old'"
      local response = gate:http("GET", "/a")
      assert(gate:reload { a = "return function() end" })
      gate:later(10)
      assert.equal("old", response.body)
    end)
  end)

  describe("failure", function()
    --- The client hears internal and nothing more, the log says why.
    local function failed(body, why)
      local response = get(body)
      assert.equal(500, response.status, body)
      assert.same({ error = "internal" }, response.data)
      local text, level = gate:logged(why)
      assert.equal("error", level, body)
      assert.matches("^a#1: GET /a: ", text)
      local accepted = 0
      for _, command in ipairs(gate.core:issued "respond") do
        if command.status == 0 then accepted = accepted + 1 end
      end
      assert.equal(1, accepted)
    end

    it("of the handler is internal, and logged with its traceback", function()
      failed("error 'ouch'", "a.lua:2: ouch\nstack traceback:")
      failed("error { code = 7 }", "a.lua:2: raised a table, not a message\nstack traceback:")
    end)

    it("is a body that is none", function()
      failed("return 7", "a body is a string or a table, not a number")
      failed("return true", "a body is a string or a table, not a boolean")
      failed("return { f = print }", "cannot encode the body: ")
    end)

    it("is a status that is none", function()
      for _, status in ipairs { "'not_found'", "199", "600", "200.5", "0/0", "101", "false" } do
        failed("return 'x', " .. status, "a status is a number from 200 to 599, not ")
      end
    end)

    it("is a header that is none", function()
      failed("return 'x', 200, 'h'", "headers: expected a table, got a string")
      failed("return 'x', 200, { 'h' }", '"1" cannot be the name of a header')
      failed("return 'x', 200, { [''] = 'h' }", '"" cannot be the name of a header')
      failed("return 'x', 200, { ['A: b'] = 'h' }", '"A: b" cannot be the name of a header')
      failed("return 'x', 200, { A = true }", "headers: A is one line of text")
      failed("return 'x', 200, { A = {} }", "headers: A is one line of text")
    end)

    it("is a header that would be two", function()
      failed("return 'x', 200, { A = 'b\\r\\nC: d' }", "headers: A is one line of text")
      failed("return 'x', 200, { A = 'b\\nC: d' }", "headers: A is one line of text")
      failed("return 'x', 200, { ['A: b\\r\\nC'] = 'd' }", "cannot be the name of a header")
    end)

    it("is a header that the server writes itself", function()
      failed("return 'x', 200, { ['Content-Length'] = 7 }", "a header that is not for scripts")
    end)

    it("is a response that is too big", function()
      failed("return ('x'):rep(458752)",
        "bytes with its headers, at most 458752 are sent")
    end)

    it("to hand it on is logged when too much waits", function()
      load "return 'x'"
      gate.core.answers.moon_respond = gate.core.C.MOON_EFULL
      assert.is_false(gate:http("GET", "/a").is_given)
      assert.equal("warn", (select(2, gate:logged "GET /a: too much waits")))
    end)

    it("to hand it on is no matter when the client has gone", function()
      load "return 'x'"
      gate.core.answers.moon_respond = gate.core.C.MOON_EGONE
      gate:http("GET", "/a")
      assert.equal(1, #gate.core:issued "respond")
      assert.equal(1, #gate.log) -- "generation 1"
    end)
  end)

  it("is answered by the generation in force", function()
    local source = [[return function(gate)
      gate:http("GET", "/which", function() return { n = %d } end)
    end]]
    gate = fake_gate.load { a = source:format(1) }
    assert.same({ n = 1 }, gate:http("GET", "/which").data)
    assert(gate:reload { a = source:format(2) })
    assert.same({ n = 2 }, gate:http("GET", "/which").data)
  end)

  it("is cancelled a second after the core has answered 504", function()
    get "gate:sleep(100000)"
    gate:later(gate.core.facts.http_timeout_ms + 3000)
    assert.is_truthy(gate:logged "GET /a: cancelled: not done within 11000 ms")
  end)

  it("has one handler for a method and a path, beside WebSockets", function()
    gate = fake_gate.load { a = [[return function(gate)
      gate:raw("/a", {})
      gate:http("GET", "/a", function() return "got" end)
      gate:http("POST", "/a", function() return "posted" end)
    end]] }
    assert.equal("got", gate:http("GET", "/a").body)
    assert.equal("posted", gate:http("POST", "/a").body)
    local ok, problem = pcall(fake_gate.load, { a = [[return function(gate)
      gate:http("GET", "/a", print)
      gate:http("GET", "/a", print)
    end]] })
    assert.is_false(ok)
    assert.matches('a.lua:3: "GET /a" is already served by a', problem)
  end)

  it("lets 1024 handlers wait at once, and tells others to come again", function()
    load "gate:sleep(10) if request.args.fails then error 'ouch' end return 'x'"
    local first = gate:http("GET", "/a?fails")
    for _ = 2, 1024 do gate:http("GET", "/a") end
    local over = gate:http("GET", "/a")
    assert.equal(503, over.status)
    assert.equal("1", over.headers["Retry-After"])
    assert.same({ error = "too_many_requests" }, over.data)
    gate:later(10)
    assert.equal(500, first.status)
    for _ = 1, 1024 do assert.is_false(gate:http("GET", "/a").is_given) end
    assert.equal(503, gate:http("GET", "/a").status)
  end)

  describe("place", function()
    local TIMEOUT_MS = 10000 -- of the fake core

    before_each(function()
      load "gate:sleep(tonumber(request.args.ms)) return request.args.ms"
    end)

    --- That many requests come in, whose handlers sleep as long.
    local function begin(count, sleep_ms)
      local responses = {}
      for i = 1, count do
        responses[i] = gate:http("GET", "/a?ms=" .. sleep_ms)
        assert.is_false(responses[i].is_given)
      end
      return responses
    end

    local function assert_none_free()
      assert.equal(503, gate:http("GET", "/a?ms=1").status)
    end

    it("is free again when the core has answered 504, though the handler never returns", function()
      begin(1024, 1e9)
      gate:later(TIMEOUT_MS - 1)
      assert_none_free()
      gate:later(1)
      begin(1024, 1e9)
      assert_none_free()
    end)

    it("is kept by those that came later", function()
      begin(256, 1e9)
      begin(256, 6000) -- these return
      gate:later(5000)
      begin(512, 1e9)
      assert_none_free()
      gate:later(TIMEOUT_MS - 5000)
      begin(512, 1e9)
      assert_none_free()
    end)

    it("is kept as long as the core waits", function()
      gate.core.facts.http_timeout_ms = 50
      begin(1024, 1e9)
      gate:later(49)
      assert_none_free()
      gate:later(1)
      begin(1024, 1e9)
    end)

    it("is free once, also when the handler returns after all", function()
      local late = begin(1024, TIMEOUT_MS + 2000)
      gate:later(TIMEOUT_MS)
      begin(1024, 1e9)
      gate:later(2000)
      for _, response in ipairs(late) do assert.equal("12000", response.body) end
      assert_none_free()
    end)
  end)
end)
