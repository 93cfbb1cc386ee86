local client = require "spec.support.client"
local json = require "cjson"
local origins = require "spec.support.origin"
local server = require "spec.support.server"

-- What is fetched is said by the client, and what came of it goes back to it.
local APP = [[return function(gate)
  local function fetch(asked)
    local response, code, text = gate:fetch(asked.url, asked.options)
    if not response then return { code = code, text = text } end
    return { status = response.status, headers = response.headers, url = response.url,
      body = #response.body < 1000 and response.body or nil, bytes = #response.body }
  end
  gate:http("POST", "/fetch", function(request) return fetch(request:json()) end)
  gate:http("GET", "/alive", function() return "yes" end)
  gate:on("fetch", function(conn, message)
    local answer = fetch(message.data)
    conn:send(gate.json.encode { type = "fetched", data = answer })
    return answer
  end)
  local codes = {}
  gate:http("POST", "/flood", function(request)
    local asked = request:json()
    for _ = 1, asked.count do
      gate:spawn(function()
        local code = fetch(asked).code or "ok"
        codes[code] = (codes[code] or 0) + 1
      end)
    end
    return codes
  end)
  gate:http("GET", "/codes", function() return codes end)
end]]

local LONG = ("x"):rep(30000)

local function start(...)
  return server.start { plugins = { api = APP }, arguments = { "--http-timeout-ms", "60000", ... } }
end

--- Sends a request to the server; returns what reads the answer.
local function begin(house, method, path, value)
  local body = value and json.encode(value) or ""
  local stream = assert(client.open(house.port))
  assert(stream:send(("%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s")
    :format(method, path, #body, body)))
  return function()
    local response = client.request(house.port, "", nil, stream)
    local length = tonumber(response.head:match "[Cc]ontent%-[Ll]ength: (%d+)")
    local text = assert(stream:receive(length))
    stream:close()
    assert(response.status == 200, text)
    return text
  end
end

--- Begins a fetch; returns what waits for its end.
local function fetch(house, url, options)
  local read = begin(house, "POST", "/fetch", { url = url, options = options })
  return function() return json.decode(read()) end
end

local function code_of(house, url, options) return fetch(house, url, options)().code end

local function series(house, name) return function() return house:metrics()[name] end end

--- Waits until a metric has the value.
local function shows(house, name, value)
  server.eventually(name .. " " .. value, function() return series(house, name)() == value end)
end

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
      local pipe = io.popen "head -c 2000000 /dev/zero | gzip -c"
      local bomb = pipe:read "*a"
      pipe:close()
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

  describe("leaves everybody else in peace", function()
    it("while the other side says nothing", function()
      local ended = fetch(house, origin:url())
      local visit = origin:take()
      for _ = 1, 20 do assert.equal("yes", begin(house, "GET", "/alive")()) end
      visit:answer(200)
      assert.equal(200, ended().status)
    end)

    it("while a TLS handshake does not go on", function()
      local ended = fetch(house, (origin:url():gsub("^http", "https")))
      local visit = origin:take "without a request"
      for _ = 1, 20 do assert.equal("yes", begin(house, "GET", "/alive")()) end
      visit.socket:close()
      assert.equal("tls", ended().code)
    end)
  end)

  it("is given up when the client has gone", function()
    local before = house:metrics()['moongate_fetched_total{outcome="aborted"}']
    local ann = client.guest(house.port, "ann")
    ann:says { type = "fetch", id = 1, data = { url = origin:url() } }
    local visit = origin:take()
    ann:cut()
    assert.is_true(visit:is_left())
    shows(house, 'moongate_fetched_total{outcome="aborted"}', before + 1)
  end)

  it("is done 8 at a time for one host; the others wait, in order", function()
    local ended = {}
    for i = 1, 8 do ended[i] = fetch(house, origin:url "/first") end
    for _ = 1, 8 do origin:take() end
    ended[9] = fetch(house, origin:url "/ninth")
    shows(house, 'moongate_fetches{state="waiting"}', 1)
    ended[10] = fetch(house, origin:url "/tenth")
    shows(house, 'moongate_fetches{state="waiting"}', 2)
    assert.is_true(origin:is_alone())
    local elsewhere = fetch(house, origin:url("/", "127.0.0.2"))
    origin:take():answer(200)
    assert.equal(200, elsewhere().status)
    local visit = origin.visits[5]
    visit:answer(200)
    assert.equal("/ninth", visit:next().path)
    visit:answer(200)
    assert.equal("/tenth", visit:next().path)
    for i = 1, 8 do origin.visits[i]:answer(200) end
    for i = 1, 10 do assert.equal(200, ended[i]().status) end
    shows(house, 'moongate_fetches{state="running"}', 0)
  end)

  it("is done 64 at a time in all", function()
    local ended = {}
    for host = 1, 9 do
      for _ = 1, 8 do
        ended[#ended + 1] = fetch(house, origin:url("/", "127.0.0." .. host))
      end
    end
    shows(house, 'moongate_fetches{state="running"}', 64)
    shows(house, 'moongate_fetches{state="waiting"}', 8)
    for _ = 1, 64 do origin:take() end
    assert.is_true(origin:is_alone())
    for i = 1, 64 do origin.visits[i]:answer(200, { Connection = "close" }) end
    for _ = 1, 8 do origin:take():answer(200, { Connection = "close" }) end
    for i = 1, 72 do assert.equal(200, ended[i]().status) end
  end)

  it("waits no longer than it may, even for its turn", function()
    local ended = {}
    for i = 1, 8 do ended[i] = fetch(house, origin:url()) end
    for _ = 1, 8 do origin:take() end
    local answer = fetch(house, origin:url(), { timeout_ms = 50 })()
    assert.equal("timeout", answer.code)
    assert.matches("had to wait", answer.text)
    for i = 1, 8 do origin.visits[i]:answer(200) end
    for i = 1, 8 do assert.equal(200, ended[i]().status) end
  end)

  it("is refused when 1024 wait", function()
    begin(house, "POST", "/flood", { count = 8 + 1024 + 5, url = origin:url(),
      options = { timeout_ms = 120000 } })()
    server.eventually("five refusals", function()
      return json.decode(begin(house, "GET", "/codes")()).full == 5
    end)
    shows(house, 'moongate_fetches{state="waiting"}', 1024)
    origin:close() -- those under way fail, and no others come through
    server.eventually("the end of all", function()
      local codes = json.decode(begin(house, "GET", "/codes")())
      return (codes.connect or 0) + (codes.protocol or 0) == 1032
    end)
    shows(house, 'moongate_fetches{state="waiting"}', 0)
  end)

  it("counts what it does", function()
    local before = house:metrics()
    local function grown(name) return house:metrics()[name] - before[name] end
    local ended = fetch(house, origin:url(), { body = "12345" })
    origin:take():answer(404, {}, "123")
    ended()
    shows(house, 'moongate_fetched_total{outcome="ok"}',
      before['moongate_fetched_total{outcome="ok"}'] + 1)
    assert.equal(5, grown 'moongate_fetch_bytes_total{direction="sent"}')
    assert.equal(3, grown 'moongate_fetch_bytes_total{direction="received"}')
    assert.equal(1, grown "moongate_fetch_seconds_count")
  end)
end)

describe("gate:fetch reaches", function()
  local origin

  before_each(function() origin = origins.open() end)
  after_each(function() origin:close() end)

  it("nothing of this machine and its neighbours, however it is written", function()
    local house = start()
    for _, host in ipairs { "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0",
      "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "10.0.0.1",
      "169.254.169.254", "192.168.1.1", "100.64.0.1", "[fd00::1]", "[fe80::1]", "224.0.0.1" } do
      local answer = fetch(house, origin:url("/", host))()
      assert.equal("refused_address", answer.code, host)
      assert.matches("is not public", answer.text)
    end
    assert.is_true(origin:is_alone())
    house:stop()
  end)

  it("what is allowed, and nothing beside it, through redirects neither", function()
    local house = start("--fetch-allow", "127.0.0.1, 127.0.1.0/24")
    for _, host in ipairs { "127.0.0.1", "127.0.1.5" } do
      local ended = fetch(house, origin:url("/", host))
      origin:take():answer(200)
      assert.equal(200, ended().status)
    end
    assert.equal("refused_address", code_of(house, origin:url("/", "127.0.0.2")))
    local ended = fetch(house, origin:url())
    origin.visits[1]:next():answer(302, { Location = origin:url("/", "127.0.0.2") })
    assert.equal("refused_address", ended().code)
    assert.is_true(origin:is_alone())
    house:stop()
  end)

  it("everything with a star", function()
    local house = start("--fetch-allow", "*")
    local ended = fetch(house, origin:url("/", "127.3.2.1"))
    origin:take():answer(200)
    assert.equal(200, ended().status)
    house:stop()
  end)

  it("others without the proxy of the environment, and with the one of the operator", function()
    local setenv = require("posix.stdlib").setenv
    local proxy = origins.open()
    for _, name in ipairs { "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY" } do
      setenv(name, proxy:url())
    end
    setenv("no_proxy", "*")
    local house = start("--fetch-allow", "127.0.0.1")
    local proxied = start("--fetch-proxy", proxy:url())
    for _, name in ipairs { "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy" } do
      setenv(name, nil)
    end
    local ended = fetch(house, origin:url())
    origin:take():answer(200)
    assert.equal(200, ended().status)
    assert.is_true(proxy:is_alone())
    ended = fetch(proxied, "http://a.invalid/x")
    local visit = proxy:take()
    assert.equal("GET http://a.invalid/x HTTP/1.1", visit.line)
    visit:answer(200, {}, "by proxy")
    assert.equal("by proxy", ended().body)
    house:stop()
    proxied:stop()
    proxy:close()
  end)
end)

describe("gate:fetch over TLS", function()
  local ORIGIN = [[return function(gate)
    gate:http("GET", "/hello", function() return "hello" end)
    gate:http("GET", "/down/{port}", function(request)
      return "", 302, { Location = "http://127.0.0.1:" .. request.params.port .. "/" }
    end)
    gate:http("GET", "/on", function() return "", 302, { Location = "/hello" } end)
  end]]
  local secure

  local function url(path, host)
    return ("https://%s:%d%s"):format(host or "127.0.0.1", secure.port, path)
  end

  setup(function()
    secure = server.start { plugins = { origin = ORIGIN }, tls = true,
      arguments = { "--host", "0.0.0.0" } }
  end)
  teardown(function() secure:stop() end)

  it("trusts nobody without a certificate of a known authority", function()
    local house = start("--fetch-allow", "127.0.0.0/8")
    local answer = fetch(house, url "/hello")()
    assert.equal("tls", answer.code)
    assert.matches("certificate", answer.text)
    house:stop()
  end)

  it("trusts those whom the operator trusts, under their own names", function()
    local house = start("--fetch-allow", "127.0.0.0/8", "--fetch-ca", secure.cert)
    assert.equal("hello", fetch(house, url "/hello")().body)
    assert.equal("hello", fetch(house, url("/hello", "localhost"))().body)
    assert.equal("tls", code_of(house, url("/hello", "127.0.0.2")))
    house:stop()
  end)

  it("follows redirects to https, and none to http", function()
    local origin = origins.open()
    local house = start("--fetch-allow", "127.0.0.0/8", "--fetch-ca", secure.cert)
    assert.equal("hello", fetch(house, url "/on")().body)
    local answer = fetch(house, url("/down/" .. origin.port))()
    assert.same({ "redirects", "a redirect from https to http" }, { answer.code, answer.text })
    local ended = fetch(house, origin:url())
    origin:take():answer(301, { Location = url "/hello" })
    assert.equal("hello", ended().body)
    ended = fetch(house, origin:url())
    origin.visits[1]:next():answer(301, { Location = url("/down/" .. origin.port) })
    assert.equal("redirects", ended().code)
    house:stop()
    origin:close()
  end)
end)

describe("gate:fetch under load", function()
  local LOAD = [[return function(gate)
    gate:http("GET", "/load", function()
      local body, whole, works = ("x"):rep(250000), 0, {}
      for i = 1, 200 do
        works[i] = function()
          local url, response = ("http://127.0.0.%%d:%d/"):format(i %% 9 + 1), nil
          repeat -- a server that has too much to do answers 503
            response = gate:fetch(url, { body = body, timeout_ms = 60000 })
          until response and response.status == 200
          if response.body == body then whole = whole + 1 end
        end
      end
      gate:gather(unpack(works))
      return { whole = whole }
    end)
  end]]

  it("carries large bodies both ways at once", function()
    local mirror = server.start { tls = false, arguments = { "--max-body-bytes", "262144",
      "--host", "0.0.0.0" }, plugins = { mirror = [[return function(gate)
        gate:http("POST", "/", function(request) return request.body end)
      end]] } }
    local house = server.start { plugins = { load = LOAD:format(mirror.port) },
      arguments = { "--fetch-allow", "127.0.0.0/8", "--http-timeout-ms", "60000" } }
    assert.same({ whole = 200 }, json.decode(begin(house, "GET", "/load")()))
    house:stop()
    mirror:stop()
  end)
end)

describe("a server that fetches", function()
  it("stops while fetches are under way and wait", function()
    local origin = origins.open()
    local house = start("--fetch-allow", "127.0.0.0/8")
    begin(house, "POST", "/flood", { count = 20, url = origin:url(),
      options = { timeout_ms = 120000 } })()
    for _ = 1, 8 do origin:take() end
    house:stop()
    for i = 1, 8 do assert.is_true(origin.visits[i]:is_left()) end
    assert.is_true(origin:is_alone())
    origin:close()
  end)

  for _, case in ipairs {
    { "--fetch-allow", "10.0.0.0/8, house", "house: expected addresses or networks" },
    { "--fetch-allow", "10.0.0.1/8", "expected addresses or networks" },
    { "--fetch-ca", "/nowhere.pem", "/nowhere.pem: No such file or directory" },
    { "--fetch-proxy", "proxy:3128", "expected a URL, as http://proxy.example:3128" },
    { "--fetch-proxy", "http://", "expected a URL, as http://proxy.example:3128" },
  } do
    it(("does not start with %s %s"):format(case[1], case[2]), function()
      local status, _, err = server.run_to_end { "run", case[1], case[2], "scripts" }
      assert.equal(2, status)
      assert.truthy(err:find("moongate: " .. case[1], 1, true), err)
      assert.truthy(err:find(case[3], 1, true), err)
    end)
  end
end)
