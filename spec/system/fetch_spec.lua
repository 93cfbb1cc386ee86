local fetcher = require "spec.support.fetcher"
local file = require "spec.support.file"
local origins = require "spec.support.origin"

local start, fetch, code_of = fetcher.start, fetcher.fetch, fetcher.code_of

local LONG = ("x"):rep(30000)

describe("gate:fetch", function()
  local house, origin

  setup(function() house = start("--fetch-allow", "127.0.0.0/8") end)
  teardown(function() house:stop() end)
  before_each(function() origin = origins.open() end)
  after_each(function() origin:close() end)

  it("asks as it was told, and brings back what came", function()
    local ended = fetch(house, origin:url "/a?b=c%20d#e", { headers = { ["X-One"] = "1",
      Empty = "" } })
    local visit = origin:take()
    assert.equal("GET /a?b=c%20d HTTP/1.1", visit.line)
    assert.equal("127.0.0.1:" .. origin.port, visit.headers.host)
    assert.equal("1", visit.headers["x-one"])
    assert.equal("", visit.headers.empty)
    assert.matches("^moongate/%d", visit.headers["user-agent"])
    assert.is_nil(visit.headers["content-length"])
    visit:answer(203, { ["X-Two"] = "2", ["Content-Type"] = "text/x" }, "hello")
    local answer = ended()
    assert.same({ 203, "hello", origin:url "/a?b=c%20d#e" },
      { answer.status, answer.body, answer.url })
    assert.same({ "2", "text/x", "5" }, { answer.headers["x-two"],
      answer.headers["content-type"], answer.headers["content-length"] })
  end)

  it("sends JSON and other bodies, and none where there is none", function()
    for _, case in ipairs {
      { { json = { a = 1 } }, "POST", '{"a":1}', "application/json", "7" },
      { { body = "text", method = "PUT" }, "PUT", "text", "text/plain; charset=utf-8", "4" },
      { { body = "x", headers = { ["Content-Type"] = "text/x" } }, "POST", "x", "text/x", "1" },
      { { method = "POST" }, "POST", "", nil, "0" },
      { { method = "DELETE" }, "DELETE", "", nil, nil },
      { { headers = { ["Content-Type"] = "text/x" } }, "GET", "", "text/x", nil },
      { { body = LONG }, "POST", LONG, "text/plain; charset=utf-8", "30000" },
    } do
      local ended = fetch(house, origin:url(), case[1])
      local visit = origin.visits[1] and origin.visits[1]:next() or origin:take()
      assert.same({ unpack(case, 2, 5) },
        { visit.method, visit.body, visit.headers["content-type"],
          visit.headers["content-length"] })
      visit:answer(200)
      assert.equal(200, ended().status)
    end
    assert.equal(1, #origin.visits) -- one connection has served them all
  end)

  it("asks with HEAD, which brings no body", function()
    local ended = fetch(house, origin:url(), { method = "HEAD" })
    local visit = origin:take()
    assert.equal("HEAD", visit.method)
    visit:send "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"
    local answer = ended()
    assert.same({ 200, 0, "5000000" },
      { answer.status, answer.bytes, answer.headers["content-length"] })
  end)

  it("takes no interim response for the answer", function()
    local ended = fetch(house, origin:url())
    origin:take():send("HTTP/1.1 103 Early Hints\r\nEarly: 1\r\n\r\n"
      .. "HTTP/1.1 200 OK\r\nLate: 1\r\nContent-Length: 2\r\n\r\nok")
    local answer = ended()
    assert.same({ 200, "ok", "1" }, { answer.status, answer.body, answer.headers.late })
    assert.is_nil(answer.headers.early)
  end)

  it("hears a refusal that comes while the body is still on its way", function()
    for _ = 1, 10 do
      local ended = fetch(house, origin:url(), { body = ("x"):rep(60000) })
      local visit = origin:take "without a request"
      visit.socket:receive "*l"
      visit:answer(413, { Connection = "close" }, "too long")
      visit.socket:close() -- with a reset: not all has been read
      local answer = ended()
      assert.same({ 413, "too long" }, { answer.status, answer.body })
    end
  end)

  describe("follows redirects", function()
    --- Answers one request after the other with these redirects, then with 200.
    local function lead(ended, steps)
      local visit
      for _, step in ipairs(steps) do
        visit = visit and visit:next() or origin:take()
        visit:answer(step[1], { Location = step[2] })
      end
      visit = visit:next() or origin:take()
      visit:answer(200, {}, "there")
      return visit, ended()
    end

    for status, method in pairs { [301] = "GET", [302] = "GET", [303] = "GET", [307] = "POST",
      [308] = "POST" } do
      it(("of status %d with %s after a POST"):format(status, method), function()
        local visit, answer = lead(fetch(house, origin:url "/one/two", { body = "x",
          headers = { ["X-One"] = "1", Authorization = "me" } }), { { status, "three?4" } })
        assert.same({ method, "/one/three?4", method == "POST" and "x" or "" },
          { visit.method, visit.path, visit.body })
        assert.same({ "1", "me" }, { visit.headers["x-one"], visit.headers.authorization })
        assert.equal(method == "POST" and "text/plain; charset=utf-8" or nil,
          visit.headers["content-type"])
        assert.same({ "there", origin:url "/one/three?4" }, { answer.body, answer.url })
      end)
    end

    it("five times, and not once more", function()
      local step = { 302, "/x" }
      local _, answer = lead(fetch(house, origin:url()), { step, step, step, step, step })
      assert.equal(200, answer.status)
      local ended = fetch(house, origin:url())
      local visit = origin.visits[1]
      for _ = 1, 6 do visit:next():answer(302, { Location = "/x" }) end
      assert.equal("redirects", ended().code)
    end)

    it("as often as the script allows, or not at all", function()
      local ended = fetch(house, origin:url(), { redirects = 1 })
      origin:take():answer(302, { Location = "/x" })
      origin.visits[1]:next():answer(302, { Location = "/x" })
      assert.equal("redirects", ended().code)
      ended = fetch(house, origin:url(), { redirects = 0 })
      origin.visits[1]:next():answer(302, { Location = "/x" })
      local answer = ended()
      assert.same({ 302, "/x" }, { answer.status, answer.headers.location })
    end)

    it("without credentials once they lead to another site, there and back", function()
      local ended = fetch(house, origin:url(), { headers = { Authorization = "me", COOKIE = "a=b",
        ["X-One"] = "1" } })
      local here = origin:take()
      assert.same({ "me", "a=b" }, { here.headers.authorization, here.headers.cookie })
      here:answer(307, { Location = origin:url("/", "127.0.0.2") })
      local there = origin:take()
      assert.same({ "1" }, { there.headers["x-one"], there.headers.authorization,
        there.headers.cookie })
      there:answer(307, { Location = origin:url "/" })
      here:next()
      assert.same({ "1" }, { here.headers["x-one"], here.headers.authorization,
        here.headers.cookie })
      here:answer(200)
      assert.equal(200, ended().status)
    end)

    for _, url in ipairs { "ftp://127.0.0.1/", "file:///etc/passwd", "http://me:secret@127.0.0.1/",
      "http://", "gopher://127.0.0.1:70/" } do
      it("but not to " .. url, function()
        local ended = fetch(house, origin:url())
        origin:take():answer(302, { Location = url })
        assert.equal("redirects", ended().code)
      end)
    end
  end)

  describe("has a limit for the body:", function()
    it("as long as it may be it is whole, longer it is an error", function()
      for _, limit in ipairs { 1, 1000, 262144, 262145, 1048576, 4194304 } do
        local ended = fetch(house, origin:url(), { max_bytes = limit })
        local visit = origin.visits[1] and origin.visits[1]:next() or origin:take()
        visit:answer(200, {}, ("x"):rep(limit))
        assert.equal(limit, ended().bytes)
      end
      local ended = fetch(house, origin:url(), { max_bytes = 1000 })
      origin.visits[1]:next():answer(200, {}, ("x"):rep(1001))
      assert.equal("too_big", ended().code)
    end)

    it("1 MiB when the script says nothing", function()
      local ended = fetch(house, origin:url())
      origin:take():answer(200, {}, ("x"):rep(1048576))
      assert.equal(1048576, ended().bytes)
      ended = fetch(house, origin:url())
      origin.visits[1]:next():answer(200, {}, ("x"):rep(1048577))
      assert.equal("too_big", ended().code)
    end)

    it("also of one without a length", function()
      local ended = fetch(house, origin:url(), { max_bytes = 10 })
      origin:take():send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. "6\r\n123456\r\n6\r\n123456\r\n0\r\n\r\n")
      assert.equal("too_big", ended().code)
    end)

    it("and counts what comes out of a compressed one", function()
      local bomb = file.output "head -c 2000000 /dev/zero | gzip -c"
      assert.is_true(#bomb < 5000)
      local ended = fetch(house, origin:url(), { max_bytes = 1999999 })
      local visit = origin:take()
      assert.truthy(visit.headers["accept-encoding"]:find "gzip")
      visit:answer(200, { ["Content-Encoding"] = "gzip" }, bomb)
      assert.equal("too_big", ended().code)
      ended = fetch(house, origin:url(), { max_bytes = 2000000 })
      origin:take():answer(200, { ["Content-Encoding"] = "gzip" }, bomb)
      assert.equal(2000000, ended().bytes)
    end)

    it("and one for the headers", function()
      local ended = fetch(house, origin:url())
      local headers = {}
      for i = 1, 33 do headers["X-" .. i] = ("x"):rep(1000) end
      origin:take():answer(200, headers)
      assert.equal("too_big", ended().code)
    end)
  end)

  describe("fails", function()
    it("when nothing comes in time", function()
      local ended = fetch(house, origin:url(), { timeout_ms = 300 })
      local visit = origin:take()
      assert.equal("timeout", ended().code)
      assert.is_true(visit:is_left())
    end)

    it("when the end does not come in time, redirects included", function()
      local ended = fetch(house, origin:url(), { timeout_ms = 1000 })
      origin:take():answer(302, { Location = "/x" })
      origin.visits[1]:next():send "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234"
      assert.equal("timeout", ended().code)
    end)

    it("when nobody listens", function()
      local url = origin:url()
      origin:close()
      assert.equal("connect", code_of(house, url))
    end)

    it("when the name leads nowhere", function() -- too long for any: no network is asked
      assert.equal("dns", code_of(house, ("http://%s.example/"):format(("a"):rep(64))))
    end)

    for what, bytes in pairs {
      ["no HTTP"] = "SSH-2.0-nobody\r\n",
      ["nothing"] = "",
      ["less than was announced"] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n123",
      ["a chunk that is none"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      ["a body that is not compressed"] =
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    } do
      it("when what comes is " .. what, function()
        local ended = fetch(house, origin:url())
        local visit = origin:take()
        visit:send(bytes)
        visit.socket:close()
        assert.equal("protocol", ended().code)
      end)
    end

    for _, url in ipairs { "", "x", "/x", "127.0.0.1", "http://", "ftp://127.0.0.1/",
      "file:///etc/passwd", "http://127.0.0.1/a b", "http://me:secret@127.0.0.1/",
      "http://me@127.0.0.1/", "http://127.0.0.1:99999/", "http://a\nb/", "javascript:x" } do
      it(("with the URL %q"):format(url), function()
        assert.equal("bad_url", code_of(house, url))
      end)
    end
  end)
end)
