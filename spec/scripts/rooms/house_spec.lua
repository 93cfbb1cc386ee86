local houses = require "spec.support.house"

describe("the rooms' API", function()
  local house, gate, ann, bob, result

  --- Another plugin: each request runs a piece of code with the API.
  local function other(code)
    return ([[return function(gate)
      gate:needs "rooms"
      local rooms = gate:use("rooms", "1.0")
      gate:on("other", function(conn, message) %s end)
    end]]):format(code)
  end

  local function load(code)
    house = houses.open(nil, { other = other(code) })
    gate = house.gate
    ann, bob = gate:connect "ann", gate:connect "bob"
    house:ask(ann, "create", "tea", { title = "Tea" })
    for _, conn in ipairs { ann, bob } do
      house:ask(conn, "join", "tea")
      house:heard(conn)
    end
    house:heard(ann)
  end

  local function ask(conn, room, data)
    result = { house:ask(conn, "other", room, data) }
    return unpack(result)
  end

  it("finds rooms and roles", function()
    load [[
      local record = rooms.find(message.room)
      return record and { kind = record.kind, mine = rooms.role(conn, record),
        anns = rooms.role("ann", record) } or nil, "none"
    ]]
    assert.same({ kind = "public", mine = "guest", anns = "owner" }, (ask(bob, "tea")))
    bob.state.admin = true
    assert.equal("admin", ask(bob, "tea").mine)
    house:ask(bob, "join", "bar")
    assert.same({ kind = "ephemeral", mine = "member", anns = "member" },
      (ask(ann, "bar")))
    assert.same({ nil, "none" }, { ask(bob, "milk") })
  end)

  it("says who may do what", function()
    load [[
      local granted, code, text = rooms.may(conn, rooms.find "tea", message.data)
      if not granted then return nil, code, text end
    ]]
    assert.is_truthy(ask(ann, nil, "ban"))
    assert.same({ nil, "not_allowed", "ban: not as guest in this room" }, { ask(bob, nil, "ban") })
    assert.is_truthy(ask(bob, nil, "react"))
  end)

  it("knows the room of a message", function()
    load [[
      local room, record, text = rooms.in_room(conn, message)
      if not room then return nil, record, text end
      return { name = room.name, kind = record and record.kind }
    ]]
    assert.same({ name = "tea", kind = "public" }, (ask(bob, "tea")))
    assert.same({ nil, "not_a_member", "join the room first" }, { ask(bob, "milk") })
    assert.same({ nil, "bad_request", "room: expected a string" }, { ask(bob, 7) })
  end)

  it("takes a user out with all connections, and says why", function()
    load [[return { was_in = rooms.evict(rooms.find "tea", message.data, "banned") }]]
    local phone = gate:connect "bob"
    house:ask(phone, "join", "tea")
    assert.is_true(ask(ann, nil, "bob").was_in)
    local left = { type = "left", room = "tea", user = "bob", reason = "banned",
      at = gate.core.now_ms }
    for _, conn in ipairs { ann, bob, phone } do assert.same({ left }, house:heard(conn)) end
    assert.equal("not_a_member", house:refused(phone, "say", "tea", "hello"))
    assert.same({ "ann" }, house:ask(ann, "members", "tea").members)
    assert.is_false(ask(ann, nil, "bob").was_in)
  end)

  it("saves what a plugin keeps in a record", function()
    load [[
      local record = rooms.find "tea"
      record.banned = { bob = true }
      rooms.changed(record)
    ]]
    ask(ann)
    gate:later(100)
    local kept
    gate.world.task.run(function()
      kept = gate.world.store.new(gate.world.plugin.current().plugins.rooms):get "room:tea"
    end)
    gate:later(10)
    assert.same({ bob = true }, kept.banned)
  end)

  it("lists rooms, whoever may find them, sorted", function()
    load [[
      local names = {}
      for i, record in ipairs(rooms.list(message.data)) do names[i] = record.name end
      return { names = names }
    ]]
    house:ask(ann, "create", "den", { kind = "private" })
    assert.same({ "den", "tea" }, ask(bob, nil, {}).names)
    assert.same({ "tea" }, ask(bob, nil, { kind = "public" }).names)
  end)

  describe("a room that a join has made", function()
    --- Other plugins hear which rooms are no more.
    local function load_hearer()
      house = houses.open(nil, { hearer = [[return function(gate)
        gate.state.told = gate.state.told or {}
        gate:after("room_deleted", function(name) table.insert(gate.state.told, name) end)
      end]] })
      gate = house.gate
      ann, bob = gate:connect "ann", gate:connect "bob"
    end

    local function told()
      local state = gate.world.state.of "hearer"
      local list = state.told
      state.told = {}
      return list
    end

    it("is told to have ended with its last member, and what was said there with it", function()
      load_hearer()
      house:ask(ann, "join", "tea")
      house:ask(bob, "join", "tea")
      local id = house:ask(ann, "say", "tea", "hello").id
      house:ask(ann, "leave", "tea")
      assert.same({}, told())
      gate:close(bob)
      assert.same({ "tea" }, told())
      local again = house:ask(ann, "join", "tea")
      assert.is_nil(again.last)
      local answer = gate:ask(ann, { type = "edit", room = "tea", message_id = id, data = "hi" })
      assert.equal("too_old", answer.code)
      assert.is_true(house:ask(ann, "say", "tea", "hello").id > id)
      gate:reload()
      house:ask(ann, "leave", "tea")
      assert.same({ "tea" }, told())
    end)

    it("has not ended when somebody makes it theirs, and is told when it is deleted", function()
      load_hearer()
      house:ask(ann, "join", "milk")
      house:ask(ann, "create", "milk")
      house:ask(ann, "rename", "milk", { name = "tea" })
      local id = house:ask(ann, "say", "tea", "hello").id
      house:ask(ann, "leave", "tea")
      assert.equal(id, house:ask(ann, "join", "tea").last)
      house:ask(ann, "rename", "tea", { name = "chai" })
      assert.equal(id, house:ask(ann, "join", "chai").last)
      assert.same({}, told())
      house:ask(ann, "archive", "chai")
      house:ask(ann, "delete_room", "chai")
      assert.same({ "chai" }, told())
    end)

    it("may be deleted at once when somebody has made it theirs", function()
      load_hearer()
      house:ask(ann, "join", "tea")
      house:ask(ann, "create", "tea")
      house:ask(ann, "archive", "tea")
      house:ask(ann, "delete_room", "tea")
      assert.same({ "tea" }, told())
    end)
  end)
end)
