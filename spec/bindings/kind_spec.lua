local fake_gate = require "spec.support.fake_gate"

describe("gate:room_kind", function()
  local gate, ann, bob

  -- Notes each event in gate.state.
  local MATCH = [[return function(gate)
    gate.state.events = gate.state.events or {}
    local function note(format, ...) table.insert(gate.state.events, format:format(...)) end
    gate:room_kind("match", {
      opened = function(room, options) note("opened %%s %%s", room.name, options.map or "-") end,
      may_join = function(_, conn)
        if conn.user == "eve" then return nil, "banned", "not you" end
      end,
      joined = function(room, conn) note("joined %%s %%d", conn.user, room:size()) end,
      left = function(room, conn) note("left %%s %%d", conn.user, room:size()) end,
      said = function(room, conn, data)
        note("said %%s %%s", conn.user, data.text)
        if data.ms then gate:sleep(data.ms) end
        if data.text == "bad" then return nil, "illegal", "no such move" end
        if data.text == "ouch" then error "ouch" end
        note("done %%s", data.text)
        return { count = room:size() }
      end,
      closed = function(room, reason) note("closed %%s %%s", room.name, reason) end,
      max_members = 2,
      %s
    })
    gate:on("open", function(_, message)
      local room, reason = gate:open_room(message.kind or "match", message.name, message.options)
      return { is_open = room ~= nil, reason = reason }
    end)
    gate:on("enter", function(conn, message)
      local ok, code, text = gate:room(message.name):add(conn)
      if not ok then return nil, code, text end
    end)
    gate:on("leave", function(conn, message)
      return { was_in = gate:room(message.name):remove(conn) }
    end)
    gate:on("move", function(conn, message)
      return gate:room(message.name):say(conn, message.data)
    end)
    gate:on("close", function(_, message) gate:room(message.name):close "over" end)
  end]]

  local function load(more, plugins)
    plugins = plugins or {}
    plugins.a = MATCH:format(more or "")
    gate = fake_gate.load(plugins)
    ann, bob = gate:connect "ann", gate:connect "bob"
  end

  local function ask(conn, type_name, more)
    local message = { type = type_name, name = "m1" }
    for key, value in pairs(more or {}) do message[key] = value end
    return gate:ask(conn, message)
  end

  --- What was noted since the last call.
  local function events()
    local state = gate.world.state.of "a"
    local found = state.events
    state.events = {}
    return found
  end

  it("opens a room, once, with options", function()
    load()
    assert.same({ is_open = true }, ask(ann, "open", { options = { map = "hills" } }).data)
    assert.same({ is_open = false, reason = "exists" }, ask(ann, "open").data)
    assert.same({ is_open = false, reason = "unknown_kind" },
      ask(ann, "open", { kind = "race", name = "m2" }).data)
    assert.same({ "opened m1 hills" }, events())
  end)

  it("tells who comes and who goes, also when a connection breaks", function()
    load()
    ask(ann, "open")
    ask(ann, "enter")
    ask(bob, "enter")
    ask(ann, "leave")
    gate:close(bob, "lost")
    assert.same({ "opened m1 -", "joined ann 1", "joined bob 2", "left ann 1", "left bob 0" },
      events())
  end)

  it("lets the kind say who may come in", function()
    load()
    ask(ann, "open")
    local eve = gate:connect "eve"
    local answer = ask(eve, "enter")
    assert.same({ "banned", "not you" }, { answer.code, answer.text })
    ask(ann, "enter")
    ask(bob, "enter")
    assert.equal("too_many_members", ask(gate:connect "carl", "enter").code)
  end)

  it("gives what a member says to the kind, whose answer is the reply", function()
    load()
    ask(ann, "open")
    ask(ann, "enter")
    assert.same({ count = 1 }, ask(ann, "move", { data = { text = "e4" } }).data)
    local answer = ask(ann, "move", { data = { text = "bad" } })
    assert.same({ "illegal", "no such move" }, { answer.code, answer.text })
    assert.equal("internal", ask(ann, "move", { data = { text = "ouch" } }).code)
    assert.is_truthy(gate:logged 'a#1: said match "m1": ')
  end)

  it("has one event after the other, also when a hook waits", function()
    load()
    ask(ann, "open")
    ask(ann, "enter")
    local second = gate:connect "ann"
    ask(second, "enter")
    events()
    local slow = ask(ann, "move", { data = { text = "slow", ms = 20 } })
    local quick = ask(second, "move", { data = { text = "quick" } })
    ask(ann, "leave")
    assert.same({ "said ann slow" }, events())
    gate:later(20)
    assert.same({ "done slow", "said ann quick", "done quick", "left ann 1" }, events())
    assert.same({ 2, 1 }, { slow.data.count, quick.data.count })
  end)

  it("hears nobody who is not in, or is not in any more", function()
    load()
    ask(ann, "open")
    ask(ann, "enter")
    ask(bob, "enter")
    events()
    ask(ann, "move", { data = { text = "slow", ms = 20 } })
    local quick = ask(bob, "move", { data = { text = "quick" } })
    gate.world.room.find("m1"):remove(bob)
    gate:later(20)
    assert.same({ "said ann slow", "done slow", "left bob 1" }, events())
    assert.same({ "not_a_member", "it is not in the room" }, { quick.code, quick.text })
    assert.equal("not_a_member", ask(bob, "move", { data = { text = "psst" } }).code)
  end)

  it("lets nobody wait for a hook that is given up", function()
    load()
    ask(ann, "open")
    ask(ann, "enter")
    local code
    gate.world.request.current().kinds.match.spec.said = function()
      while true do pcall(gate.world.task.sleep, 1e6) end
    end
    gate.world.task.run(function() code = select(2, gate.world.room.find("m1"):say(ann, {})) end)
    gate:later(32000)
    assert.equal("timeout", code)
  end)

  it("is closed though its hook waits for ever", function()
    load()
    ask(ann, "open")
    gate.world.request.current().kinds.match.spec.closed = function()
      gate.world.task.sleep(1e9)
    end
    ask(ann, "close")
    assert.same({ is_open = false, reason = "exists" }, ask(bob, "open").data)
    gate:later(32000)
    assert.same({ is_open = true }, ask(bob, "open").data)
  end)

  it("has gone for good once it has closed", function()
    load()
    ask(ann, "open")
    local room = gate.world.room.find "m1"
    assert.is_true(room:close "over")
    assert.same({ nil, "gone" }, { room:close "again" })
    assert.same({ nil, "gone" }, { room:publish { type = "psst" } })
    local codes = {}
    gate.world.task.run(function()
      codes = { select(2, room:add(ann)), (select(2, room:say(ann, {}))) }
    end)
    assert.same({ "gone", "gone" }, { codes[1], codes[#codes] })
  end)

  it("closes after what is under way: all leave, then it is told", function()
    load()
    ask(ann, "open")
    ask(ann, "enter")
    events()
    ask(ann, "move", { data = { text = "slow", ms = 20 } })
    ask(bob, "close")
    assert.equal("gone", ask(bob, "enter").code)
    gate:later(20)
    assert.same({ "said ann slow", "done slow", "left ann 0", "closed m1 over" }, events())
    assert.same({ is_open = true }, ask(bob, "open").data)
  end)

  it("closes when nobody has been in for a while", function()
    load "empty_ms = 1000,"
    ask(ann, "open")
    gate:later(999)
    ask(ann, "enter")
    gate:later(5000)
    ask(ann, "leave")
    gate:later(999)
    assert.same({ "opened m1 -", "joined ann 1", "left ann 0" }, events())
    gate:later(1)
    assert.same({ "closed m1 empty" }, events())
  end)

  it("keeps its state while nobody is in", function()
    load()
    ask(ann, "open")
    gate.world.room.find("m1").state.score = 7
    ask(ann, "enter")
    ask(ann, "leave")
    assert.same({ score = 7 }, gate.world.room.find("m1").state)
  end)

  describe("ticks", function()
    local TICK = "tick_hz = 20, tick = function(room, ms) note('tick %%d', ms) end,"
    local SLOW = "tick_hz = 20, tick = function(_, ms) note('tick %%d', ms) gate:sleep(70) end,"

    it("come as often as it says, with the time that has passed", function()
      load((TICK:gsub("%%%%", "%%")))
      ask(ann, "open")
      gate:later(150)
      assert.same({ "opened m1 -", "tick 50", "tick 50", "tick 50" }, events())
    end)

    it("come once to a room that opens among them", function()
      load [[tick_hz = 20, tick = function(room, ms)
        note("tick %s %d", room.name, ms)
        for n = 1, 9 do gate:open_room("match", "m" .. n) end
      end,]]
      ask(ann, "open")
      gate:later(100)
      local ticks = {}
      for _, text in ipairs(events()) do
        if text:find "^tick" then ticks[#ticks + 1] = text end
      end
      assert.equal(10, #ticks)
      for _, text in ipairs(ticks) do assert.matches(" 50$", text) end
    end)

    it("have a timer whose name no other has", function()
      local ok, problem = pcall(load, nil, { b = [[return function(gate)
        gate:every(1000, print, "ticks of race")
        gate:room_kind("race", { tick = print, tick_hz = 1 })
      end]] })
      assert.is_false(ok)
      assert.matches('b.lua:3: gate:room_kind: there is a timer "ticks of race" already', problem)
    end)

    it("are left out while the room is busy", function()
      load((SLOW:gsub("%%%%", "%%")))
      ask(ann, "open")
      gate:later(250)
      assert.same({ "opened m1 -", "tick 50", "tick 100", "tick 100" }, events())
    end)

    it("go to no room that has closed", function()
      load((TICK:gsub("%%%%", "%%")))
      ask(ann, "open")
      ask(ann, "close")
      gate:later(150)
      assert.same({ "opened m1 -", "closed m1 over" }, events())
    end)
  end)

  describe("at a reload", function()
    it("has the new code in rooms that are open", function()
      load()
      ask(ann, "open")
      ask(ann, "enter")
      local renewed = MATCH:format(""):gsub('"joined %%s %%d"', '"new: joined %%s %%d"')
      assert(gate:reload { a = renewed })
      events()
      ask(bob, "enter")
      assert.same({ "new: joined bob 2" }, events())
    end)

    it("closes the rooms of a kind that is no more, with the code they had", function()
      load(nil, { b = "return function() end" })
      ask(ann, "open")
      ask(ann, "enter")
      events()
      local room = gate.world.room.find "m1"
      assert(gate:reload { a = false })
      assert.same({ "left ann 0", "closed m1 unloaded" }, events())
      assert.is_false(room:has(ann))
      assert.is_truthy(gate:logged 'a#1: room "m1" closes: its kind "match" is no more')
    end)

    it("closes them after what is under way, and what has not begun never does", function()
      load(nil, { b = "return function() end" })
      ask(ann, "open")
      ask(ann, "enter")
      ask(bob, "enter")
      events()
      local slow = ask(ann, "move", { data = { text = "slow", ms = 20 } })
      local quick = ask(bob, "move", { data = { text = "quick" } })
      assert(gate:reload { a = false })
      assert.same({ "said ann slow" }, events())
      gate:later(20)
      local told = events()
      assert.same({ "done slow", "closed m1 unloaded" }, { told[1], told[4] })
      assert.same({ 0, "gone" }, { slow.data.count, quick.code })
    end)

    it("closes once what was about to close", function()
      load(nil, { b = "return function() end" })
      ask(ann, "open")
      ask(ann, "enter")
      ask(ann, "move", { data = { text = "slow", ms = 20 } })
      ask(bob, "close")
      events()
      assert(gate:reload { a = false })
      gate:later(20)
      assert.same({ "done slow", "left ann 0", "closed m1 over" }, events())
    end)

    it("asks the new code whether anything is said in the room", function()
      load()
      ask(ann, "open")
      ask(ann, "enter")
      local slow = ask(ann, "move", { data = { text = "slow", ms = 20 } })
      local quick
      gate.world.task.run(function()
        quick = { gate.world.room.find("m1"):say(ann, { text = "quick" }) }
      end)
      assert(gate:reload { a = (MATCH:format(""):gsub("said = ", "restored = ")) })
      gate:later(20)
      assert.equal(1, slow.data.count)
      assert.equal("not_allowed", quick[2])
    end)
  end)

  it("belongs to one plugin", function()
    local other = "return function(gate) gate:room_kind('match', {}) end"
    local ok, found = pcall(load, nil, { b = other })
    assert.is_false(ok)
    assert.matches('/b.lua:1: "match" is already declared by a$', found)
  end)

  it("cannot be talked to or closed when a room has none", function()
    load()
    for _, type_name in ipairs { "move", "close" } do
      assert.equal("internal", ask(ann, type_name, { name = "tea" }).code)
    end
    assert.is_truthy(gate:logged "room:say: only in a room of a kind")
    assert.is_truthy(gate:logged "room:close: only a room of a kind")
  end)
end)
