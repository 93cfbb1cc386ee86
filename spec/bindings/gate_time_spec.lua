local fake_gate = require "spec.support.fake_gate"

describe("gate time", function()
  local gate, ann

  local function load(plugins, options)
    gate = fake_gate.load(type(plugins) == "string" and { a = plugins } or plugins, options)
    ann = gate:connect "ann"
  end

  local function state_of(plugin) return gate.world.state.of(plugin or "a") end

  describe("every", function()
    local TICKS = [[return function(gate)
      gate:every(10, function() gate.state.n = (gate.state.n or 0) + %d end)
    end]]

    it("calls again and again", function()
      load(TICKS:format(1))
      gate:later(9)
      assert.is_nil(state_of().n)
      gate:later(1)
      assert.equal(1, state_of().n)
      gate:later(95)
      assert.equal(10, state_of().n)
    end)

    it("is one of at most 1,000 timers of a plugin", function()
      local ok, problem = pcall(load, [[return function(gate)
        for i = 1, 1001 do gate:after_ms(1000, print) end end]])
      assert.is_false(ok)
      assert.matches("a.lua:2: gate:after_ms: at most 1000 timers of a plugin", problem)
    end)

    it("stops with its generation", function()
      load(TICKS:format(1))
      gate:later(10)
      assert(gate:reload { a = TICKS:format(100) })
      gate:later(9)
      assert.equal(1, state_of().n)
      gate:later(1)
      assert.equal(101, state_of().n)
      assert(gate:reload { a = "return function() end" })
      gate:later(100)
      assert.equal(101, state_of().n)
      gate:later(10000)
      assert.same({}, gate.core.timers)
    end)

    it("goes on when a reload fails", function()
      load(TICKS:format(1))
      assert.is_nil(gate:reload { a = ")" })
      gate:later(20)
      assert.equal(2, state_of().n)
    end)

    it("goes on after an error, which is logged", function()
      load [[return function(gate)
        gate:every(10, function()
          gate.state.n = (gate.state.n or 0) + 1
          error "ouch"
        end)
      end]]
      gate:later(30)
      assert.equal(3, state_of().n)
      assert.is_truthy(gate:logged "a#1: gate:every: ")
    end)

    it("does not run beside itself, also when other code takes over meanwhile", function()
      local SLOW = [[return function(gate)
        local state = gate.state
        gate:every(10, function()
          state.n, state.most = (state.n or 0) + 1, math.max(state.most or 0, (state.n or 0) + 1)
          gate:sleep(25)
          state.n, state.runs = state.n - 1, (state.runs or 0) + 1
        end)
      end -- %d]]
      load(SLOW:format(0))
      for n = 1, 5 do
        gate:later(12)
        assert(gate:reload { a = SLOW:format(n) })
      end
      gate:later(100)
      assert.equal(1, state_of().most)
      assert.is_true(state_of().runs >= 4, "and goes on")
    end)

    it("goes on after a run that was given up", function()
      load [[return function(gate)
        gate:every(10, function()
          gate.state.n = (gate.state.n or 0) + 1
          gate:deadline(5)
          while true do pcall(gate.sleep, gate, 50) end
        end)
      end]]
      gate:later(35)
      assert.equal(3, state_of().n)
      assert.is_truthy(gate:logged "a#1: gate:every: given up")
    end)

    it("runs as a task", function()
      load [[return function(gate)
        gate:every(10, function()
          gate:sleep(3)
          gate.state.woken_at = gate:now_ms()
        end)
      end]]
      local before = gate.core.now_ms
      gate:later(13)
      assert.equal(before + 13, state_of().woken_at)
    end)
  end)

  describe("after_ms", function()
    it("calls once, as a task", function()
      load [[return function(gate)
        gate:after_ms(10, function()
          gate:sleep(5)
          gate.state.n = (gate.state.n or 0) + 1
        end)
      end]]
      gate:later(14)
      assert.is_nil(state_of().n)
      gate:later(100)
      assert.equal(1, state_of().n)
    end)

    it("calls once each time that the plugin is loaded, whatever the code before does", function()
      local source = [[return function(gate)
        gate:after_ms(10, function()
          gate.state.n = (gate.state.n or 0) + 1
          gate:sleep(5000)
        end)
      end]]
      load(source)
      gate:later(10)
      assert(gate:reload { a = source .. "\n" })
      gate:later(10)
      assert.equal(2, state_of().n)
    end)

    it("survives the generation that asked for it in a handler", function()
      load [[return function(gate)
        gate:on("try", function() gate:after_ms(10, function() gate:info "still here" end) end)
      end]]
      gate:deliver(ann, { type = "try" })
      assert(gate:reload { a = "return function() end" })
      assert.same({ { plugin = "a#1", kind = "timer", doing = "gate:after_ms", ms = 10 } },
        gate.world.plugin.leaks())
      gate:later(10)
      assert.equal("a#1: still here", gate:logged "still here")
      assert.same({}, gate.world.plugin.leaks())
    end)

    it("ends with a plugin that is taken out of the list", function()
      load { a = [[return function(gate)
        gate:on("try", function() gate:after_ms(10, function() gate:info "still here" end) end)
      end]], b = "return function() end" }
      gate:deliver(ann, { type = "try" })
      assert(gate:reload { a = false })
      gate:later(10)
      assert.is_nil(gate:logged "still here")
    end)

    it("logs an error", function()
      load [[return function(gate) gate:after_ms(0, function() error "ouch" end) end]]
      gate:later(0)
      assert.is_truthy(gate:logged "a#1: gate:after_ms: ")
    end)
  end)

  describe("spawn", function()
    it("runs at once until it waits, with its arguments", function()
      load [[return function(gate)
        gate:on("go", function(_, message)
          gate:spawn(function(a, b)
            gate.state.early = a
            gate:sleep(10)
            gate.state.late = b
          end, message.a, message.b)
          return { early = gate.state.early }
        end)
      end]]
      assert.same({ early = 1 }, gate:deliver(ann, { type = "go", a = 1, b = 2 }))
      assert.is_nil(state_of().late)
      gate:later(10)
      assert.equal(2, state_of().late)
    end)

    it("keeps its errors from the one who spawns", function()
      load [[return function(gate)
        gate:on("go", function()
          gate:spawn(error, "ouch")
          return { n = 1 }
        end)
      end]]
      assert.same({ n = 1 }, gate:deliver(ann, { type = "go" }))
      assert.is_truthy(gate:logged "a#1: gate:spawn: ouch")
    end)
  end)

  describe("sleep", function()
    it("is refused where nobody can wait, and a task can be spawned there", function()
      load [[return function(gate)
        gate:raw("/raw", {
          opened = function() gate:sleep(1) end,
          received = function()
            gate:spawn(function()
              gate:sleep(1)
              gate.state.woken = true
            end)
          end,
        })
      end]]
      local conn = gate:connect(nil, { path = "/raw" })
      assert.is_truthy(gate:logged "gate:sleep: only in a task")
      gate:receive(conn, "go")
      gate:later(1)
      assert.is_true(state_of().woken)
    end)

    it("may end after its connection has closed, in a task of its own", function()
      load [[return function(gate)
        gate:on("doze", function(conn)
          gate:spawn(function()
            gate:sleep(10)
            gate.state.sent, gate.state.reason = conn:send { type = "late" }
            gate.state.is_open = conn.is_open
          end)
          return true
        end)
      end]]
      gate:ask(ann, { type = "doze" })
      gate:close(ann)
      gate:later(10)
      assert.same({ reason = "gone", is_open = false }, state_of())
      assert.same({}, ann.heard)
    end)
  end)

  describe("cron", function()
    it("calls at its times, as a task", function()
      load [[return function(gate)
        gate:cron("*/10 * * * *", function()
          gate:sleep(1)
          gate.state.n = (gate.state.n or 0) + 1
        end)
      end]]
      local minutes_10 = 600000
      gate:later(minutes_10 - gate.core.now_ms % minutes_10)
      assert.is_nil(state_of().n)
      gate:later(1)
      assert.equal(1, state_of().n)
      gate:later(3 * minutes_10)
      assert.equal(4, state_of().n)
    end)

    it("may be there twice at the same times", function()
      load [[return function(gate)
        for i = 1, 3 do
          gate:cron("* * * * *", function() gate.state[i] = (gate.state[i] or 0) + 1 end)
        end
      end]]
      gate:later(60000)
      assert.same({ 1, 1, 1 }, state_of())
      assert(gate:reload())
      gate:later(60000)
      assert.same({ 2, 2, 2 }, state_of())
    end)

    it("waits for a time that is months away", function()
      load [[return function(gate)
        gate:cron("0 0 1 1 *", function()
          gate.state.year = os.date("!%Y", gate:now_ms() / 1000)
        end)
      end]]
      local now_s = gate.core.now_ms / 1000
      local year = tonumber(os.date("!%Y", now_s))
      local days = (year % 4 == 0 and 366 or 365) - tonumber(os.date("!%j", now_s)) + 1
      gate:later((days - 1) * 86400000)
      assert.is_nil(state_of().year)
      gate:later(86400000)
      assert.equal(tostring(year + 1), state_of().year)
    end)
  end)

  describe("deadline", function()
    it("ends a task where it waits, and tells the client to try again", function()
      load [[return function(gate)
        gate:on("try", function()
          gate:deadline(50)
          gate:sleep(40)
          gate.state.n = 1
          gate:sleep(40)
          gate.state.n = 2
        end)
      end]]
      local answer = gate:ask(ann, { type = "try" })
      gate:later(50)
      assert.equal(1, state_of().n)
      assert.same({ "timeout", true }, { answer.code, answer.temporary })
      assert.is_truthy(gate:logged "a#1: on try: cancelled: not done within its deadline of 50 ms")
    end)

    it("takes the place of the 30 s of a request", function()
      load [[return function(gate)
        gate:on("try", function()
          gate:deadline(60000)
          gate:sleep(40000)
          return { done = true }
        end)
      end]]
      local answer = gate:ask(ann, { type = "try" })
      gate:later(40000)
      assert.same({ done = true }, answer.data)
    end)

    it("cannot be caught and ignored", function()
      load [[return function(gate)
        gate:on("try", function()
          gate:deadline(50)
          for n = 1, 3 do
            pcall(gate.sleep, gate, 60)
            gate.state.n = n
          end
        end)
      end]]
      gate:ask(ann, { type = "try" })
      gate:later(50)
      assert.equal(3, state_of().n) -- but no wait of it takes time any more
      gate:later(10000)
      assert.equal(0, #gate.core.timers)
    end)

    it("is of that task alone", function()
      load [[return function(gate)
        gate:on("try", function(_, message)
          if message.ms then gate:deadline(message.ms) end
          gate:sleep(100)
        end)
      end]]
      gate:ask(ann, { type = "try", ms = 500 })
      gate:later(200)
      local answer = gate:ask(ann, { type = "try" })
      gate:later(400)
      assert.same({}, answer.data)
    end)

    it("of a request is 30 s when it sets none", function()
      load [[return function(gate)
        gate:on("try", function() gate:sleep(60000) end)
      end]]
      local answer = gate:ask(ann, { type = "try" })
      gate:later(30000)
      assert.is_false(answer.is_given)
      gate:later(1001)
      assert.equal("timeout", answer.code)
    end)
  end)
end)
