local fake_gate = require "spec.support.fake_gate"

describe("joining a room of a kind", function()
  local CLUB = [[return function(gate)
    gate.state.events = {}
    local function note(format, ...) table.insert(gate.state.events, format:format(...)) end
    gate:room_kind("club", {
      %s
      joined = function(room, conn) note("joined %%s %%d", conn.user, room:size()) end,
      left = function(room, conn) note("left %%s %%d", conn.user, room:size()) end,
      said = function(room, conn, data)
        if data == "wait" then gate:sleep(20) end
        if data == "often" then return nil, "slow_mode", "wait", true, 2000 end
        if data == "invite" then
          return { ok = room:add(gate:user("bob").conns[gate.state.bob]) }
        end
        if data == "echo" then return (room:say(conn, "x")) end
        note("said %%s", data)
        return {}
      end,
    })
    gate:on("open", function() return { gate:open_room("club", "c1") ~= nil } end)
    gate:on("enter", function(conn)
      local ok, code, text, temporary, retry_after_ms = gate:room("c1"):add(conn)
      if not ok then return nil, code, text, temporary, retry_after_ms end
      note("answered %%s", conn.user)
    end)
    gate:on("talk", function(conn, message) return gate:room("c1"):say(conn, message.data) end)
    gate:on("close", function() gate:room("c1"):close "over" end)
    gate:raw("/raw", {
      opened = function(conn)
        conn:admit "raw"
        local ok, code = gate:room("c1"):add(conn)
        note("raw %%s", tostring(ok or code))
      end,
    })
  end]]

  local WAITS = [[
    may_join = function(_, conn)
      if conn.user == "eve" then return nil, "banned", "not you", true end
      gate:sleep(conn.user == "slow" and 40000 or 10)
    end,]]

  local gate, ann, bob

  local function load(more)
    gate = fake_gate.load { a = CLUB:format(more) }
    ann, bob = gate:connect "ann", gate:connect "bob"
    gate:deliver(ann, { type = "open" })
    gate.world.state.of("a").bob = bob.id
  end

  local function enter(conn) return gate:ask(conn, { type = "enter" }) end
  local function talk(conn, data) return gate:ask(conn, { type = "talk", data = data }) end
  local function room() return gate.world.room.find "c1" end

  local function events()
    local state = gate.world.state.of "a"
    local found = state.events
    state.events = {}
    return found
  end

  it("refuses with a code that is a word, or logs whose code is none", function()
    load "may_join = function() return nil, 404 end,"
    local result
    gate.world.task.run(function() result = { room():add(ann) } end)
    assert.same({ nil, "internal", "the handler failed", true }, result)
    assert.is_truthy(gate:logged "a#1: an error code is a string, not a number")
    assert.equal(0, room():size())
  end)

  describe("whose hook waits", function()
    it("takes in no more than there is room for", function()
      load(WAITS .. "max_members = 1,")
      local first, second = enter(ann), enter(bob)
      gate:later(10)
      assert.same({}, first.data)
      assert.same({ "too_many_members", "at most 1" }, { second.code, second.text })
      assert.equal(1, room():size())
    end)

    it("takes a connection in once, whoever adds it meanwhile", function()
      load(WAITS)
      local answers = {}
      for i = 1, 2 do
        gate.world.task.run(function() answers[i] = { room():add(ann) } end)
      end
      gate:later(20)
      assert.same({ { true }, { nil, "already", "it is in the room" } }, answers)
      assert.equal(1, room():size())
      assert.same({ "joined ann 1" }, events())
    end)

    it("takes nobody into a room that has closed meanwhile", function()
      load(WAITS)
      local answer, closed = enter(ann), room()
      gate:deliver(bob, { type = "close" })
      gate:later(10)
      assert.same({ "gone", "the room has closed" }, { answer.code, answer.text })
      assert.equal(0, closed:size())
      assert.same({}, events())
    end)

    it("takes in no connection that has closed meanwhile", function()
      load(WAITS)
      enter(ann)
      gate:close(ann, "lost")
      gate:later(10)
      assert.equal(0, room():size())
      assert.same({}, events())
    end)

    it("takes nobody in when its kind is no more", function()
      gate = fake_gate.load { a = CLUB:format(WAITS), b = "return function() end" }
      ann = gate:connect "ann"
      gate:deliver(ann, { type = "open" })
      local closed, answer = room(), enter(ann)
      assert(gate:reload { a = false })
      gate:later(10)
      assert.equal("gone", answer.code)
      assert.equal(0, closed:size())
    end)

    it("takes its turn among the events of the room", function()
      load(WAITS)
      enter(ann)
      gate:later(10)
      events()
      talk(ann, "wait")
      local entered = enter(bob)
      gate:later(20)
      assert.is_false(entered.is_given)
      gate:later(10)
      assert.same({ "said wait", "answered bob", "joined bob 2" }, events())
    end)

    it("is cancelled when it does so for too long, and the next one is not", function()
      load(WAITS)
      local slow = enter(gate:connect "slow")
      local answer = enter(ann)
      gate:later(32000)
      assert.same({ "timeout", true }, { slow.code, slow.temporary })
      assert.equal("timeout", answer.code)
      assert.same({}, enter(bob).data or {})
      gate:later(10)
      assert.same({ "answered bob", "joined bob 1" }, events())
      assert.equal(1, room():size())
    end)
  end)

  describe("whose hook decides at once", function()
    local DECIDES = [[may_join = function(_, conn)
      if conn.user == "eve" then return nil, "banned", "not you", true end
    end,]]

    it("is told before the answer", function()
      load(DECIDES)
      assert.same({}, enter(ann).data)
      assert.same({ "joined ann 1", "answered ann" }, events())
    end)

    it("may refuse, and say that it is for now", function()
      load(DECIDES)
      local answer = enter(gate:connect "eve")
      assert.same({ "banned", "not you", true }, { answer.code, answer.text, answer.temporary })
    end)

    it("may say for how long, as what is said may be refused", function()
      load [[may_join = function() gate:sleep(1) return nil, "full", "wait", true, 1500 end,]]
      local answer = enter(ann)
      gate:later(1)
      assert.same({ "full", "wait", true, 1500 },
        { answer.code, answer.text, answer.temporary, answer.retry_after_ms })
      load ""
      enter(ann)
      answer = talk(ann, "often")
      assert.same({ "slow_mode", "wait", true, 2000 },
        { answer.code, answer.text, answer.temporary, answer.retry_after_ms })
    end)

    it("needs a task", function()
      load(DECIDES)
      gate:connect(nil, { path = "/raw" })
      assert.same({}, events())
      assert.is_truthy(gate:logged(
        "/a.lua:32: room:add, when the kind has may_join: only in a task"))
    end)

    it("is too much for a room that has 256 events to come", function()
      load(DECIDES)
      local members = {}
      for n = 1, 257 do
        members[n] = gate:connect "carl"
        enter(members[n])
      end
      for _, conn in ipairs(members) do talk(conn, "wait") end
      local answer = enter(ann)
      assert.same({ "too_many_requests", true }, { answer.code, answer.temporary })
    end)
  end)

  it("is too much for a room that has 256 events to come, also when nobody is asked", function()
    load ""
    enter(ann)
    talk(ann, "wait")
    local count, code = 0, nil
    while not code and count < 1000 do
      gate.world.task.run(function() code = select(2, room():add(bob)) end)
      count = count + 1
      room():remove(bob)
    end
    assert.same({ "too_many_requests", 129 }, { code, count })
    gate:later(20)
    local told = events()
    assert.same({ "joined bob 1", "left bob 1" }, { told[#told - 1], told[#told] })
  end)

  it("needs no task when nobody is asked", function()
    load ""
    gate:connect(nil, { path = "/raw" })
    assert.same({ "joined raw 1", "raw true" }, events())
  end)

  it("is done at once within a hook of the room", function()
    load(WAITS)
    enter(ann)
    gate:later(10)
    events()
    local answer = talk(ann, "invite")
    gate:later(10)
    assert.same({ ok = true }, answer.data)
    assert.same({ "joined bob 2" }, events())
  end)

  it("is not to be confused with talking there, which would wait for itself", function()
    load ""
    enter(ann)
    assert.equal("internal", talk(ann, "echo").code)
    assert.is_truthy(gate:logged "/a.lua:14: room:say: not within a hook of this room")
  end)
end)
