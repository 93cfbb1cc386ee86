local fake_gate = require "spec.support.fake_gate"

-- What it does to real loops: spec/system/watchdog_spec.lua.
describe("an overrun", function()
  local SOFT, HARD, MEMORY = 1, 2, 4
  local gate, ann

  -- The request "crawl" is late in this stage: what the watchdog would do.
  local SLOW = [[return function(gate)
    gate:on("crawl", function(_, message) require "spec.late" (message.stage) end)
    gate:on("nap", function() gate:sleep(1000) return {} end)
    gate:on("begin", function()
      gate:after_ms(500, function() gate.state.has_ended = true end)
      return {}
    end)
    gate:http("GET", "/a", function() return "here" end)
    gate:every(1000, function() gate.state.ticks = (gate.state.ticks or 0) + 1 end)
  end]]

  before_each(function()
    gate = fake_gate.load { a = SLOW, b = [[return function(gate)
      gate:before("crawl", function() end)
      gate:on("other", function() return {} end)
    end]] }
    ann = gate:connect "ann"
    package.loaded["spec.late"] = function(stage)
      gate.world.overrun.late(stage, "stack traceback:\n\t...")
      if stage ~= HARD then return end
      gate.core.turn.aborted = HARD
      error "time budget exceeded"
    end
  end)

  after_each(function() package.loaded["spec.late"] = nil end)

  local function crawl(stage)
    return select(2, gate:deliver(ann, { type = "crawl", stage = stage }))
  end

  local function lines(level)
    local found = {}
    for _, line in ipairs(gate.log) do
      if line.level == level then found[#found + 1] = line.text end
    end
    return found
  end

  local function metric(name)
    gate:later(1000)
    local reports = gate.core:issued "report"
    return tonumber(reports[#reports].text:match(name:gsub("%p", "%%%0") .. " (%d+)"))
  end

  it("is reported while it runs, the first few times in ten seconds", function()
    for _ = 1, 7 do crawl(SOFT) end
    assert.equal("a#1: on crawl: has run for 50 ms without a pause\nstack traceback:\n\t...",
      lines("warn")[1])
    assert.equal(5, #lines "warn")
    gate:later(10000)
    crawl(SOFT)
    assert.equal("a#1: on crawl: has run for 50 ms without a pause (and 2 times more, not logged)\n"
      .. "stack traceback:\n\t...", lines("warn")[6])
    assert.equal(8, metric 'moongate_script_overruns_total{plugin="a",budget="soft"}')
  end)

  it("is aborted, and said once", function()
    assert.equal("internal", crawl(HARD))
    assert.same({ "a#1: on crawl: aborted, time budget exceeded: 500 ms without a pause\n"
      .. "stack traceback:\n\t..." }, lines "error")
    assert.equal(1, metric 'moongate_script_overruns_total{plugin="a",budget="hard"}')
  end)

  it("of all within one run is that of who has had most of the time", function()
    local run, plugins = gate.world.run, gate.world.plugin.current().plugins
    for _, most in ipairs { plugins.b.index, plugins.a.index, 0 } do
      run.enter(plugins.a, "on crawl")
      gate.world.overrun.late(3, "stack", most)
      run.leave()
    end
    assert.same({
      "b#1: within on crawl of a: aborted, time budget exceeded: 2000 ms without a pause\nstack",
      "a#1: on crawl: aborted, time budget exceeded: 2000 ms without a pause\nstack",
      "a#1: on crawl: aborted, time budget exceeded: 2000 ms without a pause\nstack",
    }, lines "error")
  end)

  describe("that is aborted three times within a minute", function()
    local function overrun() for _ = 1, 3 do crawl(HARD) end end

    it("switches its plugin off, and no other", function()
      overrun()
      assert.is_truthy(gate:logged 'a#1: switched off: aborted 3 times within 60 s; its requests '
        .. 'are answered "unavailable" until it is loaded again, or "moongate ctl on a"')
      assert.same({ nil, "unavailable", "the handler's plugin is switched off", true },
        { gate:deliver(ann, { type = "crawl" }) })
      assert.equal(503, gate:http("GET", "/a").status)
      gate:later(5000)
      assert.is_nil(gate.world.state.of("a").ticks)
      assert.same({}, gate:deliver(ann, { type = "other" }))
      assert.equal(1, metric 'moongate_script_plugin_off{plugin="a"}')
    end)

    it("ends what is under way", function()
      local answer = gate:ask(gate:connect "bob", { type = "nap" })
      overrun()
      gate:later(0)
      assert.equal("timeout", answer.code)
    end)

    it("ends with new code, which begins with a clean record", function()
      overrun()
      assert(gate:reload { a = SLOW .. "\n" })
      for _ = 1, 2 do assert.equal("internal", crawl(HARD)) end
      assert.equal(0, metric 'moongate_script_plugin_off{plugin="a"}')
    end)

    it("ends when an operator says so, who can also begin it", function()
      overrun()
      assert.equal("a#1 is on", gate:ctl({ command = "on", arguments = { "a" } }).text)
      assert.equal("internal", crawl(HARD))
      assert.equal("a#1 is off", gate:ctl({ command = "off", arguments = { "a" } }).text)
      assert.equal("unavailable", crawl(SOFT))
      assert.equal("bad_argument",
        gate:ctl({ command = "on", arguments = { "nobody" } }).error.code)
    end)
  end)

  describe("of memory", function()
    local MB = 1048576

    local function starve(in_use)
      gate.core.heap.bytes = in_use * MB
      package.loaded["spec.late"] = function()
        gate.world.overrun.late(MEMORY, "stack traceback:\n\t...")
        gate.core.turn.aborted = MEMORY
        error "memory limit exceeded"
      end
      return crawl(MEMORY)
    end

    it("is aborted, and no more if that has freed it", function()
      assert.equal("internal", starve(500))
      assert.same({ "a#1: on crawl: aborted, memory limit exceeded: 1024 MB of all scripts\n"
        .. "stack traceback:\n\t..." }, lines "error")
      assert.equal("internal", starve(500))
      assert.equal(2, metric 'moongate_script_overruns_total{plugin="a",budget="memory"}')
    end)

    local function turns() for _ = 1, 1000 do gate:later(0) end end

    -- What is in use when its garbage has been collected.
    local function collected(in_use)
      gate.core.heap.bytes = in_use * MB
      turns()
    end

    local function limit() return gate.core.heap.limit / MB end
    local function is_off() return crawl(SOFT) == "unavailable" end

    it("switches off who keeps it, and gives the others some more until it is free", function()
      assert.equal("internal", starve(1024))
      assert.equal(1024 + 128, limit())
      collected(1000)
      assert.is_truthy(gate:logged("a#1: switched off: it was aborted for want of memory, and "
        .. "1000 of 1024 MB are still in use"))
      assert.is_true(is_off())
      assert.equal(1128, limit())
      assert(gate:reload { a = SLOW .. "\n" })
      assert.equal(1128, limit())
      gate.core.heap.bytes = 500 * MB
      gate:later(1000)
      assert.equal(1024, limit())
    end)

    it("leaves on who had garbage only, which is collected in many turns", function()
      assert.equal("internal", starve(1024))
      assert.equal(1, gate.core.heap.is_collecting)
      collected(500)
      assert.equal(0, gate.core.heap.is_collecting)
      assert.is_false(is_off())
      assert.equal(1024, limit())
    end)

    it("leaves on who keeps no more than there was, while that is within the limit", function()
      gate.core.heap.begun = 1001 * MB
      starve(1024)
      gate.core.heap.begun = 0 -- of the next turn
      collected(1000)
      assert.is_nil(gate:logged "switched off")
      assert.is_nil(gate.world.plugin.current().plugins.a.is_off)
      gate.core.heap.begun = 1126 * MB
      starve(1128)
      collected(1100)
      assert.is_truthy(gate:logged "1100 of 1024 MB are still in use")
    end)

    it("asks nothing of it before that is known", function()
      starve(1024)
      assert.equal("unavailable", starve(1152))
      assert.is_nil(gate:logged "switched off")
      collected(500)
      assert.is_false(is_off())
    end)

    it("is known also when there is enough again before that", function()
      starve(1024)
      collected(500)
      gate.core.now_ms = gate.core.now_ms + 1000 -- both are due in the next turn
      assert.equal("internal", starve(1024))
      collected(500)
      assert.is_false(is_off())
    end)

    it("asks nothing of old code only until other code is there", function()
      gate:deliver(ann, { type = "begin" })
      starve(1024)
      gate.core.heap.bytes = 500 * MB
      assert(gate:reload { a = SLOW .. "\n" })
      gate:later(1000)
      assert.is_true(gate.world.state.of("a").has_ended)
      assert.is_false(is_off())
    end)

    it("is over for those it runs within, who are not to blame", function()
      local run, plugins = gate.world.run, gate.world.plugin.current().plugins
      gate.core.heap.bytes = 1025 * MB
      run.enter(plugins.b, "other")
      local outer, doing = run.enter(plugins.a, "crawl")
      gate.core.turn.aborted = MEMORY
      run.leave(outer, doing)
      assert.is_true(gate.core.heap.bytes < gate.core.heap.limit)
      run.leave()
      collected(1000)
      assert.is_true(plugins.a.is_off)
      assert.is_nil(plugins.b.is_off)
    end)

    it("takes nothing from the others when an operator switches it on again", function()
      starve(1024)
      collected(1000)
      gate:ctl { command = "on", arguments = { "a" } }
      assert.equal(1128, limit())
      gate:later(5000)
      assert.equal(1128, limit())
      assert.is_false(is_off())
    end)

    it("blames who has it, not who needs a little", function()
      starve(1024)
      collected(1000)
      gate:ctl { command = "on", arguments = { "a" } }
      local is_spared
      gate.world.run.enter(gate.world.plugin.current().plugins.b, "other")
      gate.core.heap.bytes = 1128 * MB
      is_spared = gate.world.overrun.late(MEMORY, "")
      gate.world.run.leave()
      assert.is_true(is_spared)
      assert.equal(1128 + 141, limit())
      assert.is_true(is_off())
      assert.same({}, gate:deliver(ann, { type = "other" }))
    end)

    it("ends somewhere: who is switched on again and again", function()
      starve(1024)
      collected(2049)
      assert.equal("a#1 stays off: 2049 MB are in use, of 1024, since it was aborted for want of "
        .. "memory; load a version that frees what it has, or take it out of the list",
        gate:ctl({ command = "on", arguments = { "a" } }).error.message)
    end)

    it("is nobody's in code that is new", function()
      gate.world.plugin.current().plugins.a.is_new = true
      assert.equal("internal", starve(1024))
      gate:later(1000)
      assert.is_false(is_off())
      assert.equal(1024, limit())
    end)
  end)

  it("is forgotten after a minute", function()
    for _ = 1, 5 do
      crawl(HARD)
      gate:later(30001)
    end
    assert.equal("internal", crawl(HARD))
  end)
end)
