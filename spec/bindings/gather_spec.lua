local fake_gate = require "spec.support.fake_gate"

describe("gate:gather", function()
  local gate, ann

  local function load(body)
    gate = fake_gate.load { a = ([[return function(gate)
      local function slow(ms, value)
        return function()
          gate:sleep(ms)
          gate.state.ended = (gate.state.ended or "") .. tostring(value)
          return value
        end
      end
      gate:on("try", function(conn) %s end)
    end]]):format(body) }
    ann = gate:connect "ann"
  end

  local function ended() return gate.world.state.of("a").ended end

  it("runs side by side and returns all results in order", function()
    load [[return { gate:gather(slow(20, 1), slow(10, 2), function() return 3 end) }]]
    local answer = gate:ask(ann, { type = "try" })
    gate:later(10)
    assert.is_false(answer.is_given)
    gate:later(10)
    assert.same({ 1, 2, 3 }, answer.data)
    assert.equal("21", ended())
  end)

  it("returns at once when nobody waits, and nothing of nothing", function()
    load [[return { n = select("#", gate:gather()), one = gate:gather(function() return 1 end) }]]
    assert.same({ n = 0, one = 1 }, gate:deliver(ann, { type = "try" }))
  end)

  it("cancels the others when one raises, and raises that", function()
    load [[
      local ok, problem = pcall(gate.gather, gate, slow(20, 1), function() error("ouch", 0) end)
      return { ok = ok, problem = problem }]]
    assert.same({ ok = false, problem = "ouch" }, gate:deliver(ann, { type = "try" }))
    gate:later(100)
    assert.is_nil(ended())
  end)

  it("is cancelled with the task it is in", function()
    load [[return { gate:gather(slow(20, 1), slow(30, 2)) }]]
    gate:ask(ann, { type = "try" })
    gate:close(ann)
    gate:later(100)
    assert.is_nil(ended())
  end)

  it("fails when one of them is given up", function()
    load [[
      local ok, problem = pcall(gate.gather, gate, slow(9000, 1), function()
        gate:deadline(10)
        while true do pcall(gate.sleep, gate, 50) end
      end)
      return { ok = ok, problem = problem }]]
    local answer = gate:ask(ann, { type = "try" })
    gate:later(10)
    assert.same({ ok = false, problem = "a task of it was given up" }, answer.data)
    gate:later(9000)
    assert.is_nil(ended())
  end)

  it("leaves alone who runs when one of its own has ended", function()
    load [[
      if conn.user == "bob" then
        gate:sleep(500)
        return { rested = true }
      end
      gate:gather(slow(10, 1), function() gate:sleep(100) error "ouch" end)]]
    gate:ask(ann, { type = "try" })
    gate:later(20)
    local answer = gate:ask(gate:connect "bob", { type = "try" })
    gate:later(1000)
    assert.same({ rested = true }, answer.data)
  end)

  it("refuses what is no function, also nil", function()
    load [[
      local _, problem = pcall(gate.gather, gate, nil, slow(1, 1))
      return { problem = problem }]]
    assert.matches("gate:gather, argument 1: expected a function, got nil",
      gate:deliver(ann, { type = "try" }).problem)
  end)
end)
