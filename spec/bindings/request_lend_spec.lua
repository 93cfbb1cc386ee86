local fake_gate = require "spec.support.fake_gate"

-- How it ends real loops: spec/system/trust_spec.lua.
describe("a function that a guarded plugin provides", function()
  local HARD = 2
  local gate, ann

  local EVE = [[return function(gate)
    gate:provide("1.0", {
      call = function(fn, ...) return fn(...) end,
      swallow = function(fn) pcall(fn) end,
      nap = function(fn)
        gate:sleep(100)
        return fn()
      end,
      fail = function() error("failed") end,
      misuse = function() error("misused", 2) end,
      own = function(fn) return { of = fn() } end,
    })
    gate:on("eve", function() return true end)
  end]]

  -- `who` tells in which run it is called; what `lent` is told to do it does with the API of eve.
  local GOOD = [[return function(gate)
    local eve = gate:use("eve", "1.0")
    local function who() return (require "spec.who" ()) end
    local function late() require "spec.late" () end
    gate:on("lent", function(_, message)
      local before, ok, value = who(), pcall(eve[message.name], message.is_late and late or who)
      return { before = before, ok = ok, value = value, after = who() }
    end)
    gate:on("raise", function(_, message) eve[message.name]() end)
    gate:on("nested", function()
      local seen
      eve.call(function() seen = eve.own(who).of .. " " .. who() end)
      return { seen = seen, after = who() }
    end)
  end]]

  before_each(function()
    package.loaded["spec.who"] = function()
      local run = gate.world.run
      return ("%s: %s"):format(run.plugin.name, run.doing)
    end
    package.loaded["spec.late"] = function()
      gate.world.overrun.late(HARD, "stack traceback:\n\t...")
      gate.core.turn.aborted = HARD
      error "time budget exceeded"
    end
    gate = fake_gate.load { init = 'return { "eve", { "good", trust = "trusted" } }', eve = EVE,
      good = GOOD }
    ann = gate:connect "ann"
  end)

  after_each(function() package.loaded["spec.who"], package.loaded["spec.late"] = nil, nil end)

  local function lent(name, is_late)
    local answer = gate:ask(ann, { type = "lent", name = name, is_late = is_late })
    gate:later(200)
    return answer.data
  end

  local EVES, GOODS = "eve: gate:provide", "good: on lent"

  it("runs on the account of who provides it, also when it waits", function()
    for _, name in ipairs { "call", "nap" } do
      assert.same({ before = GOODS, ok = true, value = EVES, after = GOODS }, lent(name))
    end
    local handlers = gate.world.account.survey { name = "eve" }.handlers
    assert.equal("gate:provide", handlers[1].doing)
    assert.equal(2, handlers[1].calls)
    assert.same({ seen = EVES .. " " .. EVES, after = "good: on nested" },
      gate:deliver(ann, { type = "nested" }))
  end)

  it("is measured, one call in 16 that has not waited", function()
    lent "call"
    local its = gate.world.account.survey({ name = "eve" }).handlers[1]
    assert.is_true(its.p50_ms <= 2 and its.p99_ms >= its.p50_ms and its.bytes >= 0)
  end)

  it("has a budget of its own, and who calls it goes on with one", function()
    local turn, numbers = gate.core.turn, {}
    package.loaded["spec.who"] = function() numbers[#numbers + 1] = turn.number end
    lent "call"
    assert.is_true(numbers[1] < numbers[2] and numbers[2] < numbers[3])
  end)

  it("fails for its caller when it is aborted, and switches off who provides it", function()
    for name, problem in pairs { call = "time budget exceeded", nap = "time budget exceeded",
      swallow = 'a function of the plugin "eve" was aborted' } do
      local told = lent(name, true)
      assert.is_false(told.ok)
      assert.matches(problem, told.value)
      assert.equal(GOODS, told.after)
    end
    assert.is_truthy(gate:logged "eve#1: switched off: aborted 3 times within 60 s")
    assert.equal("unavailable", select(2, gate:deliver(ann, { type = "eve" })))
    local told = lent "call"
    assert.is_false(told.ok)
    assert.matches('gate:use: the plugin "eve" is switched off$', told.value)
    assert.is_nil(gate:logged "good#1: switched off")
  end)

  it("raises what it raises, in its own line or in that of its caller", function()
    for name, problem in pairs {
      fail = "good#1: on raise: %S+/eve.lua:%d+: failed\nstack traceback",
      misuse = "good#1: on raise: %S+/good.lua:9: misused\n" } do
      gate:deliver(ann, { type = "raise", name = name })
      assert.matches(problem, gate.log[#gate.log].text)
    end
    assert.equal(2, gate.world.account.survey({ name = "eve" }).handlers[1].errors)
  end)

  it("is part of what loads, while its caller does", function()
    assert(gate:reload { good = [[return function(gate)
      local eve, seen = gate:use("eve", "1.0"), nil
      eve.call(function() seen = require "spec.who" () end)
      gate:on("seen", function() return { seen = seen } end)
    end]] })
    assert.equal("good: load", gate:deliver(ann, { type = "seen" }).seen)
  end)
end)
