local fake_gate = require "spec.support.fake_gate"

-- What it says after a hook: request_spec.lua, "in development mode".
describe("a reload", function()
  local gate

  before_each(function()
    gate = fake_gate.load { a = [[return function(gate)
      gate:on("spoil", function(conn)
        conn.state.hook, gate:user(conn.user).state.hook = print, print
        gate:room("tea"):add(conn)
        gate:room("tea").state.list = { print }
      end)
      gate:on("swap", function(conn) conn.state = 5 end)
    end]] }
  end)

  local function warnings()
    local lines = {}
    for _, line in ipairs(gate.log) do
      if line.level == "warn" then lines[#lines + 1] = line.text:match "^(.-);" or line.text end
    end
    return lines
  end

  it("names states that hold what is no data, once", function()
    local ann = gate:connect "ann"
    gate:deliver(ann, { type = "spoil" })
    assert(gate:reload())
    assert.same({
      'plugin: room "tea": room.state.list[1] is a function',
      ("plugin: connection %d: conn.state.hook is a function"):format(ann.id),
      'plugin: user "ann": user.state.hook is a function',
    }, warnings())
    assert(gate:reload())
    assert.equal(3, #warnings())
  end)

  it("names one that is no table", function()
    local ann = gate:connect "ann"
    gate:deliver(ann, { type = "swap" })
    assert(gate:reload())
    assert.same({ ("plugin: connection %d: conn.state is a number, no table"):format(ann.id) },
      warnings())
  end)

  it("looks at a hundred of each, and the next one at those after them", function()
    local conns = {}
    for n = 1, 250 do
      conns[n] = gate:connect()
      conns[n].state.hook = print
    end
    for n = 1, 3 do
      assert(gate:reload())
      assert.equal(math.min(n * 100, 250), #warnings())
    end
    for n = 1, 250 do gate:close(conns[n]) end
    assert(gate:reload())
  end)
end)
