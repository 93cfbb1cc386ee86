--- Many fetches at once, and what becomes of those who wait.
local client = require "spec.support.client"
local fetcher = require "spec.support.fetcher"
local json = require "cjson"
local origins = require "spec.support.origin"
local server = require "spec.support.server"

local start, begin, fetch, shows = fetcher.start, fetcher.begin, fetcher.fetch, fetcher.shows

describe("gate:fetch", function()
  local house, origin

  setup(function() house = start("--fetch-allow", "127.0.0.0/8") end)
  teardown(function() house:stop() end)
  before_each(function() origin = origins.open() end)
  after_each(function() origin:close() end)

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
      is_patient = true,
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
end)
