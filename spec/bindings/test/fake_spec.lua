local testing = require "spec.support.testing"

describe("gate of a test in this process", function()
  it("says why an app does not load", function()
    local gate, problem = testing.gate { a = "return function(gate) gate:fly() end" }
    assert.is_nil(gate)
    assert.matches("^/no/such/folder/a.lua:1: attempt to call method 'fly'", problem)
    assert.matches('plugin "b": there is no file /no/such/folder/b.lua',
      select(2, testing.gate { "b" }))
  end)

  it("has what a plugin needs, and what that needs", function()
    local gate = testing.gate { a = 'return function(gate) gate:needs "rooms" end' }
    assert.same({ "moongate_test_door", "auth", "rooms", "a", "router" }, gate:registry().names)
    assert.same({ "info plugin: generation 1: moongate_test_door, auth, rooms, a, router" },
      gate:log())
  end)

  it("gives each gate a world of its own", function()
    local count = { { "a", capabilities = { "store" } }, a = [[return function(gate)
      gate:on("count", function()
        gate.state.n = (gate.state.n or 0) + 1
        gate.store:put("n", (gate.store:get "n" or 0) + 1)
        return { gate.state.n, gate.store:get "n" }
      end)
    end]] }
    local one, other = testing.gate(count):connect(), testing.gate(count):connect()
    one:ask "count"
    assert.same({ 2, 2 }, one:ask "count")
    assert.same({ 1, 1 }, other:ask "count")
  end)

  it("prints what plugins print, and logs it", function()
    local real, printed = print, {}
    _G.print = function(text) printed[#printed + 1] = text end -- luacheck: ignore
    local gate = testing.gate { a = "return function() print('a', 1) end" }
    _G.print = real -- luacheck: ignore
    assert.same({ "a\t1" }, printed)
    assert.equal("info a#1: a\t1", gate:log()[1])
  end)

  it("has the server's methods of strings while a plugin runs, and only then", function()
    local own = getmetatable("").__index
    local gate = testing.gate { a = [[return function(gate)
      gate:on("long", function(_, message)
        if message.wait then gate:sleep(5) end
        local ok, problem = pcall(function() return #("x"):rep(2000000) end)
        return { ok, problem, ("").dump ~= nil }
      end)
      gate:on("fails", function() return ("x"):rep(2000000) end)
    end]] }
    local conn = gate:connect()
    for _, wait in ipairs { false, true } do
      conn:send("long", { wait = wait })
      assert.equal(own, getmetatable("").__index)
      assert.equal(2000000, #("x"):rep(2000000))
      local reply = conn:ask("long", { wait = wait })
      assert.same({ false, false }, { reply[1], reply[3] })
      assert.matches("a.lua:%d: string.rep: the result would have 2000000 bytes", reply[2])
    end
    assert.equal("internal", select(2, conn:ask "fails"))
    assert.equal(own, getmetatable("").__index)
  end)

  it("refuses to load what the server would not, for a pattern without end", function()
    local gate, problem = testing.gate { a = [[return function(gate)
      gate:option("x", { default = ("a"):rep(3000), pattern = ("a-"):rep(7) .. "b" })
    end]] }
    assert.is_nil(gate)
    assert.matches("string.find: pattern too expensive for a text of 3000 bytes", problem, 1, true)
    assert.equal(string, getmetatable("").__index)
  end)

  it("gives up on timers without end", function()
    local gate = testing.gate { a = [[return function(gate)
      local function again() gate:after_ms(0, again) end
      gate:after_ms(1, again)
    end]] }
    assert.has_error(function() gate:later(1) end,
      "100000 timers have fired in one wait; wait for less at once")
  end)

  it("fires what is due, at its own time", function()
    local gate = testing.gate { a = [[return function(gate)
      local times = {}
      gate:every(1000, function() times[#times + 1] = gate:now_ms() end)
      gate:on("times", function() return times end)
    end]] }
    local conn = gate:connect()
    gate:later(2500)
    local times = conn:ask "times"
    assert.same({ 2, 1000 }, { #times, times[2] - times[1] })
  end)

  it("answers HTTP requests, also later, or with 504 when nobody does", function()
    local gate = testing.gate { { "a", capabilities = { "http" } }, a = [[return function(gate)
      gate:http("POST", "/echo/{name}", function(request)
        gate:sleep(500)
        return request.params.name .. request.args.q .. request.body .. request.authorization, 201,
          { ["X-Type"] = request.content_type }
      end)
      gate:http("GET", "/never", function() gate:sleep(3600000) end)
    end]] }
    local response = gate:http("POST", "/echo/x?q=y", { body = "z", headers = {
      ["Content-Type"] = "text/x", AUTHORIZATION = "me" } })
    assert.same({ 201, "xyzme", "text/x" }, { response.status, response.body,
      response.headers["x-type"] })
    assert.equal("", gate:http("HEAD", "/never").body)
    assert.equal(504, gate:http("GET", "/never").status)
    assert.has_error(function() gate:http("GET", "/nowhere") end,
      "http: no plugin answers GET /nowhere")
  end)
end)
