local fake_gate = require "spec.support.fake_gate"

local TELLER = [[return function(gate)
  gate:tells("rang", "knocked")
  gate:on("ring", function(conn, message)
    gate:tell("rang", conn, message.data)
    gate.state.done = (gate.state.done or 0) + 1
  end)
end]]

--- A plugin that writes into its state what it is told.
local function hearer(needs)
  return ([[return function(gate)
    gate:needs(%s)
    gate:after("rang", function(conn, data)
      gate.state.heard = gate.state.heard or {}
      table.insert(gate.state.heard, conn.user)
      table.insert(gate.state.heard, data)
    end)
  end]]):format(needs)
end

describe("gate:tell", function()
  local gate, ann

  local function load(app)
    gate = fake_gate.load(app)
    ann = gate:connect "ann"
  end

  local function state(name) return gate.world.state.of(name) end
  local function ring(data) return gate:deliver(ann, { type = "ring", data = data }) end

  it("tells all who asked, and returns when they have heard", function()
    load { bell = TELLER, a = hearer '"bell"', b = [[return function(gate)
      gate:after("rang", function() gate.state.done_before = 1 end)
      gate:after("knocked", function() gate.state.was_knocked = true end)
    end]] }
    assert.same({}, ring(7))
    assert.same({ "ann", 7 }, state("a").heard)
    assert.same({ done_before = 1 }, state "b")
    assert.equal(1, state("bell").done)
  end)

  it("is heard by needed plugins first, whatever the order of the list", function()
    local NOTE = [[return function(gate)
      %s
      gate:after("rang", function(conn)
        conn.state.trail = (conn.state.trail or "") .. %q
      end)
    end]]
    load { bell = TELLER, a = NOTE:format('gate:needs "z"', "a"), z = NOTE:format("", "z") }
    ring()
    assert.equal("za", ann.state.trail)
  end)

  it("goes on after one that fails, which the log names", function()
    load { bell = TELLER, a = [[return function(gate)
      gate:after("rang", function() error "no ears" end)
    end]], z = hearer '"a"' }
    assert.same({}, ring(1))
    assert.same({ "ann", 1 }, state("z").heard)
    assert.is_truthy(gate:logged "a#1: after rang: ")
  end)

  it("leaves out a plugin that is switched off", function()
    load { bell = TELLER, a = hearer '"bell"' }
    gate.world.overrun.switch_off(gate.world.plugin.current().plugins.a)
    assert.same({}, ring(1))
    assert.is_nil(state("a").heard)
  end)

  it("waits for one that waits, when a task tells", function()
    load { bell = TELLER, a = [[return function(gate)
      gate:after("rang", function() gate:sleep(50) gate.state.is_done = true end)
    end]] }
    local answer = gate:ask(ann, { type = "ring" })
    assert.is_nil(state("bell").done)
    gate:later(50)
    assert.is_true(answer.is_given and state("a").is_done)
    assert.equal(1, state("bell").done)
  end)

  it("ends when two tell each other in a circle, with a line in the log", function()
    load { a = [[return function(gate)
      gate:tells "ping"
      gate:after("pong", function() gate:tell "ping" end)
      gate:on("ring", function() gate:tell "ping" end)
    end]], b = [[return function(gate)
      gate:tells "pong"
      gate:after("ping", function() gate:tell "pong" end)
    end]] }
    assert.same({}, ring())
    assert.is_truthy(gate:logged "stack overflow")
    assert.same({}, ring())
  end)

  it("is heard by the code in force after a reload, also from a plugin that stays", function()
    load { bell = TELLER, a = "return function() end" }
    assert(gate:reload { a = hearer '"bell"' })
    ring(2)
    assert.same({ "ann", 2 }, state("a").heard)
    local _, problem = gate:reload { c = [[return function(gate) gate:tells "rang" end]],
      init = 'return { "bell", "a", "c", trust = "trusted" }' }
    assert.matches('"rang" is already told by bell', problem)
  end)

  it("hands data of a guarded plugin over as a copy, and objects as they are", function()
    load { init = 'return { "a", { "b", trust = "trusted" }, "c" }', a = [[return function(gate)
      gate:tells "gave"
      gate:on("ring", function(conn)
        local given = { list = { 1 } }
        gate:tell("gave", conn, given, given.list)
        return { kept = given.list[1], text = given.text }
      end)
      gate:on("cheat", function() gate:tell("gave", setmetatable({}, {})) end)
    end]], b = [[return function(gate)
      gate:after("gave", function(conn, given, list)
        conn.state.count = (conn.state.count or 0) + list[1]
        given.list[1], given.text, list[1] = 5, "mine", 6
      end)
    end]], c = [[return function(gate)
      gate:after("gave", function(conn) conn.state.count = conn.state.count + 10 end)
    end]] }
    assert.same({ kept = 1 }, ring())
    assert.equal(11, ann.state.count)
    assert.equal("internal", select(2, gate:deliver(ann, { type = "cheat" })))
    assert.is_truthy(gate:logged "a table with a metatable cannot be handed over")
    assert.equal(11, ann.state.count)
  end)

  it("is for events that were declared, when code is in force", function()
    load { a = [[return function(gate)
      gate:tells "rang"
      gate:on("ring", function() gate:tell("wrang") end)
      gate:on("dot", function() gate.tell("rang") end)
      gate:on("number", function() gate:tell(7) end)
    end]] }
    ring()
    assert.is_truthy(gate:logged('a.lua:3: gate:tell: "wrang" is not declared: '
      .. 'gate:tells "wrang" does, while the plugin loads'))
    gate:deliver(ann, { type = "dot" })
    assert.is_truthy(gate:logged "gate.tell: called with a dot")
    gate:deliver(ann, { type = "number" })
    assert.is_truthy(gate:logged "gate:tell: expected a string, got number")
  end)
end)

