local fake_gate = require "spec.support.fake_gate"

describe("development mode", function()
  local gate, ann

  local KEEPS = [[return function(gate)
    gate:on("keep", function(conn, message)
      if message.where == "gate" then gate.state.hook = print end
      if message.where == "room" then gate:room("tea").state.hook = print end
      if message.where == "conn" then conn.state.room = gate:room "tea" end
      if message.where == "user" then gate:user(conn.user).state.hook = print end
      return {}
    end)
  end]]

  local function keep(where)
    return gate:deliver(ann, { type = "keep", where = where })
  end

  before_each(function()
    gate = fake_gate.load { a = KEEPS }
    ann = gate:connect "ann"
  end)

  it("names the hook that has left in a state what is no data", function()
    gate.core.facts.development = 1
    assert.same({}, keep "nowhere")
    assert.is_nil(gate:logged "a#1: on keep")
    assert.same({}, keep "conn")
    assert.is_truthy(gate:logged "a#1: on keep: conn.state.room is an object; a state holds")
    assert.same({}, keep "gate")
    assert.is_truthy(gate:logged "a#1: on keep: gate.state.hook is a function; a state holds")
  end)

  it("names the culprit, once, and not those who come after it", function()
    gate = fake_gate.load { a = KEEPS, b = [[return function(gate)
      gate:after("keep", function() end)
      gate:before("*", function() end)
    end]] }
    ann = gate:connect "ann"
    gate.core.facts.development = 1
    for _, where in ipairs { "conn", "user", "nowhere", "conn" } do keep(where) end
    local lines = {}
    for _, line in ipairs(gate.log) do
      if line.level == "error" then lines[#lines + 1] = line.text end
    end
    assert.equal(2, #lines)
    assert.matches("^a#1: on keep: conn.state.room is an object", lines[1])
    assert.matches("^a#1: on keep: user.state.hook is a function", lines[2])
  end)

  it("alone it looks", function()
    keep "gate"
    assert.is_nil(gate:logged "a#1: on keep")
  end)

  it("names the hook also when it has left it so in a room that it has looked up", function()
    gate.core.facts.development = 1
    gate.world.room.find("tea"):add(ann)
    assert.same({}, keep "room")
    assert.is_truthy(gate:logged "a#1: on keep: room.state.hook is a function; a state holds")
  end)
end)

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
