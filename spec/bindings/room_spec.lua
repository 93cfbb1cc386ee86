local fake_core = require "spec.support.fake_core"

describe("room", function()
  local core, C, conns, rooms, tea, ann, bob

  local function open()
    local id = core:open()
    return conns.open(id, table.remove(core.events).bytes)
  end

  local function heard(conn) return core.conns[conn.id].heard end

  before_each(function()
    local world = fake_core.world()
    core, conns, rooms = world.core, world.conn, world.room
    C = core.C
    tea, ann, bob = rooms.find "tea", open(), open()
  end)

  it("is one room for one name", function()
    assert.equal(tea, rooms.find "tea")
    assert.are_not.equal(tea, rooms.find "Tea")
    assert.equal("tea", tea.name)
  end)

  it("counts its members", function()
    assert.equal(0, tea:size())
    assert.is_true(tea:add(ann))
    assert.is_true(tea:add(bob))
    assert.equal(2, tea:size())
    assert.is_true(tea:has(ann))
    assert.is_true(tea:remove(ann))
    assert.equal(1, tea:size())
    assert.is_false(tea:has(ann))
    assert.is_true(tea:has(bob))
  end)

  it("is written down with its members", function()
    tea:add(ann)
    assert.is_true(ann.rooms[tea])
    assert.equal(ann, tea.members[ann.id])
    tea:remove(ann)
    assert.is_nil(ann.rooms[tea])
    assert.is_nil(tea.members[ann.id])
  end)

  it("takes a member once", function()
    tea:add(ann)
    assert.same({ nil, "already" }, { tea:add(ann) })
    assert.equal(1, tea:size())
    assert.equal(1, #core:issued "join")
  end)

  it("does not take a connection that is in as many as it may be", function()
    core.facts.max_rooms = 2
    assert.is_true(tea:add(ann))
    assert.is_true(rooms.find("coffee"):add(ann))
    assert.same({ nil, "too_many_rooms", "at most 2 for a connection" },
      { rooms.find("milk"):add(ann) })
    assert.is_true(rooms.find("milk"):add(bob))
    tea:remove(ann)
    assert.is_true(rooms.find("milk"):add(ann))
    core.facts.max_rooms = 1
    assert.is_nil(next(open().rooms))
    local eve = open()
    assert.is_true(tea:add(eve))
    assert.equal(2, select("#", rooms.find("milk"):add(eve)) - 1)
    tea:remove(eve)
    assert.is_true(rooms.find("milk"):add(eve))
  end)

  it("does not take a connection that has closed", function()
    conns.forget(ann)
    assert.same({ nil, "gone" }, { tea:add(ann) })
    assert.equal(0, tea:size())
  end)

  it("does not count a member that the core has refused", function()
    core.answers.moon_join = C.MOON_EFULL
    assert.same({ nil, "full" }, { tea:add(ann) })
    assert.equal(0, tea:size())
    assert.same({}, ann.rooms)
    core.answers.moon_join = nil
    assert.is_true(tea:add(ann))
  end)

  it("says whether there was somebody to remove", function()
    assert.is_false(tea:remove(ann))
    assert.same({}, core:issued "leave")
  end)

  it("publishes to all members, in order", function()
    tea:add(ann)
    tea:add(bob)
    assert.is_true(tea:publish { n = 1 })
    assert.is_true(tea:publish "two")
    assert.same({ '{"n":1}', "two" }, heard(ann))
    assert.same(heard(ann), heard(bob))
  end)

  it("publishes to all members but one", function()
    tea:add(ann)
    tea:add(bob)
    tea:publish("psst", { except = ann })
    assert.same({}, heard(ann))
    assert.same({ "psst" }, heard(bob))
  end)

  it("publishes bytes as binary", function()
    tea:add(ann)
    tea:publish("\255", { binary = true })
    assert.same({ "\255" }, heard(ann))
    assert.equal(C.MOON_BINARY, core:issued("publish")[1].opcode)
  end)

  it("publishes in a class, reliable by itself", function()
    tea:publish "1"
    tea:publish("2", { class = "latest", key = "pos" })
    tea:publish("3", { class = "volatile", except = ann })
    local issued = core:issued "publish"
    assert.equal("reliable", issued[1].class)
    assert.same({ "latest", "pos" }, { issued[2].class, issued[2].key })
    assert.same({ "volatile", ann.id }, { issued[3].class, issued[3].except })
  end)

  it("publishes nothing of the class for one", function()
    local _, problem = pcall(function() tea:publish("x", { class = "control" }) end)
    assert.matches('room_spec.lua:%d+: room:publish: class "control" is for one', problem)
    assert.same({}, core.commands)
  end)

  it("takes nothing but a connection to be left out, and that by its name", function()
    for _, how in ipairs { ann, { except = "ann" }, { except = {} }, { except = 5 } } do
      local _, problem = pcall(function() tea:publish("x", how) end)
      assert.matches("room_spec.lua:%d+: .*except = conn }", problem)
    end
    assert.same({}, core.commands)
  end)

  it("takes nothing but a connection", function()
    for _, name in ipairs { "add", "remove", "has" } do
      local _, problem = pcall(function() tea[name](tea, nil) end)
      assert.matches("room_spec.lua:%d+: room:" .. name .. ": expected a connection, got nil",
        problem)
    end
  end)

  it("publishes to those who are in at that moment", function()
    tea:publish "before"
    tea:add(ann)
    tea:publish "during"
    tea:remove(ann)
    tea:publish "after"
    assert.same({ "during" }, heard(ann))
  end)

  it("says in a word why a message is refused", function()
    assert.same({ nil, "too_big" }, { tea:publish(("x"):rep(C.MOON_MAX_FRAME_BYTES + 1)) })
    assert.same({ nil, "bad_utf8" }, { tea:publish "\255" })
    core.answers.moon_publish = C.MOON_EFULL
    assert.same({ nil, "full" }, { tea:publish "x" })
  end)

  it("blames the caller for what cannot be sent", function()
    local function publish(message) tea:publish(message) end
    local _, problem = pcall(publish, 7)
    assert.matches("room_spec.lua:%d+: a message is a table or a string", problem)
    _, problem = pcall(publish, { f = print })
    assert.matches("room_spec.lua:%d+: cannot encode: ", problem)
  end)

  it("loses its state with the last member", function()
    tea:add(ann)
    tea:add(bob)
    tea.state.topic = "milk"
    tea:remove(ann)
    assert.equal("milk", tea.state.topic)
    tea:remove(bob)
    assert.same({}, tea.state)
  end)

  it("is found again after it has been empty, while somebody holds it", function()
    tea:add(ann)
    tea:remove(ann)
    collectgarbage()
    assert.equal(tea, rooms.find "tea")
    tea:add(bob)
    rooms.find("tea"):publish "still here"
    assert.same({ "still here" }, heard(bob))
  end)

  it("is kept by its members alone", function()
    tea:add(ann)
    tea.state.topic = "milk"
    tea = nil
    collectgarbage()
    assert.equal("milk", rooms.find("tea").state.topic)
    assert.is_true(rooms.find("tea"):has(ann))
  end)

  it("is forgotten when nobody is in it and nobody holds it", function()
    local first_id = tea.id
    tea = nil
    collectgarbage()
    collectgarbage()
    assert.is_nil(rooms.all.tea)
    assert.is_true(rooms.find("tea").id > first_id)
  end)

  it("drops a connection that has closed without telling the core", function()
    local milk = rooms.find "milk"
    tea:add(ann)
    milk:add(ann)
    conns.forget(ann)
    rooms.drop(ann)
    assert.equal(0, tea:size())
    assert.equal(0, milk:size())
    assert.same({}, ann.rooms)
    assert.same({}, core:issued "leave")
  end)

  describe("with two codecs", function()
    local codec, eve, rendered

    --- Counts what a codec writes.
    local function count(one)
      local encode = one.encode
      one.encode = function(value)
        rendered[one.name] = (rendered[one.name] or 0) + 1
        return encode(value)
      end
    end

    local function open_with(protocol)
      local id = core:open("/ws", "", protocol)
      return conns.open(id, table.remove(core.events).bytes)
    end

    before_each(function()
      local world = fake_core.world()
      core, conns, rooms, codec = world.core, world.conn, world.room, world.codec
      C, rendered = world.core.C, {}
      count(codec.json)
      count(codec.msgpack)
      tea = rooms.find "tea"
      ann, bob = open_with "", open_with "moongate.v1.json"
      eve = open_with "moongate.v1.msgpack"
    end)

    it("renders a table once for each, and each member gets what it can read", function()
      local mallory = open_with "moongate.v1.msgpack"
      for _, member in ipairs { ann, eve, bob, mallory } do assert.is_true(tea:add(member)) end
      assert.equal(4, tea:size())
      assert.is_true(tea:publish { n = 1 })
      assert.same({ json = 1, msgpack = 1 }, rendered)
      assert.same({ '{"n":1}' }, heard(ann))
      assert.same(heard(ann), heard(bob))
      assert.same({ "\129\161n\1" }, heard(eve))
      assert.same(heard(eve), heard(mallory))
      local issued = core:issued "publish"
      assert.equal(2, #issued)
      assert.same({ C.MOON_TEXT, C.MOON_BINARY }, { issued[1].opcode, issued[2].opcode })
    end)

    it("renders nothing for a codec that nobody speaks", function()
      tea:add(ann)
      tea:publish { n = 1 }
      assert.same({ json = 1 }, rendered)
      tea:add(eve)
      tea:remove(ann)
      tea:publish { n = 2 }
      assert.same({ json = 1, msgpack = 1 }, rendered)
      tea:remove(eve)
      tea:add(bob)
      tea:publish { n = 3 }
      assert.same({ json = 2, msgpack = 1 }, rendered)
      assert.same({ '{"n":3}' }, heard(bob))
      assert.equal(3, #core:issued "publish")
    end)

    it("publishes a string as it is, to all, in one order", function()
      tea:add(ann)
      tea:add(eve)
      for n = 1, 3 do assert.is_true(tea:publish(("n%d"):format(n))) end
      assert.same({ "n1", "n2", "n3" }, heard(ann))
      assert.same(heard(ann), heard(eve))
      assert.same({}, rendered)
    end)

    it("asks the core for nothing more where all speak the default", function()
      tea:add(ann)
      tea:add(bob)
      tea:publish "hello"
      tea:publish { n = 1 }
      assert.same({}, core:issued "has_room")
      assert.equal(2, #core:issued "publish")
    end)

    it("leaves out who is to be left out, whatever they speak", function()
      tea:add(ann)
      tea:add(eve)
      tea:publish({ n = 1 }, { except = eve })
      tea:publish({ n = 2 }, { except = ann })
      assert.same({ '{"n":1}' }, heard(ann))
      assert.same({ "\129\161n\2" }, heard(eve))
    end)

    it("keeps class and key in each part", function()
      tea:add(ann)
      tea:add(eve)
      tea:publish({ n = 1 }, { class = "latest", key = "pos" })
      for _, issued in ipairs(core:issued "publish") do
        assert.same({ "latest", "pos" }, { issued.class, issued.key })
      end
      assert.equal(2, #core:issued "publish")
    end)

    it("is full for all or for none", function()
      tea:add(ann)
      tea:add(eve)
      core.answers.moon_has_room = C.MOON_EFULL
      assert.same({ nil, "full" }, { tea:publish { n = 1 } })
      assert.same({ nil, "full" }, { tea:publish "x" })
      assert.same({}, core:issued "publish")
      local asked = core:issued "has_room"
      assert.same({ 2, 7 + 4 }, { asked[1].messages, asked[1].bytes })
    end)

    it("tells nobody what one codec cannot say", function()
      tea:add(ann)
      tea:add(eve)
      assert.same({ nil, "bad_utf8" }, { tea:publish { data = "\255" } })
      assert.same({ nil, "bad_utf8" }, { tea:publish { ["\255"] = 1 } })
      assert.same({ nil, "bad_utf8" }, { tea:publish "\255" })
      assert.same({ nil, "too_big" }, { tea:publish { ("\1"):rep(100000) } }) -- \u0001 in JSON
      assert.same({}, heard(ann))
      assert.same({}, heard(eve))
      tea:remove(ann)
      assert.is_true(tea:publish { data = "\255" }) -- a bin
      assert.same({ "\129\164data\196\1\255" }, heard(eve))
    end)

    it("blames the caller for what cannot be sent", function()
      tea:add(eve)
      for message, problem in pairs { [{ f = print }] = "cannot encode: ",
        [7] = "a message is a table or a string" } do
        local _, raised = pcall(function() tea:publish(message) end)
        assert.matches("room_spec.lua:%d+: " .. problem, raised)
      end
      local _, raised = pcall(function() tea:publish("x", { except = "ann" }) end)
      assert.matches("room_spec.lua:%d+: room:publish: expected { except = conn }", raised)
      _, raised = pcall(function() tea:publish("x", { class = "control" }) end)
      assert.matches('room_spec.lua:%d+: room:publish: class "control" is for one', raised)
      assert.same({}, core:issued "publish")
    end)

    it("takes out who has closed", function()
      tea:add(ann)
      tea:add(eve)
      conns.forget(eve)
      rooms.drop(eve)
      assert.equal(1, tea:size())
      tea:publish { n = 1 }
      assert.same({ json = 1 }, rendered)
    end)

    it("does not count a member that the core has refused", function()
      core.answers.moon_join = C.MOON_EFULL
      assert.same({ nil, "full" }, { tea:add(eve) })
      core.answers.moon_join = nil
      tea:add(ann)
      tea:publish { n = 1 }
      assert.same({ json = 1 }, rendered)
      assert.is_true(tea:add(eve))
      tea:publish { n = 2 }
      assert.same({ json = 2, msgpack = 1 }, rendered)
      assert.same({ "\129\161n\2" }, heard(eve))
    end)
  end)
end)
