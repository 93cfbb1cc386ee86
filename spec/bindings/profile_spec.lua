local fake_gate = require "spec.support.fake_gate"

describe("profile", function()
  local gate

  before_each(function()
    gate = fake_gate.load { a = "return function() end", b = "return function() end" }
  end)

  local function ask(arguments)
    return gate.core:ask(gate.world.json.encode { command = "profile", arguments = arguments })
  end

  local function index(name) return gate.world.plugin.current().plugins[name].index end

  --- The answer after so long.
  local function answer(told, ms)
    gate.core.drain()
    gate:later(ms)
    return told.is_given and gate.world.json.decode(told.bytes) or nil
  end

  local function starts() return gate.core:issued "profile_start" end
  local function stops() return #gate.core:issued "profile_stop" end

  it("collects for some seconds, and names the plugins and the app's files", function()
    local folder = gate.world.plugin.current().sources.folder
    gate.core.profile = { ticks = 500, dropped = 0, folded =
      ("%d;%s/a.lua:say:1 300\n0;moongate:run 150\n99;x 50\n"):format(index "a", folder) }
    local told = ask { seconds = "5" }
    assert.is_nil(answer(told, 4900))
    assert.equal(0, stops())
    local got = answer(told, 200)
    assert.equal("a;a.lua:say:1 300\nmoongate;moongate:run 150\nplugin 99;x 50\n",
      got.data.folded)
    assert.equal("500 samples, one each 5.0 ms: the logic thread was busy for 50 % of 5 s",
      got.text)
    assert.equal(0, starts()[1].who)
  end)

  it("looks at one plugin", function()
    answer(ask { plugin = "b", seconds = "1" }, 1100)
    assert.equal(index "b", starts()[1].who)
  end)

  it("says what was left out", function()
    gate.core.profile = { ticks = 20, dropped = 3, folded = "" }
    assert.matches("; 3 of them are left out", answer(ask { seconds = "1" }, 1100).text)
  end)

  it("is refused while another is taken, which goes on", function()
    local first = ask { seconds = "2" }
    gate.core.drain()
    local second = answer(ask(), 100)
    assert.same({ code = "failed", message = "another profile is being taken" }, second.error)
    assert.is_true(answer(first, 2000).ok)
  end)

  it("ends when whoever has asked has gone", function()
    local told = ask { seconds = "50" }
    gate.core.drain()
    told.has_gone = true
    gate:later(300)
    assert.equal(1, stops())
    assert.is_true(answer(ask { seconds = "1" }, 1100).ok)
  end)

  it("says what is wrong with what was asked", function()
    for _, seconds in ipairs { "0", "51", "x", "nan" } do
      local told = answer(ask { seconds = seconds }, 0)
      assert.equal("bad_argument", told.error.code)
      assert.matches("expected a number from 0.1 to 50, got", told.error.message, 1, true)
    end
    assert.equal('there is no plugin "c" to tell apart; there are: a, b',
      answer(ask { plugin = "c" }, 0).error.message)
    assert.equal(0, #starts())
  end)

  it("shows bytes that are no text as such", function()
    gate.core.profile = { ticks = 1, dropped = 0, folded = "0;caf\233:f:1 1\n" }
    assert.equal("moongate;caf?:f:1 1\n", answer(ask { seconds = "1" }, 1100).data.folded)
  end)
end)
