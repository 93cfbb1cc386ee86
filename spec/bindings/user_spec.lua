local fake_gate = require "spec.support.fake_gate"

describe("user", function()
  local gate, phone, desk, bob

  before_each(function()
    gate = fake_gate.load { a = [[return function(gate)
      gate:on("auth", function(conn, message)
        local ok, problem = pcall(conn.admit, conn, message.name)
        return { ok = ok, problem = problem }
      end)
      gate:after("closed", function(conn)
        local user = gate:user(conn.user)
        gate.state.at_close = { name = user.name, size = user:size(), word = user.state.word }
      end)
    end]] }
    phone, desk, bob = gate:connect "ann", gate:connect "ann", gate:connect "bob"
  end)

  local function ann() return gate.world.user.find "ann" end

  it("has all connections that were admitted under the name", function()
    assert.equal("ann", ann().name)
    assert.equal(2, ann():size())
    assert.same({ [phone.id] = phone, [desk.id] = desk }, ann().conns)
    local names = {}
    for name in pairs(gate.world.user.all) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "ann", "bob" }, names)
  end)

  it("is the same object as long as one of them is there, with its state", function()
    local before = ann()
    before.state.word = "hello"
    gate:close(phone)
    assert.equal(before, ann())
    assert.same({ name = "ann", size = 2, word = "hello" }, gate.world.state.of("a").at_close)
    gate:close(desk)
    assert.same({ name = "ann", size = 1, word = "hello" }, gate.world.state.of("a").at_close)
    assert.same({ nil, "gone" }, { ann() })
    gate:connect "ann"
    assert.are_not.equal(before, ann())
    assert.same({}, ann().state)
  end)

  it("sends to all of them, or to all but one", function()
    assert.equal(2, ann():send { n = 1 })
    assert.equal(1, ann():send({ n = 2 }, { except = desk }))
    assert.same({ { n = 1 }, { n = 2 } }, phone.heard)
    assert.same({ { n = 1 } }, desk.heard)
    assert.same({}, bob.heard)
    assert.same({ nil, "gone" }, { gate.world.user.find("bob"):send({}, { except = bob }) })
  end)

  it("says why a message went to none", function()
    assert.same({ nil, "bad_utf8" }, { ann():send "\255" })
  end)

  it("blames the caller for what cannot be meant", function()
    for problem, call in pairs {
      ["how to send is a table"] = function() ann():send({}, 5) end,
      ["a message is a table or a string"] = function() ann():send(7) end,
      ["cannot encode: "] = function() ann():send { f = print } end,
      ["conn:close, reason: expected a string, got number"] = function() ann():close(4000, 5) end,
    } do
      local _, found = pcall(call)
      assert.matches("^[%w/._]*user_spec.lua:%d+: " .. problem, found)
    end
  end)

  it("closes all of them", function()
    assert.equal(2, ann():close(4500, "banned"))
    assert.equal(2, #gate.core:issued "close")
  end)

  it("changes with the name", function()
    gate:deliver(desk, { type = "auth", name = "bob" })
    assert.equal(1, ann():size())
    assert.equal(2, gate.world.user.find("bob"):size())
    assert.equal("bob", desk.user)
    gate:deliver(phone, { type = "auth", name = "ann" })
    assert.equal(1, ann():size())
  end)

  it("has a name that is a string", function()
    for _, name in ipairs { 7, "", true } do
      local reply = gate:deliver(bob, { type = "auth", name = name })
      assert.is_false(reply.ok)
      assert.matches("conn:admit: expected the name of a user, got " .. type(name), reply.problem)
    end
  end)
end)
