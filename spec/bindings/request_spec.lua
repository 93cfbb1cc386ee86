local fake_gate = require "spec.support.fake_gate"

describe("request", function()
  local gate, ann

  --- A gate with these plugins, and ann on it.
  local function load(plugins)
    gate = fake_gate.load(plugins)
    ann = gate:connect "ann"
  end

  local function state_of(plugin) return gate.world.state.of(plugin) end

  local SLEEPER = [[
    return function(gate)
      local steps = gate.state
      gate:on("work", function(conn, message)
        steps[#steps + 1] = "begin " .. message.n
        if message.pause_ms then gate:sleep(message.pause_ms) end
        steps[#steps + 1] = "end " .. message.n
        return { n = message.n }
      end)
      gate:after("closed", function(conn, reason) steps[#steps + 1] = "closed " .. reason end)
    end
  ]]

  local function work(conn, n, pause_ms)
    return gate:ask(conn, { type = "work", n = n, pause_ms = pause_ms })
  end

  it("is answered with what its handler returns", function()
    load { a = [[return function(gate)
      gate:on("add", function(conn, message) return { sum = message.a + message.b } end)
    end]] }
    assert.same({ sum = 5 }, gate:deliver(ann, { type = "add", a = 2, b = 3 }))
  end)

  it("is granted with {} when its handler returns true or nothing", function()
    load { a = [[return function(gate)
      gate:on("yes", function() return true end)
      gate:on("quiet", function() end)
    end]] }
    assert.same({}, gate:deliver(ann, { type = "yes" }))
    assert.same({}, gate:deliver(ann, { type = "quiet" }))
  end)

  it("is refused with nil and a code", function()
    load { a = [[return function(gate)
      gate:on("no", function() return nil, "not_now", "try later", true end)
      gate:on("never", function() return nil, "never" end)
    end]] }
    assert.same({ nil, "not_now", "try later", true }, { gate:deliver(ann, { type = "no" }) })
    assert.same({ nil, "never" }, { gate:deliver(ann, { type = "never" }) })
  end)

  describe("refused for a while", function()
    local BUSY = { nil, "busy", "later", true, 250 }

    it("is told for how long, by a handler, a filter, or a command", function()
      load { a = [[return function(gate)
        local function busy() return nil, "busy", "later", true, 250 end
        gate:on("handled", busy)
        gate:on("filtered", function() end)
        gate:before("filtered", busy)
        gate:on("say", function() end)
        gate:command("busy", busy)
      end]] }
      assert.same(BUSY, { gate:deliver(ann, { type = "handled" }) })
      assert.same(BUSY, { gate:deliver(ann, { type = "filtered" }) })
      assert.same(BUSY, { gate:deliver(ann, { type = "say", data = "/busy" }) })
    end)

    it("is told so by a filter of all requests, and after waiting", function()
      load { a = [[return function(gate)
        gate:before("*", function() gate:sleep(1) return nil, "busy", "later", true, 250 end)
      end]] }
      local answer = gate:ask(ann, { type = "any" })
      gate:later(1)
      assert.same({ "busy", 250 }, { answer.code, answer.retry_after_ms })
    end)

    it("is told so by guarded code, too", function()
      load { init = 'return { "a" }', a = [[return function(gate)
        gate:on("no", function() return nil, "busy", "later", true, 250 end)
      end]] }
      assert.same(BUSY, { gate:deliver(ann, { type = "no" }) })
    end)

    it("is told whole milliseconds, and never too few", function()
      load { a = [[return function(gate)
        gate:on("no", function(_, message) return nil, "busy", "later", true, message.ms end)
      end]] }
      for given, told in pairs { [0] = 0, [0.25] = 1, [17.01] = 18, [1000] = 1000 } do
        assert.equal(told, (select(5, gate:deliver(ann, { type = "no", ms = given }))))
      end
    end)

    it("is refused all the same when that is no delay, and the log says whose it is", function()
      load { a = [[return function(gate)
        local no = { word = "soon", less = -1, nan = 0 / 0, never = math.huge, table = {} }
        gate:on("no", function(_, message)
          return nil, "busy", "later", true, no[message.which]
        end)
      end]] }
      for which, shown in pairs { word = "a string", less = "-1", never = "inf",
        table = "a table" } do
        assert.same({ nil, "busy", "later", true },
          { gate:deliver(ann, { type = "no", which = which }) })
        assert.is_truthy(gate:logged(
          "a#1: retry_after_ms is a number of at least 0, not " .. shown))
      end
      assert.same({ nil, "busy", "later", true },
        { gate:deliver(ann, { type = "no", which = "nan" }) })
    end)

    it("is told nothing of it when it was granted", function()
      load { a = [[return function(gate)
        gate:on("yes", function() return {}, "busy", "later", true, 250 end)
      end]] }
      assert.same({ {} }, { gate:deliver(ann, { type = "yes" }) })
    end)
  end)

  it("is refused when nobody handles its type", function()
    load { a = "return function() end" }
    assert.same({ nil, "unknown_type", 'nothing handles "dance"' },
      { gate:deliver(ann, { type = "dance" }) })
  end)

  it("fails with internal when its handler does, and the log says where", function()
    load { a = [[return function(gate)
      gate:on("boom", function() error "ouch" end)
      gate:on("fine", function() return true end)
    end]] }
    assert.same({ nil, "internal", "the handler failed", true },
      { gate:deliver(ann, { type = "boom" }) })
    local text, level = gate:logged "ouch"
    assert.equal("error", level)
    assert.matches("^a#1: on boom: .-a.lua:2: ouch\nstack traceback:", text)
    assert.is_truthy(gate:deliver(ann, { type = "fine" }))
  end)

  it("fails like that also with an error that is no string, after sleeping", function()
    load { a = [[return function(gate)
      gate:on("boom", function() gate:sleep(1) error { code = 7 } end)
    end]] }
    local answer = gate:ask(ann, { type = "boom" })
    gate:later(1)
    assert.equal("internal", answer.code)
    assert.is_truthy(gate:logged "a.lua:2: raised a table, not a message\nstack traceback:")
  end)

  describe("order", function()
    before_each(function() load { a = SLEEPER } end)

    it("is kept for one connection when a handler sleeps", function()
      local first, second = work(ann, 1, 10), work(ann, 2)
      assert.is_false(first.is_given)
      assert.is_false(second.is_given)
      gate:later(10)
      assert.same({ n = 1 }, first.data)
      assert.same({ n = 2 }, second.data)
      assert.same({ "begin 1", "end 1", "begin 2", "end 2" }, state_of "a")
    end)

    it("is kept when each of many sleeps", function()
      for n = 1, 5 do work(ann, n, 10) end
      gate:later(49)
      assert.equal(9, #state_of "a")
      gate:later(1)
      assert.equal("end 5", state_of("a")[10])
      assert.same({ n = 6 }, work(ann, 6).data)
    end)

    it("does not hold up other connections", function()
      local bob = gate:connect "bob"
      work(ann, 1, 10)
      assert.same({ n = 2 }, work(bob, 2).data)
      assert.same({ "begin 1", "begin 2", "end 2" }, state_of "a")
    end)

    it("is nothing to another in whose task the runtime itself has failed", function()
      local broken = setmetatable({}, { __index = function() error "no memory" end })
      gate.world.request.submit(ann, broken, function() end)
      local bob = gate:connect "bob"
      local answer = work(bob, 1, 10) -- in the task that was ann's
      gate:close(ann, "lost")
      gate:later(10)
      assert.same({ n = 1 }, answer.data)
    end)

    it("is cancelled when its connection goes, and those behind it are not begun", function()
      local first, second = work(ann, 1, 10), work(ann, 2)
      gate:close(ann, "lost")
      assert.same({ "begin 1", "closed lost" }, state_of "a")
      gate:later(1000)
      assert.same({ "begin 1", "closed lost" }, state_of "a")
      assert.equal("timeout", first.code)
      assert.equal("gone", second.code)
      assert.is_truthy(gate:logged "a#1: on work: cancelled: the connection has ended")
    end)

    it("has the closed hooks also when a handler swallows that it was cancelled", function()
      gate = fake_gate.load { a = [[return function(gate)
        gate:on("poll", function() while true do pcall(gate.sleep, gate, 50) end end)
        gate:on("work", function() end)
        gate:after("closed", function() gate.state.closed = true end)
      end]] }
      local eve = gate:connect "eve"
      gate.world.room.find("tea"):add(eve)
      local first = gate:ask(eve, { type = "poll" })
      local second = gate:ask(eve, { type = "work" })
      gate:close(eve, "lost")
      assert.is_true(gate.world.state.of("a").closed)
      assert.equal("timeout", first.code)
      assert.equal("gone", second.code)
      assert.equal(0, gate.world.room.find("tea"):size())
      assert.is_truthy(gate:logged "a#1: on poll: given up")
    end)

    it("has the closed hooks at once when nothing waits", function()
      work(ann, 1)
      gate:close(ann)
      assert.same({ "begin 1", "end 1", "closed client" }, state_of "a")
    end)

    it("is kept after 256 have waited behind one, and the next is refused", function()
      work(ann, 0, 10)
      for n = 1, 256 do assert.is_false(work(ann, n).is_given) end
      local answer = work(ann, 257)
      assert.equal("too_many_requests", answer.code)
      assert.is_true(answer.temporary)
      gate:later(10)
      assert.equal(2 * 257, #state_of "a")
      assert.equal("end 256", state_of("a")[2 * 257])
      assert.same({ n = 258 }, work(ann, 258).data)
    end)

    it("keeps the closed hooks even when too many requests wait", function()
      work(ann, 0, 10)
      for n = 1, 257 do work(ann, n) end
      gate:close(ann)
      gate:later(10)
      assert.equal("closed client", state_of("a")[#state_of "a"])
    end)
  end)

  it("waits for its turn when a handler of the same connection asks", function()
    load { a = [[return function(gate)
      gate:on("outer", function(conn)
        gate:request(conn, { type = "inner" }, function() table.insert(gate.state, "inner") end)
        table.insert(gate.state, "outer")
      end)
      gate:on("inner", function() return true end)
    end]] }
    gate:deliver(ann, { type = "outer" })
    assert.same({ "outer", "inner" }, state_of "a")
  end)

  it("hands an answer what it was given for it, also when it was refused", function()
    load { a = [[return function(gate)
      local function answer(data, code, _, _, _, about)
        table.insert(gate.state, ("%s %s"):format(about.id, data and "granted" or code))
      end
      gate:on("outer", function(conn)
        gate:request(conn, { type = "inner" }, answer, 10, { id = 7 })
        gate:request(conn, { type = "unknown" }, answer, 10, { id = 8 })
      end)
      gate:on("inner", function() return true end)
    end]] }
    gate:deliver(ann, { type = "outer" })
    assert.same({ "7 granted", "8 unknown_type" }, state_of "a")
  end)

  it("goes on to the next when an answer raises", function()
    load { a = [[return function(gate)
      gate:on("bad", function(conn)
        for _ = 1, 2 do
          gate:request(conn, { type = "fine" }, function() error "no answer" end)
        end
      end)
      gate:on("fine", function() return true end)
    end]] }
    assert.same({}, gate:deliver(ann, { type = "bad" }))
    assert.is_truthy(gate:logged "no answer")
    assert.is_truthy(gate:deliver(ann, { type = "fine" }))
  end)

  describe("filter", function()
    it("refuses before the handler runs", function()
      load { a = [[return function(gate)
        gate:before("say", function() return nil, "hush", "be quiet", true end)
        gate:on("say", function() gate.state.said = true end)
      end]] }
      assert.same({ nil, "hush", "be quiet", true }, { gate:deliver(ann, { type = "say" }) })
      assert.is_nil(state_of("a").said)
    end)

    it("changes what the handler sees", function()
      load { a = [[return function(gate)
        gate:before("say", function(conn, message) message.text = message.text:upper() end)
        gate:on("say", function(conn, message) return { text = message.text } end)
      end]] }
      assert.same({ text = "TEA" }, gate:deliver(ann, { type = "say", text = "tea" }))
    end)

    it("lets pass with anything but nil and a code", function()
      load { a = [[return function(gate)
        gate:before("say", function() return true end)
        gate:before("say", function() return nil end)
        gate:before("say", function() end)
        gate:on("say", function() return true end)
      end]] }
      assert.same({}, gate:deliver(ann, { type = "say" }))
    end)

    it("refuses with false and a code as well, rather than let pass", function()
      load { a = [[return function(gate)
        gate:before("say", function() return false, "hush" end)
        gate:on("say", function() return true end)
      end]] }
      assert.same({ nil, "hush" }, { gate:deliver(ann, { type = "say" }) })
    end)

    it("for all types comes before those for one", function()
      load { a = [[return function(gate)
        local function note(word)
          return function(_, message) message.trail = (message.trail or "") .. word end
        end
        gate:before("say", note "one ")
        gate:before("*", note "all ")
        gate:on("say", function(_, message) return { trail = message.trail } end)
      end]] }
      assert.same({ trail = "all one " }, gate:deliver(ann, { type = "say" }))
    end)

    it("of one type leaves the others alone", function()
      load { a = [[return function(gate)
        gate:before("say", function() return nil, "hush" end)
        gate:on("wave", function() return true end)
      end]] }
      assert.is_truthy(gate:deliver(ann, { type = "wave" }))
    end)

    it("comes after those of the plugins it needs", function()
      local source = [[return function(gate)
        %s
        gate:before("say", function(_, message) message.trail = message.trail .. "%s" end)
      end]]
      load {
        a = source:format('gate:needs "b"', "a"),
        b = source:format('gate:needs "c"', "b"),
        c = source:format("", "c"),
        say = [[return function(gate)
          gate:on("say", function(_, message) return { trail = message.trail } end)
        end]],
      }
      assert.same({ trail = "cba" }, gate:deliver(ann, { type = "say", trail = "" }))
    end)

    it("that fails lets nothing pass, and the log says which", function()
      load { a = [[return function(gate)
        gate:before("say", function() error "ouch" end)
        gate:on("say", function() gate.state.said = true end)
      end]] }
      assert.same({ nil, "internal", "a filter failed", true },
        { gate:deliver(ann, { type = "say" }) })
      assert.is_truthy(gate:logged "a#1: before say: ")
      assert.is_nil(state_of("a").said)
    end)

    it("may sleep", function()
      load { a = [[return function(gate)
        gate:before("say", function() gate:sleep(5) end)
        gate:on("say", function() return true end)
      end]] }
      local answer = gate:ask(ann, { type = "say" })
      assert.is_false(answer.is_given)
      gate:later(5)
      assert.same({}, answer.data)
    end)
  end)

  describe("hook", function()
    it("is told of a request that was granted, with its reply", function()
      load { a = [[return function(gate)
        gate:on("say", function(_, message)
          if message.text == "" then return nil, "empty" end
          return { length = #message.text }
        end)
        gate:after("say", function(conn, message, data)
          table.insert(gate.state, { conn.user, message.text, data.length })
        end)
      end]] }
      gate:deliver(ann, { type = "say", text = "" })
      gate:deliver(ann, { type = "say", text = "tea" })
      assert.same({ { "ann", "tea", 3 } }, state_of "a")
    end)

    it("that fails is logged and does not stop the others", function()
      load {
        a = [[return function(gate)
          gate:on("say", function() return { n = 1 } end)
          gate:after("say", function() error "ouch" end)
        end]],
        b = [[return function(gate)
          gate:after("say", function() gate.state.told = true end)
        end]],
      }
      assert.same({ n = 1 }, gate:deliver(ann, { type = "say" }))
      assert.is_truthy(gate:logged "a#1: after say: ")
      assert.is_true(state_of("b").told)
    end)
  end)

  it("fails when a filter leaves it without its type, and the log says whose", function()
    load { a = [[return function(gate)
      gate:before("*", function(_, message) message.type = nil end)
      gate:on("go", function() return true end)
    end]] }
    assert.same({ nil, "internal", "a filter failed", true },
      { gate:deliver(ann, { type = "go" }) })
    assert.is_truthy(gate:logged "a#1: a filter has left a request without its type")
  end)

  it("is over when its answer raises, whoever asks next", function()
    load { a = [[return function(gate)
      gate:on("go", function(conn)
        gate:request(conn, { type = "work" }, function() error "boom" end)
      end)
      gate:on("work", function() return true end)
      gate:on("rest", function() gate:sleep(100) return { rested = true } end)
    end]] }
    gate:ask(ann, { type = "go" })
    local answer = gate:ask(gate:connect "bob", { type = "rest" })
    gate:close(ann)
    gate:later(100)
    assert.same({ rested = true }, answer.data)
  end)

  it("has a closed hook that is given up, and all who come after it are told", function()
    load { a = [[return function(gate)
      gate:after("closed", function()
        while true do pcall(gate.sleep, gate, 50) end
      end)
    end]], b = [[return function(gate)
      gate:after("closed", function(conn, reason) gate.state.closed = reason end)
    end]] }
    gate:close(ann)
    assert(gate:reload { a = "return function() end" })
    gate:later(11000)
    assert.is_truthy(gate:logged "a#1: after closed: given up")
    assert.equal("client", state_of("b").closed)
    assert.is_nil(gate.world.conn.all[ann.id])
  end)
end)
