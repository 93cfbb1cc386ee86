local fake_gate = require "spec.support.fake_gate"

describe("loop", function()
  local gate

  local function steps() return gate.world.state.of "a" end

  local RAW = [[return function(gate)
    local steps = gate.state
    local function note(...) steps[#steps + 1] = table.concat({ ... }, " ") end
    gate:raw("/raw/{name}", {
      opened = function(conn) note("opened", conn.params.name, conn.route) end,
      received = function(conn, bytes, binary) note("received", bytes, tostring(binary)) end,
      closed = function(conn, reason, code) note("closed", reason, code) end,
    })
    gate:after("opened", function() note "after opened" end)
    gate:after("closed", function(conn, reason, code)
      note("after closed", reason, code, tostring(conn.is_open))
    end)
  end]]

  local function connect() return gate:connect(nil, { path = "/raw/tea" }) end

  it("tells a connection's life to whoever serves its path, then to the hooks", function()
    gate = fake_gate.load { a = RAW }
    local conn = connect()
    gate:receive(conn, "hello")
    gate:receive(conn, "\1\2", true)
    gate:close(conn, "slow", 4008)
    assert.same({
      "opened tea /raw/{name}", "after opened", "received hello false", "received \1\2 true",
      "closed slow 4008", "after closed slow 4008 false",
    }, steps())
  end)

  it("copies what the core lends", function()
    gate = fake_gate.load { a = [[return function(gate)
      gate:raw("/raw/{name}", {
        received = function(_, bytes) table.insert(gate.state, bytes) end,
      })
    end]] }
    local conn = connect()
    gate.core:receive(conn.id, "with \0 inside")
    gate.core:receive(conn.id, "")
    gate.core:settle()
    assert.same({ "with \0 inside", "" }, steps())
  end)

  it("gives every reason its word", function()
    gate = fake_gate.load { a = RAW }
    for _, reason in ipairs { "client", "lost", "script", "slow", "no_pong", "too_big",
      "bad_utf8", "protocol", "shutdown", "flood", "overload", "auth_timeout" } do
      gate:close(connect(), reason, 1000)
      assert.equal(("after closed %s 1000 false"):format(reason), steps()[#steps()])
    end
  end)

  it("runs the closed hooks once", function()
    gate = fake_gate.load { a = RAW }
    local conn = connect()
    conn:close(4000, "bye")
    conn:close(4001, "bye again")
    gate.core:settle()
    gate:close(conn)
    assert.same({ "opened tea /raw/{name}", "after opened", "closed script 4000",
      "after closed script 4000 false" }, steps())
  end)

  describe("pressure", function()
    local PRESSED = [[return function(gate)
      local steps = gate.state
      local function note(word)
        return function(conn, books)
          steps[#steps + 1] = ("%s %s %d"):format(word, conn.route, books.sent.reliable)
        end
      end
      gate:raw("/raw/{name}", { slow = note "slow", drained = note "drained" })
      gate:after("slow", note "after slow")
      gate:after("drained", note "after drained")
    end]]

    it("is told with the books to whoever serves the path, then to the hooks", function()
      gate = fake_gate.load { a = PRESSED }
      local conn = connect()
      conn:send "one"
      gate:slow(conn)
      conn:send "two"
      gate:drained(conn)
      assert.same({ "slow /raw/{name} 1", "after slow /raw/{name} 1",
        "drained /raw/{name} 2", "after drained /raw/{name} 2" }, steps())
    end)

    it("is nobody's matter when nobody listens", function()
      gate = fake_gate.load { a = RAW }
      local conn = connect()
      gate.world.books.decode = function() error "decoded" end
      gate:slow(conn)
      gate:drained(conn)
      assert.is_nil(gate:logged "decoded")
    end)
  end)

  describe("figures of a connection", function()
    local conn

    before_each(function()
      gate = fake_gate.load { a = [[return function(gate)
        gate:raw("/raw/{name}", { received = function(conn)
          gate:spawn(function()
            if gate.state.deadline then
              gate:deadline(10)
              pcall(gate.sleep, gate, 20)
            end
            local figures, reason = conn:figures()
            table.insert(gate.state, figures
              and { figures.queued_bytes, figures.sent.reliable, figures.rtt_ms } or reason)
          end)
        end })
      end]] }
      conn = connect()
    end)

    it("come when its I/O thread has told them, to each who has asked", function()
      gate:receive(conn, "a")
      conn:send "one"
      gate:receive(conn, "b")
      assert.same({}, steps())
      gate.core:figures(conn.id, 0)
      gate.core:figures(conn.id, 1500)
      gate.core:settle()
      assert.same({ { 0, 1 }, { 0, 1, 1.5 } }, steps())
    end)

    it("are not asked for by a task that was cancelled", function()
      gate.world.state.of("a").deadline = true
      gate:receive(conn, "a")
      gate:later(10)
      assert.same({}, gate.core:issued "look")
    end)

    it("are gone with it", function()
      gate:receive(conn, "a")
      gate:close(conn)
      assert.same({ "gone" }, steps())
    end)

    it("are full when too much waits for the I/O threads, and need a task", function()
      gate.core.answers.moon_look = gate.core.C.MOON_EFULL
      gate:receive(conn, "a")
      assert.same({ "full" }, steps())
      assert.error_matches(function() conn:figures() end, "conn:figures: only in a task")
    end)
  end)

  it("tells closed with the books", function()
    gate = fake_gate.load { a = [[return function(gate)
      local function note(conn, reason, code, books)
        table.insert(gate.state, { reason, code, books.delivered.volatile })
      end
      gate:raw("/raw/{name}", { closed = note })
      gate:after("closed", note)
    end]] }
    local conn = connect()
    conn:send("puff", { class = "volatile" })
    gate:close(conn, "lost", 1006)
    assert.same({ { "lost", 1006, 1 }, { "lost", 1006, 1 } }, steps())
  end)

  it("tells whoever serves the path of messages over the rate", function()
    gate = fake_gate.load { a = [[return function(gate)
      gate:raw("/raw/{name}", {
        refused = function(conn, bytes, binary, retry_after_ms)
          table.insert(gate.state, { conn.route, bytes, binary, retry_after_ms })
        end,
      })
    end]] }
    local conn = connect()
    gate:refuse(conn, "hello", false, 250)
    gate:refuse(conn, "\0\1", true, 1)
    assert.same({ { "/raw/{name}", "hello", false, 250 }, { "/raw/{name}", "\0\1", true, 1 } },
      steps())
  end)

  it("ignores events of connections that nobody knows", function()
    gate = fake_gate.load { a = RAW }
    local id = gate.core:open "/raw/tea"
    table.remove(gate.core.events) -- its MOON_OPENED
    gate.core:receive(id, "hello")
    gate.core:refuse(id, "hello", false, 1)
    gate.core:slow(id)
    gate.core:drained(id)
    gate.core:close(id)
    gate.core:settle()
    assert.same({}, steps())
    assert.is_nil(gate:logged "error")
  end)

  it("closes a connection that no route serves", function()
    gate = fake_gate.load { a = RAW }
    local conn = gate:connect(nil, { path = "/nowhere" })
    local asked = gate.core:issued "close"
    assert.equal(1, #asked)
    assert.equal(4404, asked[1].code)
    assert.equal("no_route", asked[1].reason)
    assert.is_false(conn.is_open)
  end)

  it("tells the closed hooks only of connections that the opened hooks know", function()
    gate = fake_gate.load { a = RAW }
    gate:connect(nil, { path = "/nowhere" })
    assert.same({}, steps())
  end)

  it("closes a connection that speaks after its route has gone", function()
    gate = fake_gate.load { a = RAW }
    local conn = connect()
    assert(gate:reload { a = "return function() end" })
    assert.is_true(conn.is_open)
    gate:receive(conn, "hello")
    assert.is_false(conn.is_open)
    assert.equal("no_route", gate.core:issued("close")[1].reason)
  end)

  it("closes connections whose route a reload has taken away, and no others", function()
    local ROUTES = [[return function(gate)
      gate:raw("/raw/{name}", {})
      gate:raw("/kept", {})
      gate:after("closed", function(_, reason) table.insert(gate.state, reason) end)
    end]]
    gate = fake_gate.load { a = ROUTES, b = [[return function(gate) gate:raw("/b", {}) end]] }
    local raw, b, kept = connect(), gate:connect(nil, { path = "/b" }),
      gate:connect(nil, { path = "/kept" })
    assert(gate:reload { a = ROUTES:gsub('gate:raw%("/raw/{name}", {}%)', ""), b = false })
    gate:later(0)
    assert.same({ false, false, true }, { raw.is_open, b.is_open, kept.is_open })
    for _, asked in ipairs(gate.core:issued "close") do
      assert.same({ 4404, "no_route" }, { asked.code, asked.reason })
    end
    assert.equal(2, #gate.core:issued "close")
    assert.equal(2, #steps()) -- the hooks hear of it
  end)

  it("closes at most 1,000 of them in a turn, and none whose route is back", function()
    gate = fake_gate.load { a = RAW }
    for _ = 1, 2500 do gate.core:open "/raw/tea" end
    gate.core:settle()
    assert(gate:reload { a = "return function() end" })
    local function closed() return #gate.core:issued "close" end
    local steps_of, drain = {}, gate.core.drain
    gate.core.drain = function()
      local before = closed()
      drain()
      if closed() > before then steps_of[#steps_of + 1] = closed() - before end
      if closed() == 2000 then gate.world.plugin.rollback() end
    end
    gate:later(0)
    assert.same({ 1000, 1000 }, steps_of)
  end)

  it("does without handlers that a route has not got", function()
    gate = fake_gate.load { a = [[return function(gate) gate:raw("/raw/{name}", {}) end]] }
    local conn = connect()
    gate:receive(conn, "hello")
    gate:refuse(conn, "hello")
    gate:slow(conn)
    gate:drained(conn)
    gate:close(conn)
    assert.equal(1, #gate.log) -- "generation 1"
  end)

  it("logs an error in a handler and goes on", function()
    gate = fake_gate.load { a = [[return function(gate)
      gate:raw("/raw/{name}", {
        opened = function() error "at opened" end,
        received = function() error "at received" end,
        closed = function() error "at closed" end,
      })
      gate:after("closed", function() gate.state.told = true end)
    end]] }
    local conn = connect()
    gate:receive(conn, "hello")
    gate:close(conn)
    for _, event in ipairs { "opened", "received", "closed" } do
      local text, level = gate:logged("at " .. event)
      assert.equal("error", level)
      assert.matches(("^a#1: %s: "):format(event), text)
    end
    assert.is_true(steps().told)
  end)

  it("takes a connection that has closed out of its rooms after the hooks", function()
    gate = fake_gate.load { a = [[return function(gate)
      gate:raw("/raw/{name}", { opened = function(conn) gate:room("tea"):add(conn) end })
      gate:after("closed", function(conn)
        table.insert(gate.state, gate:room("tea"):has(conn))
      end)
    end]] }
    local conn = connect()
    local tea = gate.world.room.find "tea"
    assert.equal(1, tea:size())
    gate:close(conn)
    assert.same({ true }, steps())
    assert.equal(0, tea:size())
  end)

  it("leaves events over 1024 for the next turn", function()
    gate = fake_gate.load { a = RAW }
    local conn = connect()
    for n = 1, 1025 do gate.core:receive(conn.id, tostring(n)) end
    gate.core.drain()
    assert.equal("received 1024 false", steps()[#steps()])
    gate.core.drain()
    assert.equal("received 1025 false", steps()[#steps()])
  end)

  it("names what is wrong with an app that does not load", function()
    local world = require("spec.support.fake_core").world()
    local drain, problem = world.loop.start "spec/no_such_app"
    assert.is_nil(drain)
    assert.matches("spec/no_such_app", problem)
  end)
end)
