local fake_gate = require "spec.support.fake_gate"

describe("the account of a plugin", function()
  local WORKS = [[return function(gate)
    gate:on("work", function(_, message)
      if message.pause then gate:sleep(100) end
      if message.fail then error "ouch" end
      require "spec.works" ()
      return {}
    end)
    gate:before("work", function() end)
    gate:every(60000, function() end)
    gate:room_kind("hall", { opened = function() error "no" end })
    gate:on("open", function(_, message) gate:open_room("hall", message.name) end)
  end]]

  local gate, ann, took_ms, took_bytes

  before_each(function()
    took_ms, took_bytes = 0, 0
    package.loaded["spec.works"] = function()
      gate.core.now_ms = gate.core.now_ms + took_ms
      gate.core.heap.allocated = gate.core.heap.allocated + took_bytes
    end
    gate = fake_gate.load { a = WORKS,
      b = "return function(gate) gate:before('*', function() end) end" }
    ann = gate:connect "ann"
  end)

  after_each(function() package.loaded["spec.works"] = nil end)

  local function work(more)
    local message = { type = "work" }
    for key, value in pairs(more or {}) do message[key] = value end
    return gate:ask(ann, message)
  end

  local function survey(name)
    local world = gate.world
    return world.account.survey(world.plugin.current().plugins[name or "a"])
  end

  local function handler(doing)
    for _, its in ipairs(survey().handlers) do
      if its.doing == doing then return its end
    end
  end

  it("counts calls and errors of each handler", function()
    for n = 1, 20 do work { fail = n % 5 == 0 } end
    assert.same({ 20, 4 }, { handler("on work").calls, handler("on work").errors })
    assert.equal(20, handler("before work").calls)
    assert.equal(20, survey("b").handlers[1].calls)
  end)

  it("goes on with new code, and says what was before", function()
    for _ = 1, 3 do work { fail = true } end
    assert(gate:reload { a = WORKS .. "\n" })
    work()
    local its = handler "on work"
    assert.same({ 4, 3, 1, 0 },
      { its.calls, its.errors, its.generation_calls, its.generation_errors })
  end)

  it("measures one call in sixteen", function()
    took_ms, took_bytes = 1, 5000
    for _ = 1, 17 do work() end
    took_ms = 40
    for _ = 1, 15 do work() end -- none of these
    local its = handler "on work"
    assert.same({ 2, 2, 5000 }, { its.p50_ms, its.p99_ms, its.bytes })
    work()
    assert.equal(50, handler("on work").p99_ms)
  end)

  it("does not take waiting for work", function()
    work { pause = true }
    gate:later(100)
    assert.is_nil(handler("on work").p50_ms)
  end)

  it("has one line for the hooks of all rooms of a kind, and the log says which room", function()
    for n = 1, 3 do gate:deliver(ann, { type = "open", name = "h" .. n }) end
    assert.same({ 3, 3 }, { handler("opened hall").calls, handler("opened hall").errors })
    assert.is_truthy(gate:logged 'a#1: opened hall "h3": ')
  end)

  it("tells what waits, and the share of the CPU", function()
    work { pause = true }
    gate:later(60)
    gate.core.samples[gate.world.account.index "a"] = 30
    gate.core.samples[gate.world.account.index "b"] = 10
    local cost = survey()
    local oldest = cost.oldest_task
    assert.same({ 75, 1, "on work", 60, 1 },
      { cost.cpu_percent, cost.tasks, oldest.doing, oldest.ms, cost.timers })
    assert.is_truthy(oldest.stack:find("a.lua:3: in function", 1, true), oldest.stack)
    local text = gate:ctl({ command = "plugins", arguments = { "a" } }).text
    assert.is_truthy(text:find("1 tasks wait (the oldest for 60 ms), 1 timers\n  oldest    on "
      .. "work: stack traceback:", 1, true), text)
    assert.is_nil(gate:ctl({ command = "plugins" }).text:find("traceback", 1, true))
    assert.equal(0.3, gate.world.account.cpu_seconds "a")
  end)

  it("is shown to an operator, with the rest of the plugin", function()
    took_bytes = 1000
    work()
    work { fail = true }
    local text = gate:ctl({ command = "plugins", arguments = { "a" } }).text
    assert.is_truthy(text:find("\n  costs     0 % of the scripts' CPU, 0 tasks wait, 1 timers\n", 1,
      true), text)
    assert.is_truthy(text:find("on work: 2 calls (2 since it was loaded), 1 errors; half under "
      .. "0.02 ms, 99 % under 0.02 ms, 1000 bytes\n", 1, true), text)
  end)

  it("tells the memory of all, now and when the generation came", function()
    gate.core.heap.bytes = 2097152
    assert(gate:reload { b = "return function() end" })
    gate.core.heap.bytes = 3145728
    local answer = gate:ctl { command = "plugins" }
    assert.same({ bytes = 3145728, limit_bytes = 1073741824, bytes_then = 2097152 },
      answer.data.memory)
    assert.is_truthy(answer.text:find("the scripts have 3.0 MB of at most 1024; 2.0 when it came "
      .. "into force\n", 1, true), answer.text)
  end)

  local function report()
    gate:later(10000)
    local reports = gate.core:issued "report"
    return reports[#reports].text
  end

  it("has names that can be printed", function()
    local account, plugin = gate.world.account, { name = "p" }
    local its = account.open(plugin, "on \255" .. ("x"):rep(5000))
    assert.equal("on \239\191\189" .. ("x"):rep(122), its.doing)
    assert.equal(its, plugin.accounts["on \255" .. ("x"):rep(5000)])
    assert.equal(its, account.open(plugin, "on \255" .. ("x"):rep(200)))
  end)

  it("is at /metrics, and ends with its plugin", function()
    work { fail = true }
    local text = report()
    for _, line in ipairs {
      'moongate_script_calls_total{plugin="a",handler="on work"} 1',
      'moongate_script_errors_total{plugin="a",handler="on work"} 1',
      'moongate_script_run_seconds_bucket{plugin="a",le="0.0001"} 2',
      'moongate_script_run_seconds_count{plugin="a"} 2',
      'moongate_script_cpu_seconds_total{plugin="a"} 0',
      "moongate_script_heap_bytes 1048576",
    } do
      assert.is_truthy(text:find(line .. "\n", 1, true), line .. "\n" .. text)
    end
    assert(gate:reload { a = false })
    gate:deliver(ann, { type = "none" })
    assert.is_nil(report():find('plugin="a"', 1, true))
  end)

  it("has as many handlers as a thousand, whatever they are called", function()
    local plugin = gate.world.plugin.current().plugins.a
    for n = 1, 1100 do gate.world.request.guard(plugin, "on x" .. n, function() end) end
    assert.is_true(#survey().handlers <= 1001)
    assert.equal(1100 - 999, handler("others").calls + 1)
  end)
end)
