local fake_gate = require "spec.support.fake_gate"

describe("a room of a kind", function()
  local HALL = [[return function(gate)
    gate:room_kind("hall", {
      durable = %s,
      opened = function(room) room.state.log = { "opened" } end,
      restored = function(room) table.insert(room.state.log, "restored") end,
      closed = function(_, reason) gate:info("closed: %%s", reason) end,
      migrations = { %s },
    })
    gate:on("open", function(_, message)
      local _, reason = gate:open_room("hall", message.name)
      return { reason = reason }
    end)
    gate:on("saved", function(_, message) return gate.store:get("room:hall:" .. message.name) end)
    gate:on("save", function(_, message)
      return gate.store:put("room:hall:" .. message.name, message.entry)
    end)
  end]]

  local function adding(word)
    return ("function(state) table.insert(state.log, %q) end"):format(word)
  end

  local FAILS = [[function(state)
    table.insert(state.log, "half")
    local word = state.log[1]
    error("cannot " .. word)
  end]]

  local gate, ann

  local function hall(...) return HALL:format("false", table.concat({ ... }, ", ")) end

  local function lasting(...) return HALL:format("true", table.concat({ ... }, ", ")) end

  local function load(plugins)
    gate = fake_gate.load(plugins)
    ann = gate:connect "ann"
  end

  local function open(name) return gate:deliver(ann, { type = "open", name = name }).reason end

  local function log_of(name) return gate.world.room.find(name).state.log end

  local function rollback() return gate.world.plugin.rollback() end

  describe("whose code has new steps", function()
    it("has its state brought up by those that it has not seen, in place", function()
      load { a = hall() }
      open "h1"
      local log = log_of "h1"
      assert(gate:reload { a = hall(adding "one", adding "two") })
      assert.same({ "opened", "one", "two" }, log)
      open "h2"
      assert(gate:reload { a = hall(adding "one", adding "two", adding "three") })
      assert.same({ "opened", "one", "two", "three" }, log)
      assert.same({ "opened", "three" }, log_of "h2")
    end)

    it("keeps its state, all of it, when one fails, and the line says which and where", function()
      load { a = hall(), b = "return function(gate) gate.state.n = 1 end" }
      open "h1"
      open "h2"
      local _, problem = gate:reload { a = hall(adding "one", FAILS),
        b = "return function(gate) gate:migrate(1, function(state) state.n = 2 end) end" }
      assert.matches('/a.lua: hall "h%d": the migration to version 2 failed: .*a.lua:%d+: '
        .. 'cannot opened %(with word = "opened"%)', problem)
      assert.same({ "opened" }, log_of "h1")
      assert.same({ "opened" }, log_of "h2")
      assert.same({ n = 1 }, gate.world.state.of "b")
      assert(gate:reload { a = hall(adding "one", adding "two") })
      assert.same({ "opened", "one", "two" }, log_of "h1")
    end)

    it("may not be left with what is no data", function()
      load { a = hall() }
      open "h1"
      local _, problem = gate:reload { a = hall "function(state) state.hook = print end" }
      assert.matches('/a.lua: hall "h1": room.state.hook is a function; a state holds data only',
        problem)
      gate.world.room.find("h1").state = 5
      _, problem = gate:reload { a = hall(adding "one") }
      assert.matches('/a.lua: hall "h1": room.state is a number, no table', problem)
    end)

    it("is not taken over by code that is older", function()
      load { a = hall(adding "one", adding "two") }
      open "h1"
      local _, problem = gate:reload { a = hall(adding "one") }
      assert.matches('/a.lua: hall "h1": its state is of version 2, and this code knows 1: '
        .. '"moongate ctl rollback" brings back states and code, or declare a step to version 3',
        problem)
    end)
  end)

  describe("after a rollback", function()
    it("has its state as it was before the steps", function()
      load { a = hall() }
      open "h1"
      local log = log_of "h1"
      assert(gate:reload { a = hall(adding "one") })
      assert.same({ true, "generation 1 is in force again instead of 2; state as before its "
        .. "migration, of: rooms of kind hall" }, { rollback() })
      assert.same({ "opened" }, log)
      assert(gate:reload { a = hall(adding "two") })
      assert.same({ "opened", "two" }, log)
    end)

    it("is closed when it has been opened since, with the code that it had", function()
      load { a = hall() }
      open "h1"
      assert(gate:reload { a = hall(adding "one") })
      open "h2"
      rollback()
      assert.is_nil(log_of "h2")
      assert.is_truthy(gate:logged "a#2: closed: unloaded")
      assert.is_truthy(gate:logged 'a#2: room "h2" closes: its state is newer than the code')
      assert.same({ "opened" }, log_of "h1")
      assert.is_nil(open "h2")
    end)

    it("and durable, is held back until its code is there again", function()
      load { a = lasting() }
      assert(gate:reload { a = lasting(adding "one") })
      open "h2"
      rollback()
      gate:later(1000)
      assert.is_truthy(gate:logged('a#1: hall "h2" is not opened, and stays in the store: its '
        .. "state is of version 1, and this code knows 0"))
      assert.equal("not_restored", open "h2")
      assert(gate:reload { a = lasting(adding "one", adding "two") })
      assert.same({ "opened", "two", "restored" }, log_of "h2")
    end)

    it("that was opened since ends with the code that it had, and is saved as that leaves it",
      function()
        local SLOW = [[said = function(room)
            gate:sleep(20)
            table.insert(room.state.log, "said")
          end,
          left = function(room) table.insert(room.state.log, "%s") end,
          durable = ]]
        local TALK = [[gate:on("talk", function(conn)
            gate:room("h2"):add(conn)
            gate:room("h2"):say(conn, "x")
          end)
        end]]
        local function slow(word, ...)
          return (lasting(...):gsub("durable = ", SLOW:format(word), 1):gsub("end$", TALK))
        end
        load { a = slow "old left" }
        assert(gate:reload { a = slow("new left", adding "one") })
        open "h2"
        gate:ask(ann, { type = "talk" })
        gate:later(10)
        rollback()
        local bob = gate:connect "bob"
        local late = gate:ask(bob, { type = "open", name = "h3" })
        assert.is_false(late.is_given) -- "h2" is not saved yet
        gate:later(10)
        assert.is_true(late.is_given)
        assert.is_truthy(gate:logged('hall "h2" is not opened, and stays in the store: its state '
          .. "is of version 1"))
        assert.same({ version = 1, state = { log = { "opened", "said", "new left" } } },
          gate:deliver(bob, { type = "saved", name = "h2" }))
      end)

    it("that has closed meanwhile stays closed", function()
      load { a = hall() }
      open "h1"
      assert(gate:reload { a = hall(adding "one") })
      gate.world.room.find("h1"):close "over"
      assert.same({ true, "generation 1 is in force again instead of 2" }, { rollback() })
      assert.is_nil(log_of "h1")
    end)
  end)

  describe("that was saved", function()
    local NONE = "return function() end"

    local function saved(name) return gate:deliver(ann, { type = "saved", name = name }) end

    local function save(name, entry)
      gate:deliver(ann, { type = "save", name = name, entry = entry })
    end

    --- The kind goes; the store stays.
    local function go_and_come_back(code)
      gate:later(1000)
      assert(gate:reload { a = NONE })
      assert(gate:reload { a = code })
    end

    it("is brought up when it opens again, and saved so", function()
      load { a = lasting(adding "one") }
      open "h1"
      gate:later(1000)
      assert.same({ version = 1, state = { log = { "opened" } } }, saved "h1")
      go_and_come_back(lasting(adding "one", adding "two"))
      gate:later(1000)
      assert.same({ version = 2, state = { log = { "opened", "two", "restored" } } }, saved "h1")
    end)

    it("is held back, alone, when a step fails, and tried again with the next code", function()
      load { a = lasting() }
      open "h1"
      save("h2", { version = 1, state = { log = { "one already" } } })
      go_and_come_back(lasting(FAILS))
      assert.is_truthy(gate:logged 'hall "h1" is not opened, and stays in the store: the migration '
        .. "to version 1 failed")
      assert.equal("not_restored", open "h1")
      assert.same({ "one already", "restored" }, log_of "h2")
      assert.same({ version = 0, state = { log = { "opened" } } }, saved "h1")
      assert(gate:reload { a = lasting(adding "one") })
      assert.same({ "opened", "one", "restored" }, log_of "h1")
      assert.same({ "one already", "restored" }, log_of "h2")
    end)

    it("is held back when the entry is not its own", function()
      load { a = lasting() }
      save("h1", { "scribble" })
      go_and_come_back(lasting())
      assert.is_truthy(gate:logged('hall "h1" is not opened, and stays in the store: it is not '
        .. "what a room has saved"))
    end)

    it("takes its name from a plain room, whose members come in as others do", function()
      local asks = (lasting():gsub("durable = ", [[may_join = function(room, conn)
        table.insert(room.state.log, conn.user .. " asks")
        if conn.user == "eve" then return nil, "banned" end
      end, durable = ]], 1))
      load { a = asks, b = [[return function(gate)
        gate:on("sit", function(conn) gate:room("h1"):add(conn) end)
      end]] }
      open "h1"
      gate:later(1000)
      assert(gate:reload { a = NONE })
      local eve = gate:connect "eve"
      gate:deliver(eve, { type = "sit" })
      gate:deliver(ann, { type = "sit" })
      assert(gate:reload { a = asks })
      local room = gate.world.room.find "h1"
      table.sort(room.state.log)
      assert.same({ "ann asks", "eve asks", "opened", "restored" }, room.state.log)
      assert.same({ true, false, 1 }, { room:has(ann), room:has(eve), room:size() })
      assert.is_truthy(gate:logged(('hall "h1" has opened, and connection %d is in it no longer: '
        .. "banned"):format(eve.id)))
    end)

    it("is held back when a room of another kind has the name, until that is gone", function()
      local other = [[return function(gate)
        gate:room_kind("cellar", {})
        gate:on("dig", function() return { gate:open_room("cellar", "h1") ~= nil } end)
        gate:on("fill", function() gate:room("h1"):close "over" end)
      end]]
      load { a = lasting(), b = other }
      open "h1"
      gate:later(1000)
      assert(gate:reload { a = NONE })
      gate:deliver(ann, { type = "dig" })
      assert(gate:reload { a = lasting() })
      assert.is_truthy(gate:logged 'hall "h1" is not opened, and stays in the store: exists')
      gate:deliver(ann, { type = "fill" })
      assert(gate:reload { a = lasting() .. "\n" })
      assert.same({ "opened", "restored" }, log_of "h1")
    end)

    it("is held back when the store cannot give it back, alone", function()
      load { a = lasting() }
      open "h1"
      open "h2"
      gate:later(1000)
      assert(gate:reload { a = NONE })
      local Store = getmetatable(gate.world.store.new { name = "a", label = "a" }).__index
      local scan = Store.scan
      Store.scan = function(...)
        local entries, cursor = scan(...)
        entries[1].value, entries[1].problem = nil, "too many values"
        return entries, cursor
      end
      assert(gate:reload { a = lasting() })
      assert.is_truthy(gate:logged 'hall "h1" is not opened, and stays in the store: too many')
      assert.same({ "opened", "restored" }, log_of "h2")
      assert.equal("not_restored", open "h1")
    end)

    it("is held back until its entry is deleted", function()
      load { a = lasting() .. "\n" }
      save("h1", { "scribble" })
      go_and_come_back(lasting())
      assert.equal("not_restored", open "h1")
      local entries = gate.world.store.new { name = "a", label = "a" }
      gate.world.task.run(function() entries:delete "room:hall:h1" end)
      assert.is_nil(open "h1")
      assert.same({ "opened" }, log_of "h1")
    end)

    it("is held back when a step waits: nothing waits there", function()
      load { a = lasting() }
      open "h1"
      go_and_come_back(lasting "function(state) gate:sleep(10) state.late = true end")
      assert.is_truthy(gate:logged 'hall "h1" is not opened, and stays in the store: the migration '
        .. "to version 1 failed")
      assert.is_truthy(gate:logged "gate:sleep: only in a task")
      assert(gate:reload { a = lasting "coroutine.yield" })
      assert.is_truthy(gate:logged "the store: a step of its migrations yields")
      assert(gate:reload { a = lasting(adding "one") })
      assert.same({ "opened", "one", "restored" }, log_of "h1")
    end)
  end)
end)
