local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"

-- All others: rooms_spec.lua.
describe("rooms of a kind", function()
  local gate, ann, bob

  local function ask(type_name)
    return function(conn, room, data)
      return gate:deliver(conn, { type = type_name, room = room, data = data })
    end
  end

  local join, leave, say, members = ask "join", ask "leave", ask "say", ask "members"

  local QUIZ = [[return function(gate)
    gate:room_kind("quiz", {
      may_join = function(_, conn)
        if conn.user == "eve" then return nil, "banned", "no", true end
        if conn.user == "carl" then gate:sleep(10) end
      end,
      said = function(room, conn, data)
        if data ~= "42" then return nil, "wrong", "try again" end
        room:publish { type = "solved", room = room.name, user = conn.user }
        return { points = 1 }
      end,
    })
    gate:on("open", function() return { gate:open_room("quiz", "q1") ~= nil } end)
  end]]

  before_each(function()
    gate = fake_gate.load { auth = "return function() end", quiz = QUIZ,
      rooms = file.read "scripts/rooms.lua", messages = file.read "scripts/messages.lua" }
    ann, bob = gate:connect "ann", gate:connect "bob"
    gate:deliver(ann, { type = "open" })
  end)

  it("are joined and talked to like others, and their plugin decides", function()
    join(ann, "q1")
    join(bob, "q1")
    assert.same({ nil, "wrong", "try again" }, { say(ann, "q1", "41") })
    assert.same({ points = 1 }, (say(ann, "q1", "42")))
    assert.same({ type = "solved", room = "q1", user = "ann" }, bob.heard[#bob.heard])
  end)

  it("have nothing in their state, which may be saved, of who is in", function()
    join(ann, "q1")
    local room = gate.world.room.find "q1"
    assert.same({}, room.state)
    room.state.users = { ghost = 1, bob = 1 } -- as once saved
    ann.heard = {}
    assert.same({ "ann", "bob" }, join(bob, "q1").members)
    assert.same({ "joined", "bob" }, { ann.heard[1].type, ann.heard[1].user })
    leave(bob, "q1")
    assert.same({ "left", "bob" }, { ann.heard[2].type, ann.heard[2].user })
  end)

  it("have in them who is in, whoever has taken the others out", function()
    join(ann, "q1")
    join(bob, "q1")
    gate.world.room.find("q1"):remove(bob)
    assert.same({ "ann" }, members(ann, "q1").members)
  end)

  it("may refuse", function()
    assert.same({ nil, "banned", "no", true },
      { gate:deliver(gate:connect "eve", { type = "join", room = "q1" }) })
  end)

  it("may take their time, in which the one who wants to come in may go", function()
    join(ann, "q1")
    local first, second = gate:connect "carl", gate:connect "carl"
    gate:ask(first, { type = "join", room = "q1" })
    local answer = gate:ask(second, { type = "join", room = "q1" })
    gate:close(first, "lost")
    gate:later(10)
    assert.is_false(answer.is_given)
    gate:later(10)
    assert.same({ "ann", "carl" }, answer.data.members)
    gate:close(second, "lost")
    assert.same({ "ann" }, join(ann, "q1").members)
  end)
end)
