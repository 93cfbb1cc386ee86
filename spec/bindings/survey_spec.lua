local fake_gate = require "spec.support.fake_gate"

describe("survey", function()
  local gate

  local function survey_of(plugins)
    gate = fake_gate.load(plugins)
    local what = gate.world.survey.of(gate.world.plugin.current())
    for _, plugin in ipairs(what.plugins) do
      plugin.file, plugin.cost = plugin.file:match "[^/]+$", nil -- account_spec.lua
      assert.equal("trusted", plugin.trust)
      plugin.trust = nil
    end
    what.memory = nil
    return what, gate.world.survey.text(what)
  end

  local APP = {
    init = [[return { "talk", "guard", "words", "log", trust = "trusted" }]],
    guard = [[return function(gate)
      gate:before("*", function() return true end)
      gate:before("*", function() return true end)
      gate:after("closed", function() end)
      gate:every(1000, function() end, "sweep")
    end]],
    words = [[return function(gate)
      gate:needs "guard"
      gate:provide("1.4", {})
      gate:before("say", function() return true end)
      gate:tells("swore", "praised")
    end]],
    talk = [[return function(gate)
      gate:use("words", "1.2")
      gate:on("say", function() return {} end)
      gate:on("hear", function() return {} end)
      gate:raw("/ws", {})
      gate:http("GET", "/talk", function() end)
    end]],
    log = "return function(gate) gate:after('say', function() end) end",
  }

  it("tells each plugin and what it has registered, needed ones first", function()
    assert.same({
      { name = "guard", file = "guard.lua", generation = 1, before = { "*" }, after = { "closed" },
        timers = { "sweep" } },
      { name = "words", file = "words.lua", generation = 1, needs = { "guard" }, provides = "1.4",
        before = { "say" }, tells = { "praised", "swore" } },
      { name = "talk", file = "talk.lua", generation = 1, needs = { "words" }, uses = { "words" },
        handles = { "hear", "say" }, serves = { "ws /ws", "GET /talk" } },
      { name = "log", file = "log.lua", generation = 1, after = { "say" } },
    }, survey_of(APP).plugins)
  end)

  it("tells the way of each request: filters of all types before those of its own", function()
    assert.same({
      { type = "hear", filters = { "guard" }, handler = "talk" },
      { type = "say", filters = { "guard", "words" }, handler = "talk",
        told = { "log" } },
    }, survey_of(APP).requests)
  end)

  it("says in which generation each was loaded", function()
    survey_of(APP)
    assert(gate:reload { log = "return function(gate) gate:after('hear', function() end) end" })
    local what = gate.world.survey.of(gate.world.plugin.current())
    local generations = {}
    for _, plugin in ipairs(what.plugins) do generations[plugin.name] = plugin.generation end
    assert.equal(2, what.generation)
    assert.same({ guard = 1, words = 1, talk = 1, log = 2 }, generations)
    assert.same({ "log" }, what.requests[1].told)
  end)

  it("is a text for people", function()
    local _, text = survey_of(APP)
    assert.equal([[
generation 1 is in force

guard  generation 1  guard.lua
  before    *
  after     closed
  timers    sweep

words  generation 1  words.lua
  provides  1.4
  needs     guard
  before    say
  tells     praised, swore

talk  generation 1  talk.lua
  needs     words
  uses      words
  handles   hear, say
  serves    ws /ws, GET /talk

log  generation 1  log.lua
  after     say

requests: filters > [handler] > those told after it
  hear: guard > [talk]
  say: guard, words > [talk] > log]], text)
  end)

  it("tells options with their defaults, below a title of its own", function()
    local what = survey_of {
      init = [[return { trust = "trusted",
        { "a", options = { rate = 2, key = "do not tell" } } }]],
      a = [[return function(gate)
        gate:option("rate", { default = 1, about = "how fast" })
        gate:option("key", { type = "string" })
      end]],
    }
    assert.same({ { name = "key", value = "***" },
      { name = "rate", value = "2", default = "1", about = "how fast" } }, what.plugins[1].options)
    what.plugins[1].generation, what.plugins[1].budget = nil, "hard_ms = 5"
    assert.equal([[
this app

a  a.lua
  budget    hard_ms = 5
  options   key = ***  (no default)
            rate = 2  (default 1)]], gate.world.survey.text(what, "this app"))
  end)

  it("says how far each is trusted, and what else a guarded one may do", function()
    gate = fake_gate.load { init = 'return { { "a", capabilities = { "store", "http" } }, "b" }',
      a = "return function() end", b = "return function() end" }
    local text = gate.world.survey.text(gate.world.survey.of(gate.world.plugin.current()))
    assert.matches("a.lua\n  trust     guarded, http, store\n", text, 1, true)
    assert.matches("b.lua\n  trust     guarded\n", text, 1, true)
  end)

  it("has nothing to say of an app without plugins", function()
    gate = fake_gate.load { init = "return {}" }
    local what = gate.world.survey.of(gate.world.plugin.current())
    what.memory = nil -- account_spec.lua
    assert.same({ generation = 1 }, what)
    assert.equal("generation 1 is in force", gate.world.survey.text(what))
  end)
end)
