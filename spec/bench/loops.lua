--- What a plugin that does not come to an end costs everybody else: ./dev loops [SECONDS]
--
-- 500 connections in 50 rooms say 5,000 messages a second, all of which `moongate bench` checks.
-- Meanwhile each loop of spec/support/looping.lua runs in a handler, a filter, a timer, a tick and
-- while a plugin is loaded, one every EVERY_S. Prints how long after its budget of time each was
-- aborted at the latest, and what the generator says.
package.path = "./?.lua;" .. package.path
local client = require "spec.support.client"
local file = require "spec.support.file"
local looping = require "spec.support.looping"
local server = require "spec.support.server"
local socket = require "socket"

local EVERY_S = 3
local HARD_MS = 500
local LOOPS = #looping.LOOPS
local PLACES = { "loop", "filtered", "timed", "ticked", "load" }
local SECONDS = tonumber(arg[1]) or LOOPS * #PLACES * EVERY_S

local house = server.start { tls = false, plugins = {
  relay = file.read "examples/relay.lua", bad = looping.plugin(), floor = looping.FLOOR,
  init = ([[return { trust = "trusted", "auth", "rooms", "messages",
    "router", "relay", "bad", "floor",
    budget = { hard_ms = %d, load_ms = %d, aborts = 100000 }, rollback = false }]])
    :format(HARD_MS, HARD_MS) },
  arguments = { "--rate-messages", "1000000", "--burst-messages", "1000000", "--rate-bytes",
    "1000000000", "--burst-bytes", "1000000000", "--max-connections-per-address", "1000",
    "--ping-interval-ms", "1000", "--pong-timeout-ms", "900" } }

--- When the log said so for the n-th time, in seconds by its own clock.
local function count_of(text) return select(2, house:log():gsub(text, "")) end

local function wait_for(text, count)
  server.eventually(text, function() return count_of(text) >= count end)
end

--- Milliseconds from the warning at soft_ms to the abort, with those 50.
local function times()
  local list, soft = {}, {}
  for seconds, label, rest in house:log():gmatch "T%d+:%d+:(%S+)Z %a+ +(%S-): ([^\n]*)" do
    local now_ms = tonumber(seconds) * 1000
    if rest:find "has run for 50 ms" then soft[label] = now_ms end
    if rest:find "aborted, time budget" then
      list[#list + 1] = (now_ms - soft[label]) % 60000 + 50 - HARD_MS
    end
  end
  table.sort(list)
  return list
end

local generator = assert(io.popen(("build/moongate bench chat --rooms 50 --members 10 --rate 5000 "
  .. "--duration-s %d --quiet --pid %d 'ws://127.0.0.1:%d/relay/{room}' 2>&1"):format(SECONDS,
  house.pid, house.port)))
local begun, done = socket.gettime(), { loop = 0, load = 0 }

local function begin(place, n)
  if place == "load" then
    house:save("floor", ("return function() local _ = %d %s end"):format(n, looping.LOOPS[n]))
    done.load = done.load + 1
    return wait_for("not reloaded, generation %d+ goes on", done.load)
  end
  local ann = client.guest(house.port, "ann", "tea") -- a new one: she does not answer pings
  ann:says { type = place, n = n }
  done.loop = done.loop + 1
  wait_for("aborted, time budget", done.loop)
  ann:close()
end

for n = 0, math.floor(SECONDS / EVERY_S) - 2 do
  begin(PLACES[n % #PLACES + 1], math.floor(n / #PLACES) % LOOPS + 1)
  socket.sleep(math.max(0, begun + (n + 1) * EVERY_S - socket.gettime()))
end
print(generator:read "*a")
generator:close()
local list = times()
print(("%d loops aborted, %d refused while loading"):format(done.loop, done.load))
print(("after the budget of %d ms: p50 %.0f ms, max %.0f ms"):format(HARD_MS,
  list[math.ceil(#list / 2)] or 0, list[#list] or 0))
house.expected = { "" }
house:stop()
