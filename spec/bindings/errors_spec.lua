local fake_gate = require "spec.support.fake_gate"

describe("errors", function()
  local FAILS = [[return function(gate)
    gate:on("fail", function(_, message)
      if message.here then error "here" end
      error("there " .. tostring(message.n))
    end)
    gate:http("GET", "/fail", function() error "ouch" end)
    gate:after("opened", function() error "no welcome" end)
  end]]

  local gate, ann

  before_each(function()
    gate = fake_gate.load { a = FAILS, b = [[return function(gate)
      gate:on("other", function() local t = nil return t.x end)
    end]] }
    ann = gate:connect "ann"
  end)

  local function fail(more)
    local message = { type = "fail" }
    for key, value in pairs(more or {}) do message[key] = value end
    return gate:deliver(ann, message)
  end

  local function list(name) return gate.world.errors.list(name) end

  local function logged()
    local found = 0
    for _, line in ipairs(gate.log) do
      if line.text:find "on fail" then found = found + 1 end
    end
    return found
  end

  it("of one line are together, whatever they say, with the first that was asked", function()
    fail { n = 1, room = "tea" }
    gate:later(5000)
    fail { n = 2 }
    local group = list()[1]
    assert.matches("/a.lua:4: there 1$", group.text)
    assert.same({ "a#1", "on fail", 2, 5000 },
      { group.plugin, group.doing, group.count, group.last_ms - group.first_ms })
    assert.same({ type = "fail", n = 1, room = "tea" }, gate.world.json.decode(group.sample))
  end)

  it("of other lines, plugins and generations are apart, the latest first", function()
    fail { here = true }
    gate:later(1)
    gate:deliver(ann, { type = "other" })
    gate:later(1)
    assert(gate:reload { a = FAILS .. "\n" })
    fail { here = true }
    local found = {}
    for _, group in ipairs(list()) do
      if group.doing ~= "after opened" then
        found[#found + 1] = group.plugin .. group.text:match ":%d+: "
      end
    end
    assert.same({ "a#2:3: ", "b#1:2: ", "a#1:3: " }, found)
    assert.equal(1, #list "b")
  end)

  it("show no secrets", function()
    fail { n = 1, token = "t", Password = "p", pin = 7, ping = 8,
      deep = { { { { { secret = "s" } } } } } }
    assert.same({ type = "fail", n = 1, token = "***", Password = "***", pin = "***", ping = 8,
      deep = { { { "..." } } } }, gate.world.json.decode(list()[1].sample))
  end)

  it("show what was asked by HTTP, and nothing of hooks", function()
    gate:http("GET", "/fail?token=t")
    assert.same({ method = "GET", path = "/fail" }, gate.world.json.decode(list()[1].sample))
    assert.is_nil(list()[2].sample)
  end)

  it("are logged the first few times in ten seconds", function()
    for n = 1, 20 do fail { n = n } end
    assert.equal(5, logged())
    gate:later(10000)
    fail()
    assert.is_truthy(gate:logged "(and 15 times more, not logged)")
  end)

  it("are no more than 256 groups: the oldest goes", function()
    local errors, plugin = gate.world.errors, { label = "c#1" }
    for n = 1, 300 do
      gate:later(1)
      errors.note(plugin, "on x", ("c.lua:%d: no"):format(n))
    end
    local all = errors.list()
    assert.equal(256, #all)
    assert.equal("c.lua:300: no", all[1].text)
    assert.equal("c.lua:45: no", all[256].text)
  end)

  it("are shown to an operator", function()
    gate:later(0)
    fail { n = 1 }
    local answer = gate:ctl { command = "errors", arguments = { "a" } }
    assert.matches("^a#1  on fail: [^\n]*/a.lua:4: there 1\n  once, 2025%-10%-09T%d+:%d+:%d+Z\n"
      .. "  asked: {", answer.text)
    assert.equal("on fail", answer.data.errors[1].doing)
    assert.equal("no errors", gate:ctl({ command = "errors", arguments = { "b" } }).text)
  end)
end)
