local client = require "spec.support.client"
local looping = require "spec.support.looping"
local server = require "spec.support.server"

-- ThreadSanitizer keeps signals back while a thread calls no C function.
if server.BINARY:find "tsan" then return end

local LOOPS, plugin = looping.LOOPS, looping.plugin

local BUDGET = [[budget = { soft_ms = 20, hard_ms = %d, load_ms = 100, aborts = %d },]]

local function init(hard_ms, aborts)
  return ([[return { %s "auth", "rooms", "messages", "router", "bad", "floor",
    trust = "trusted" }]]):format(
    BUDGET:format(hard_ms, aborts))
end

describe("the watchdog", function()
  local house, ann

  local function start(hard_ms, aborts)
    house = server.start { plugins = { bad = plugin(), floor = looping.FLOOR,
      init = init(hard_ms, aborts) } }
    house:expects "time budget exceeded"
    ann = client.guest(house.port, "ann", "tea")
  end

  --- How often it has aborted something.
  local function aborts()
    return select(2, house:log():gsub("bad#%d+: [^\n]*: aborted, time budget exceeded", ""))
  end

  local function works()
    assert.is_true(ann:asks({ type = "fine" }).data.is_fine)
    ann:says { type = "say", room = "tea", data = "still here" }
    assert.equal("still here", ann:hears({ type = "said" }).data)
  end

  after_each(function() house:stop() end)

  for _, type_name in ipairs { "loop", "filtered" } do
    it("ends each loop in a handler of " .. type_name .. ", and the client is told", function()
      start(100, 1000)
      for n = 1, #LOOPS do
        assert.equal("internal", ann:asks({ type = type_name, n = n }).error.code)
        works()
      end
      assert.equal(#LOOPS, aborts())
    end)
  end

  for _, type_name in ipairs { "timed", "ticked" } do
    it("ends each loop that is " .. type_name, function()
      start(100, 1000)
      for n = 1, #LOOPS do
        ann:asks { type = type_name, n = n }
        server.eventually("abort " .. n, function() return aborts() == n end)
        works()
      end
    end)
  end

  it("ends each loop while a plugin is loaded, and the old code goes on", function()
    start(100, 1000)
    for n, loop in ipairs(LOOPS) do
      house:save("bad", ("return function(gate) local _ = %d %s end"):format(n, loop))
      server.eventually("refusal " .. n, function()
        return select(2, house:log():gsub("not reloaded, generation 1 goes on: ", "")) == n
      end)
      works()
    end
    house:logs "bad.lua:1: time budget exceeded: 100 ms without a pause"
  end)

  it("ends a loop in a migration, and nothing has happened", function()
    start(100, 1000)
    house:save("bad", [[return function(gate)
      gate:migrate(1, function(state) state.n = 1 while true do end end)
    end]])
    house:logs "the migration to version 1 failed: "
    works()
  end)

  it("ends one that has others do the work", function()
    start(100, 1000)
    client.guest(house.port, "bob", "tea")
    ann:says { type = "chain" }
    house:logs "bad#1: on chain: aborted, time budget exceeded: 100 ms without a pause"
    ann:says { type = "build" } -- each hook of the other plugin is a run of its own
    house:logs "bad#1: on build: aborted, time budget exceeded: 400 ms without a pause"
    works()
  end)

  describe("when the time is used by others, within their budgets,", function()
    local SLOW = [[return function(gate)
      local function work()
        local begun = os.clock()
        while os.clock() - begun < 0.08 do end
      end
      gate:provide("1.0", { work = work })
      for _ = 1, 12 do gate:after("cheered", work) end
    end]]
    local USES = [[return function(gate)
      local slow = gate:use("slow", "1.0")
      gate:tells "cheered"
      gate:on("cheer", function(conn) gate:tell("cheered", conn.user) return {} end)
      gate:on("use", function() for _ = 1, 12 do slow.work() end return {} end)
    end]]

    for _, type_name in ipairs { "cheer", "use" } do
      it("blames them, once: " .. type_name, function()
        house = server.start { plugins = { slow = SLOW, uses = USES, init = ([[return { %s "auth",
          "rooms", "messages", "router", { "slow", trust = "guarded" }, "uses",
          trust = "trusted" }]]):format(
          BUDGET:format(100, 2)) } }
        house:expects "time budget exceeded"
        ann = client.guest(house.port, "ann", "tea")
        ann:asks { type = type_name }
        house:logs(("slow#1: within on %s of uses: aborted, time budget exceeded: 400 ms"):format(
          type_name))
        ann:says { type = "say", room = "tea", data = "still here" }
        assert.equal("still here", ann:hears({ type = "said" }).data)
        assert.equal(1, select(2, house:log():gsub("aborted, ", "")))
        assert.is_nil(house:log():find "switched off")
      end)
    end
  end)

  it("says that one cannot be ended, while it cannot", function()
    start(100, 1000)
    ann:says { type = "deaf" }
    house:expects "cannot be aborted"
    house:logs "ms, and cannot be aborted before a function of C or of the gateway returns"
    assert.equal(0, aborts())
    house:logs "bad#1: on deaf: aborted, time budget exceeded: "
    works()
  end)

  it("ends one that has yielded, and knows whose it was", function()
    start(100, 2)
    house:expects "switched off"
    for _ = 1, 2 do assert.equal("internal", ann:asks({ type = "yields" }).error.code) end
    house:logs "bad#1: on yields: aborted, time budget exceeded: 100 ms"
    house:logs "bad#1: switched off: aborted 2 times"
  end)

  it("leaves alone who comes after one that has ended too late by itself", function()
    start(100, 1000)
    house:expects "cannot be aborted"
    for _ = 1, 3 do
      assert.is_table(ann:asks { type = "late" })
      works()
    end
    assert.equal(0, aborts())
  end)

  it("leaves the others their turn beside requests that ask for requests without end", function()
    start(100, 1000)
    local bob = client.guest(house.port, "bob", "tea")
    for _ = 1, 5 do bob:says { type = "again" } end
    local function rounds() return ann:asks({ type = "rounds" }).data.rounds end
    server.eventually("the chain", function() return rounds() > 1000 end)
    for _ = 1, 20 do works() end
    local before = rounds()
    server.eventually("more of it", function() return rounds() > before + 1000 end)
    bob:cut()
    assert.equal(0, aborts())
  end)

  it("says where the time goes before it ends it", function()
    start(2000, 1000)
    ann:says { type = "loop", n = 1 }
    house:logs "bad#1: on loop: has run for 20 ms without a pause"
    assert.equal(0, aborts())
    house:logs "aborted, time budget exceeded: 2000 ms"
  end)

  it("switches the plugin off after some aborts, until it is loaded again", function()
    start(100, 2)
    house:expects "switched off: aborted 2 times within 60 s"
    for n = 1, 2 do assert.equal("internal", ann:asks({ type = "loop", n = n }).error.code) end
    house:logs "switched off"
    assert.equal("unavailable", ann:asks({ type = "fine" }).error.code)
    server.eventually("the metrics", function()
      return house:metrics()['moongate_script_plugin_off{plugin="bad"}'] == 1
    end)
    assert.equal(2,
      house:metrics()['moongate_script_overruns_total{plugin="bad",budget="hard"}'])
    house:save("bad", plugin() .. "\n")
    server.eventually("the new code", function() return ann:asks({ type = "fine" }).ok end)
    works()
  end)
end)
