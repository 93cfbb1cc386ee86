local fake_gate = require "spec.support.fake_gate"

describe("gate:share", function()
  local gate

  --- A plugin whose requests "ask" all ask for the same.
  local function load(body)
    gate = fake_gate.load { a = ([[return function(gate)
      gate.state.runs = 0
      gate:on("ask", function(conn, message)
        return { gate:share(message.key or "k", function()
          gate.state.runs = gate.state.runs + 1
          %s
        end) }
      end)
    end]]):format(body) }
  end

  local function runs() return gate.world.state.of("a").runs end

  local function ask(fields)
    fields = fields or {}
    fields.type = "ask"
    local conn = gate:connect "ann"
    return gate:ask(conn, fields), conn
  end

  it("runs once for all who ask while it runs, and gives all what it returns", function()
    load [[gate:sleep(10) return "one", 2, true]]
    local answers = {}
    for i = 1, 250 do answers[i] = ask() end
    gate:later(9)
    assert.is_false(answers[1].is_given)
    gate:later(1)
    assert.equal(1, runs())
    for i = 1, 250 do assert.same({ "one", 2, true }, answers[i].data) end
  end)

  it("returns at once when fn does not wait", function()
    load "return 7"
    assert.same({ 7 }, ask().data)
    assert.same({ 7 }, ask().data)
    assert.equal(2, runs())
  end)

  it("runs for each key", function()
    load "gate:sleep(10)"
    ask { key = "a" }
    ask { key = "b" }
    assert.equal(2, runs())
  end)

  it("goes on for the others when who was first is cancelled", function()
    load [[gate:sleep(10) return 1]]
    local _, first = ask()
    local second = ask()
    gate:close(first)
    gate:later(10)
    assert.same({ 1 }, second.data)
    assert.equal(1, runs())
  end)

  it("gives nil and internal when fn raises, which is logged once", function()
    load [[gate:sleep(10) error "ouch"]]
    local first, second = ask(), ask()
    gate:later(10)
    assert.same({ gate.world.json.null, "internal" }, first.data)
    assert.same(first.data, second.data)
    local count = 0
    for _, line in ipairs(gate.log) do
      if line.text:find("ouch", 1, true) then count = count + 1 end
    end
    assert.equal(1, count)
    ask()
    assert.equal(2, runs())
  end)

  it("gives nil and timeout when fn is cancelled for its code was replaced", function()
    load [[gate:sleep(60000)]]
    local answer = ask()
    assert(gate:reload { a = "return function(gate) gate:on('ask', function() end) end" })
    gate:later(12000)
    assert.is_true(answer.is_given)
  end)

  it("is for tasks", function()
    local ok, problem = pcall(fake_gate.load, { a = [[return function(gate)
      gate:share("k", function() end)
    end]] })
    assert.is_false(ok)
    assert.matches("gate:share: only in a task", problem, 1, true)
  end)
end)