describe("gate:tells", function()
  local function problem_of(app)
    local ok, problem = pcall(fake_gate.load, app)
    assert(not ok, "it has loaded")
    return problem
  end

  local function plugin(code) return ("return function(gate)\n%s\nend"):format(code) end

  it("takes names that nobody else has", function()
    for code, problem in pairs {
      ['gate:tells "closed"'] = 'a.lua:2: gate:tells: "closed" is told by the gateway itself',
      ['gate:tells "taken"'] = 'a.lua:2: "taken" is already told by 0',
      ['gate:tells "asked"'] = 'a.lua:2: "asked" is already handled by 0',
      ['gate:on("taken", print)'] = 'a.lua:2: "taken" is already told by 0',
      ['gate:tells("x", 7)'] = "a.lua:2: gate:tells: expected a string, got number",
      ['gate:tell "x"'] = "a.lua:2: gate:tell: not while a plugin is loaded or migrated",
    } do
      local found = problem_of { a = plugin(code),
        ["0"] = plugin 'gate:tells "taken" gate:on("asked", print)' }
      assert.is_truthy(found:find(problem, 1, true), found)
    end
  end)

  it("is only possible while the plugin loads", function()
    local gate = fake_gate.load { a = plugin
      'gate:on("late", function() gate:tells "x" end)' }
    gate:deliver(gate:connect "ann", { type = "late" })
    assert.is_truthy(gate:logged "gate:tells is only possible while the plugin loads")
  end)
end)

describe('gate:after("admitted", fn)', function()
  local DOOR = [[return function(gate)
    gate:on("enter", function(conn, message)
      conn:admit(message.name)
      conn.state.is_ready = true
      if message.is_slow then gate:sleep(50) end
      conn.state.is_done = true
    end)
    gate:after("admitted", function(conn)
      conn.state.seen = { conn.user, conn.state.is_ready, conn.state.is_done or false }
      gate:sleep(10)
      conn.state.has_waited = true
    end)
  end]]
  local gate, ann

  before_each(function()
    gate = fake_gate.load { a = DOOR }
    ann = gate:connect()
  end)

  it("comes when who has called conn:admit has ended, in a task", function()
    gate:ask(ann, { type = "enter", name = "ann" })
    assert.same({ "ann", true, true }, ann.state.seen)
    gate:later(10)
    assert.is_true(ann.state.has_waited)
  end)

  it("or when that waits, and does not wait for it", function()
    gate:ask(ann, { type = "enter", name = "ann", is_slow = true })
    assert.same({ "ann", true, false }, ann.state.seen)
    gate:later(10)
    assert.is_true(ann.state.has_waited)
    assert.is_nil(ann.state.is_done)
    gate:later(40)
    assert.is_true(ann.state.is_done)
  end)

  it("does not come when the connection has ended meanwhile", function()
    gate:close(ann)
    gate.world.user.enter(ann, "ann")
    assert.is_nil(ann.state.seen)
  end)

  it("comes again with another name", function()
    gate:ask(ann, { type = "enter", name = "ann" })
    gate:ask(ann, { type = "enter", name = "bob" })
    assert.equal("bob", ann.state.seen[1])
  end)
end)
