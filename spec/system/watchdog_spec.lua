local client = require "spec.support.client"
local server = require "spec.support.server"

-- ThreadSanitizer keeps signals back while a thread calls no C function.
if server.BINARY:find "tsan" then return end

local LOOPS = {
  "while true do end",
  "local x = 0 while true do x = x + 1 end",
  "local function f(a) return a + 1 end local x = 0 while true do x = f(x) end",
  "local t = {} for i = 1, 1e12 do t[i % 100] = i end",
  "local s = string.rep('a', 20) .. 'b' while true do s:find('.-.-.-.-c') end",
  "while true do pcall(function() while true do end end) end",
  "coroutine.wrap(function() while true do end end)()",
  "while true do local s = {} for i = 1, 100 do s[i] = tostring(i) end end",
  "local function r(n) return r(n + 1) + 1 end while true do pcall(r, 1) end",
  "while true do xpcall(function() error('x') end, function() while true do end end) end",
  "while true do coroutine.wrap(function() coroutine.yield() end)() end",
  "while true do xpcall(function() while true do end end, function() while true do end end) end",
  "local a = require('ffi').new('int[100]') while true do for i = 0, 99 do a[i] = a[i] + 1 end end",
}

local PLUGIN = [[return function(gate)
  local loops = {
    %s
  }
  gate:on("loop", function(_, message) loops[message.n]() end)
  gate:on("filtered", function() return true end)
  gate:before("filtered", function(_, message) loops[message.n]() end)
  gate:on("timed", function(_, message)
    gate:after_ms(1, function() loops[message.n]() end)
  end)
  gate:room_kind("hall", { tick_hz = 60, tick = function(room)
    local n = room.state.n
    room.state.n = nil
    if n then loops[n]() end
  end })
  gate:on("ticked", function(_, message)
    gate:open_room("hall", "h")
    gate:room("h").state.n = message.n
  end)
  gate:on("chain", function(conn)
    local _, other = next(gate:user("bob").conns)
    while conn ~= other do gate:request(other, { type = "ping" }, function() end) end
  end)
  gate:on("build", function()
    for n = 1, 1e12 do gate:open_room("floor", "floor" .. n) end
  end)
  gate:on("fine", function() return { is_fine = true } end)
end]]

local function plugin()
  local fns = {}
  for i, loop in ipairs(LOOPS) do fns[i] = ("function() %s end,"):format(loop) end
  return PLUGIN:format(table.concat(fns, "\n    "))
end

local BUDGET = [[budget = { soft_ms = 20, hard_ms = %d, load_ms = 100, aborts = %d },]]

local FLOOR = [[return function(gate)
  gate:room_kind("floor", { opened = function() end })
end]]

local function init(hard_ms, aborts)
  return ([[return { %s "auth", "rooms", "router", "bad", "floor", trust = "trusted" }]]):format(
    BUDGET:format(hard_ms, aborts))
end

describe("the watchdog", function()
  local house, ann

  local function start(hard_ms, aborts)
    house = server.start { plugins = { bad = plugin(), floor = FLOOR,
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
