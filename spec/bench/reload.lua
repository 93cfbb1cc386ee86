--- What reloads cost a busy server: ./dev reload [SECONDS]
--
-- 500 connections in 50 rooms say 5,000 messages a second, all of which `moongate bench` checks.
-- Meanwhile one of 200 plugin files is replaced every 200 ms: by good code with a migration, by a
-- syntax error, by code that raises while it loads, by code whose migration fails. Prints what the
-- reloads took, what the generator says, and whether the state is right.
package.path = "./?.lua;" .. package.path
local changing = require "spec.support.changing"
local client = require "spec.support.client"
local file = require "spec.support.file"
local server = require "spec.support.server"
local socket = require "socket"

local SECONDS = tonumber(arg[1]) or 60
local FILES = 200
local EVERY_S = 0.2
local ROOMS, MEMBERS, RATE = 50, 10, 5000

--- Filters that look at requests, so that there is something to compile and to run, and metrics.
local function filler(n)
  return ([[return function(gate)
  local limit = gate:option("limit", { default = %d, min = 1 })
  local words = { "one", "two", "three" }
  for _, name in ipairs(words) do gate:counter(name .. "_total") end
  gate:histogram "wait_seconds"
  gate:before("say", function(conn, message)
    if type(message.data) == "string" and #message.data > limit then
      return nil, "too_long", ("at most %%d bytes"):format(limit)
    end
    conn.state.word%d = words[1]
  end)
  gate:on("filler%d", function(_, message) return { echo = message.data, words = words } end)
end]]):format(1000 + n, n, n)
end

local function start()
  local plugins = {}
  for n = 1, FILES - 2 do plugins[("filler%03d"):format(n)] = filler(n) end
  plugins.changing = changing.good(1)
  plugins.relay = file.read "examples/relay.lua"
  return server.start { tls = false, plugins = plugins, arguments = { "--log", "debug",
    "--rate-messages", "1000000", "--burst-messages", "1000000", "--rate-bytes", "1000000000",
    "--burst-bytes", "1000000000", "--max-connections-per-address", "1000" } }
end

local function percentile(values, p)
  return values[math.max(1, math.ceil(#values * p / 100))] or 0
end

local function print_times(what, values)
  table.sort(values)
  print(("%s: %d, p50 %.1f ms, p99 %.1f ms, max %.1f ms"):format(what, #values,
    percentile(values, 50), percentile(values, 99), values[#values] or 0))
end

local function report(house, versions)
  local taken, refused = {}, {}
  for ms in house:log():gmatch "generation %d+: changing.-; took ([%d.]+) ms" do
    taken[#taken + 1] = tonumber(ms)
  end
  for ms in house:log():gmatch "the refused reload took ([%d.]+) ms" do
    refused[#refused + 1] = tonumber(ms)
  end
  print_times("reloads", taken)
  print_times("refused reloads", refused)
  local response = client.request(house.port, "GET /state HTTP/1.1\r\nHost: bench\r\n\r\n")
  print(("state: %s, expected version %d"):format(response.socket:receive "*a", versions))
end

local house = start()
local generator = assert(io.popen(("build/moongate bench chat --rooms %d --members %d --rate %d "
  .. "--duration-s %d --quiet --pid %d 'ws://127.0.0.1:%d/relay/{room}' 2>&1; echo exit $?"):format(
  ROOMS, MEMBERS, RATE, SECONDS, house.pid, house.port)))
local begun, version, turn, early_kb = socket.gettime(), 1, 0, nil
while socket.gettime() - begun < SECONDS do
  socket.sleep(EVERY_S)
  turn = turn + 1
  if turn % 2 == 1 then
    version = version + 1
    house:save("changing", changing.good(version))
  else
    house:save("changing", changing.BAD[turn / 2 % #changing.BAD + 1].code(version))
  end
  if not early_kb and socket.gettime() - begun > SECONDS / 4 then early_kb = house:rss_kb() end
end
house:save("changing", changing.good(version))
print(generator:read "*a")
generator:close()
print(("memory: %d KB after a quarter of the time, %d KB at the end"):format(early_kb,
  house:rss_kb()))
report(house, version - 1) -- a plugin that is new has nothing to migrate
house.expected = { "" }
house:stop()
