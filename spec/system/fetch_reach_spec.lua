--- Whom fetches may reach, and whom they trust.
local fetcher = require "spec.support.fetcher"
local origins = require "spec.support.origin"
local server = require "spec.support.server"

local start, fetch, code_of = fetcher.start, fetcher.fetch, fetcher.code_of

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

describe("a server that fetches", function()
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
