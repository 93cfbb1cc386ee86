local houses = require "spec.support.house"

local types = houses.types

describe("who comes and goes with the plugin presence", function()
  local house, gate, ann, bob

  local function ask(...) return house:ask(...) end
  local function heard(conn) return house:heard(conn) end
  local function now() return gate.core.now_ms end

  local function load(options, plugins)
    house = houses.open(options, plugins)
    gate = house.gate
    ann, bob = gate:connect "ann", gate:connect "bob"
  end

  --- What the rooms want of that plugin; a spec says itself who is offline.
  local PRESENCE = [[return function(gate)
    gate:provide("1.1", { grace_ms = 2000,
      is_final = function(code, conn) return code == 1000 or conn.state.is_meant end,
      state_of = function(user)
        local found = gate:user(user)
        for _, conn in pairs(found and found.conns or {}) do
          if conn.is_open then return "online" end
        end
        return "offline"
      end })
  end]]

  --- Its hooks come before those of the rooms.
  local SLOW = [[return function(gate)
    gate:after("closed", function() gate:sleep(100) end)
  end]]

  --- That plugin would say so after a grace, or at once.
  local function offline(user) gate.world.request.tell("offline", user) end

  before_each(function()
    load({ presence = true }, { presence = PRESENCE })
    ask(ann, "join", "tea")
    ask(bob, "join", "tea")
    heard(ann)
  end)

  it("is told when that says that somebody will not come back", function()
    gate:close(bob, "lost", 1006)
    assert.same({}, heard(ann))
    assert.same({ "ann", "bob" }, ask(ann, "members", "tea").members)
    offline "bob"
    assert.same({ { type = "left", room = "tea", user = "bob", at = now() } }, heard(ann))
    assert.same({ "ann" }, ask(ann, "members", "tea").members)
    offline "bob"
    assert.same({}, heard(ann))
    assert.same({}, gate.world.state.of("rooms").away)
  end)

  it("is not told of who has come back meanwhile", function()
    gate:close(bob, "lost", 1006)
    bob = gate:connect "bob"
    assert.same({ "ann", "bob" }, ask(bob, "join", "tea").members)
    assert.same({}, heard(ann))
    assert.same({}, gate.world.state.of("rooms").away)
    ask(bob, "leave", "tea")
    assert.equal("left", types(heard(ann)))
  end)

  it("is told at once of who has left", function()
    ask(bob, "leave", "tea")
    assert.equal("left", types(heard(ann)))
    gate:close(bob)
    offline "bob"
    assert.same({}, heard(ann))
  end)

  it("is told once when that says so before the connection is taken out", function()
    load({ presence = true }, { presence = PRESENCE, aaa = SLOW })
    local phone = gate:connect "bob"
    for _, conn in ipairs { ann, bob, phone } do ask(conn, "join", "tea") end
    gate:close(bob, "client", 1000)
    gate:close(phone, "client", 1000)
    heard(ann)
    offline "bob"
    assert.equal("left", types(heard(ann)))
    gate:later(100)
    assert.same({}, heard(ann))
    assert.same({}, gate.world.state.of("rooms").away)
  end)

  it("is told at once when that says that the end of the connection was meant", function()
    bob.state.is_meant = true
    gate:close(bob, "lost", 1006)
    assert.equal("left", types(heard(ann)))
  end)

  it("is nothing to who has come back before that is heard", function()
    gate:close(bob, "client", 1000)
    bob = gate:connect "bob"
    ask(bob, "join", "tea")
    assert.equal("left joined", types(heard(ann)))
    offline "bob"
    assert.same({}, heard(ann))
    assert.same({ "ann", "bob" }, ask(bob, "members", "tea").members)
    assert.is_truthy(ask(bob, "leave", "tea"))
    assert.equal("left", types(heard(ann)))
  end)

  it("is nothing to who has come back and is not known there yet", function()
    load({ presence = true }, { presence = PRESENCE:gsub('"online"', '"offline"') })
    ask(ann, "join", "tea")
    ask(bob, "join", "tea")
    offline "bob"
    assert.same({ "ann", "bob" }, ask(bob, "members", "tea").members)
  end)

  it("is nothing to who has come back, and lost the connection again", function()
    gate:close(bob, "lost", 1006)
    gate:connect "bob"
    offline "bob" -- of before
    assert.same({}, heard(ann))
    gate:later(3100)
    assert.equal("left", types(heard(ann)))
  end)

  it("keeps the place of who is away in a full room", function()
    ask(ann, "create", "den", { options = { max_members = 2 } })
    ask(ann, "join", "den")
    ask(bob, "join", "den")
    gate:close(bob, "lost", 1006)
    assert.equal("too_many_members", house:refused(gate:connect "carl", "join", "den"))
    assert.is_truthy(ask(gate:connect "bob", "join", "den"))
  end)

  it("survives a reload and a new name of the room", function()
    ask(ann, "create", "den")
    ask(ann, "join", "den")
    ask(bob, "join", "den")
    gate:close(bob, "lost", 1006)
    assert(gate:reload())
    ask(ann, "rename", "den", { name = "cave" })
    heard(ann)
    assert.equal(2, ask(ann, "describe", "cave").count)
    offline "bob"
    local told = heard(ann)
    table.sort(told, function(a, b) return a.room < b.room end)
    assert.same({ "cave", "tea" }, { told[1].room, told[2].room })
  end)

  it("forgets who was taken out meanwhile", function()
    ask(ann, "create", "den", { kind = "private" })
    ask(ann, "role", "den", { user = "bob", role = "member" })
    ask(ann, "join", "den")
    ask(bob, "join", "den")
    ask(bob, "leave", "tea")
    gate:close(bob, "lost", 1006)
    heard(ann)
    ask(ann, "role", "den", { user = "bob", role = "guest" })
    assert.equal("role_changed left", types(heard(ann)))
    assert.same({}, gate.world.state.of("rooms").away)
  end)

  describe("of who is connected elsewhere", function()
    local phone

    before_each(function()
      phone = gate:connect "bob"
      ask(phone, "join", "milk")
      heard(ann)
    end)

    it("is told at once when the one in the room is closed for good", function()
      gate:close(bob, "client", 1000)
      assert.same({ { type = "left", room = "tea", user = "bob", at = now() } }, heard(ann))
      assert.same({ "ann" }, ask(ann, "members", "tea").members)
      gate:later(5000)
      assert.same({}, heard(ann))
    end)

    it("is told when the one in the room is lost, and the grace is over", function()
      gate:close(bob, "lost", 1006)
      gate:later(1900)
      assert.same({ "ann", "bob" }, ask(ann, "members", "tea").members)
      assert.same({}, heard(ann))
      gate:later(1200)
      assert.equal("left", types(heard(ann)))
      assert.same({ "ann" }, ask(ann, "members", "tea").members)
      assert.same({ "bob" }, ask(phone, "members", "milk").members)
      assert.same({}, gate.world.state.of("rooms").away)
      offline "bob"
      assert.same({}, heard(ann))
    end)

    it("is not told of who joins again with the other one", function()
      gate:close(bob, "lost", 1006)
      ask(phone, "join", "tea")
      gate:later(5000)
      assert.same({}, heard(ann))
      gate:close(phone, "client", 1000)
      assert.equal("left", types(heard(ann)))
    end)

    it("leaves the place in a full room to another", function()
      ask(ann, "create", "den", { options = { max_members = 2 } })
      ask(ann, "join", "den")
      ask(bob, "join", "den")
      gate:close(bob, "lost", 1006)
      gate:later(3100)
      assert.is_truthy(ask(gate:connect "carl", "join", "den"))
    end)

    it("is told of who has come back, and not to the room", function()
      gate:close(phone, "lost", 1006)
      gate:close(bob, "lost", 1006)
      gate:connect "bob"
      gate:later(3100)
      assert.equal("left", types(heard(ann)))
      assert.same({}, gate.world.state.of("rooms").away)
    end)

    it("is told after a reload, also when older code knew no time", function()
      gate:close(bob, "lost", 1006)
      gate.world.state.of("rooms").away.bob.tea = true
      assert(gate:reload())
      gate:later(1100)
      assert.equal("left", types(heard(ann)))
    end)

    it("is told in time when the clock is set back", function()
      gate:close(bob, "lost", 1006)
      gate.world.state.of("rooms").away.bob.tea = now() + 3600000
      gate:later(3100)
      assert.equal("left", types(heard(ann)))
    end)
  end)

  it("is that of connections again without it, and told of who was waited for", function()
    local carl = gate:connect "carl"
    for _, room in ipairs { "tea", "milk" } do ask(carl, "join", room) end
    ask(bob, "join", "milk")
    gate:close(bob, "lost", 1006)
    for _, conn in ipairs { ann, carl } do heard(conn) end
    assert(gate:reload({}, { rooms = { presence = false } }))
    assert.same({ { type = "left", room = "tea", user = "bob", at = now() } }, heard(ann))
    assert.equal("left left", types(heard(carl)))
    assert.same({ "ann", "carl" }, ask(ann, "members", "tea").members)
    assert.same({}, gate.world.state.of("rooms").away)
    gate:close(carl, "lost", 1006)
    assert.equal("left", types(heard(ann)))
  end)

  it("is told as before when a reload without it fails", function()
    gate:close(bob, "lost", 1006)
    heard(ann)
    assert.is_nil((gate:reload({ zzz = "error 'no'" }, { rooms = { presence = false } })))
    assert.same({}, heard(ann))
    assert.same({ "ann", "bob" }, ask(ann, "members", "tea").members)
    gate:later(3100)
    assert.equal("left", types(heard(ann)))
  end)
end)
