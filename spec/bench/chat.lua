--- What a message of the chat costs the thread of the scripts: ./dev chat [ROUNDS [SECONDS]]
--
-- The app as it comes, with all its plugins, but for limits that nobody reaches: 50 rooms of 10 in
-- which all say something and hear everybody. By turns in JSON and in MessagePack; then a profile
-- of it in JSON: whose code runs, and in what.
package.path = "./?.lua;" .. package.path
local file = require "spec.support.file"
local json = require "cjson"
local operator = require "spec.support.operator"
local server = require "spec.support.server"

local ROUNDS = tonumber(arg[1]) or 5
local SECONDS = tonumber(arg[2]) or 4
local SHOWN = 8 -- lines of each part of the profile

local NOBODY = "{ per_second = 1e6, burst = 1e6 }"
local LIMITS = ('{ "limits", trust = "trusted", options = { user_per_second = 1e6, '
  .. "user_burst = 1e6, address_burst = 1e6, room = %s, types = { say = %s } } }"):format(NOBODY,
  NOBODY)
local list, count = file.read "scripts/init.lua":gsub('{ "limits", trust = "trusted" }', LIMITS)
assert(count == 1, "scripts/init.lua: no limits")

local path, prefix = operator.free_path(), file.free_path()
local house = server.start { tls = false, is_limited = true, plugins = { init = list },
  arguments = { "--admin", path, "--rate-messages", "1000000", "--burst-messages", "1000000",
    "--rate-bytes", "1000000000", "--burst-bytes", "1000000000",
    "--max-connections-per-address", "1000" } }

local BENCH = server.BINARY .. " bench chat --protocol moongate.v1.%s --rooms 50 --members 10 "
  .. "--in-flight 4 --duration-s %d --pid %d --json --quiet ws://127.0.0.1:%d/ws"
local PROFILE = server.BINARY .. " ctl --admin %s profile --seconds %d --output %s >/dev/null"

local function command(encoding, seconds)
  return BENCH:format(encoding, seconds, house.pid, house.port)
end

--- Messages of clients for a second of that thread's CPU.
local function turn(encoding)
  local report = json.decode(file.output(command(encoding, SECONDS)))
  return assert(report.messages_per_main_thread_cpu_second)
end

local function median(values)
  table.sort(values)
  return values[math.ceil(#values / 2)]
end

local results = { json = {}, msgpack = {} }
for round = 1, ROUNDS do
  for _, encoding in ipairs { "json", "msgpack" } do
    results[encoding][round] = turn(encoding)
    print(("%-8s %7.0f messages a second of CPU"):format(encoding, results[encoding][round]))
  end
end
for _, encoding in ipairs { "json", "msgpack" } do
  print(("%-8s %7.0f, the median of %d"):format(encoding, median(results[encoding]), ROUNDS))
end

--- The shares of a profile, by what `name_of` makes of a stack.
local function print_shares(title, lines, name_of)
  local shares, names, all = {}, {}, 0
  for stack, samples in lines:gmatch "([^\n]+) (%d+)\n" do
    local name = name_of(stack)
    if not shares[name] then names[#names + 1] = name end
    shares[name], all = (shares[name] or 0) + samples, all + samples
  end
  table.sort(names, function(a, b) return shares[a] > shares[b] end)
  print(title)
  for i = 1, math.min(#names, SHOWN) do
    print(("  %5.1f %%  %s"):format(shares[names[i]] / all * 100, names[i]))
  end
end

--- What runs in the end: a library, the garbage collector, or the Lua of a file.
local function leaf_of(stack)
  local leaf = stack:match "([^;]*)$"
  return leaf:match "%.lua" and "Lua" or leaf:match "^moongate:" and "moongate, in C"
    or leaf:gsub(":.*", "")
end

file.output(("%s & sleep 2; %s; wait"):format(command("json", SECONDS + 6),
  PROFILE:format(path, SECONDS, prefix)))
local lines = file.read(prefix .. ".folded")
print_shares("whose code", lines, function(stack) return stack:match "^[^;]*" end)
print_shares("what runs", lines, leaf_of)
house.expected = { "" }
house:stop()
os.remove(prefix .. ".folded")
os.remove(prefix .. ".svg")
