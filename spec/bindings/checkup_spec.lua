local fake_core = require "spec.support.fake_core"
local file = require "spec.support.file"

describe("the check of an app", function()
  local folder, checkup

  before_each(function()
    checkup, folder = fake_core.world("moongate.checkup").checkup, file.folder()
  end)
  after_each(function() file.run("rm -r " .. folder) end)

  local function short(text) return (text:gsub(folder:gsub("%p", "%%%0") .. "/", "")) end

  local function look(files)
    for name, text in pairs(files) do file.write(("%s/%s.lua"):format(folder, name), text) end
    local found = checkup.look(folder)
    for _, list in ipairs { found.problems, found.warnings } do
      for i, line in ipairs(list) do list[i] = short(line) end
    end
    return found
  end

  it("shows what the server would have, without what only a run could tell", function()
    local found = look {
      init = 'return { "b", { "a", options = { n = 2 }, budget = { soft_ms = 20 } } }',
      a = "return function(gate) gate:option('n', 1) gate:on('say', print) end",
      b = "return function(gate) gate:before('say', print) end",
    }
    assert.same({ {}, {} }, { found.problems, found.warnings })
    assert.same({ { type = "say", filters = { "b" }, handler = "a" } }, found.survey.requests)
    assert.same({ "b", "a" }, { found.survey.plugins[1].name, found.survey.plugins[2].name })
    local a = found.survey.plugins[2]
    assert.same({ { name = "n", value = "2", default = "1" } }, a.options)
    assert.equal("soft_ms = 20 (default 50)", a.budget)
    assert.is_nil(a.cost)
    assert.is_nil(found.survey.generation)
  end)

  it("warns of hooks that wait for what nobody handles", function()
    local found = look { init = 'return { "a" }', a = [[return function(gate)
  gate:on("say", function() end)
  gate:before("*", function() end)
  gate:before("say", function() end)
  gate:after("say", function() end)
  gate:after("opened", function() end) gate:after("admitted", function() end)
  gate:before("syy", function() end)
  gate:before("opened", function() end)
  gate:after("slwo", function() end)
  gate:after("*", print)
  gate:tells "awoke"
  gate:after("awoke", function() end)
  gate:after("awake", function() end)
  gate:before("awoke", function() end)
end]] }
    assert.same({
      'a.lua:7: gate:before "syy": nothing handles it; did you mean "say"?',
      'a.lua:8: gate:before "opened": nothing handles it',
      'a.lua:14: gate:before "awoke": nothing handles it',
      'a.lua:9: gate:after "slwo": nothing handles or tells it; did you mean "slow"?',
      'a.lua: gate:after "*": nothing handles or tells it',
      'a.lua:13: gate:after "awake": nothing handles or tells it; did you mean "awoke"?',
    }, found.warnings)
  end)

  it("shows what luacheck says, and no syntax error twice", function()
    local found = look { init = 'return { "a", "b" }', a = "x x", b =
      "local it = 5\nreturn function(gate) gate:on('x', function() return twelve end) end" }
    assert.is_true(found.has_luacheck)
    assert.same({ "a.lua:1: '=' expected near 'x'" }, found.problems)
    assert.same({ "b.lua:1:7: (W211) unused variable 'it'",
      "b.lua:2:54: (W113) accessing undefined variable 'twelve'" }, found.warnings)
    assert.is_nil(found.survey)
  end)

  it("lets the app's own .luacheckrc count, not that of where it is called", function()
    file.write(folder .. "/.luacheckrc", 'ignore = { "211" }')
    local found = look { init = 'return { "a" }', a =
      "local it = 5\nreturn function(gate) gate:on('x', function() return twelve end) end" }
    assert.same({ "a.lua:2:54: (W113) accessing undefined variable 'twelve'" }, found.warnings)
  end)

  it("lets luacheck have paths as they are", function()
    local path = folder .. "/it's $(odd).lua"
    file.write(path, "x = 1")
    assert.matches("odd%).lua:1:1: %(W111%)", checkup.lint(folder, { path })[1])
  end)

  it("cuts what is long, between characters", function()
    local found = look { init = 'return { trust = "trusted", "a" }', a = [[return function()
      local long = string.rep("\195\164", 2000000)
      error(long)
    end]] }
    local line = found.problems[1]
    assert.is_true(#line > 4000 and #line <= 4200, #line)
    assert.matches("^a.lua:3: \195\164", line)
    assert.matches("\195\164%.%.%. %(4000%d%d%d bytes%)$", line)
  end)

  it("acts on nothing", function()
    local world = fake_core.world "moongate.checkup"
    file.write(folder .. "/init.lua", 'return { trust = "trusted", "a" }')
    file.write(folder .. "/a.lua", [[return function(gate)
      gate:room("tea"):publish { type = "hi" }
      gate:spawn(function() gate:sleep(1) end)
      gate:every(10, print)
      gate:admission { max_connections_per_address = 1 }
      gate.store = gate.store
    end]])
    local found = world.checkup.look(folder)
    assert.matches("gate.store cannot be set", found.problems[1])
    assert.same({}, world.core.commands)
    assert.same({}, world.core.timers)
  end)
end)
