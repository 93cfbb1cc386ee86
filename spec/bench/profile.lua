--- What a profile costs a busy server: ./dev profile [ROUNDS] [SECONDS]
--
-- Rooms of 50 where all talk, as fast as it goes, through examples/relay.lua; by turns without and
-- while `moongate ctl profile` collects. Prints the deliveries of each turn for a second of the
-- server's CPU, and what the median of those with a profile is worth.
package.path = "./?.lua;" .. package.path
local file = require "spec.support.file"
local json = require "cjson"
local operator = require "spec.support.operator"
local server = require "spec.support.server"

local ROUNDS = tonumber(arg[1]) or 5
local SECONDS = tonumber(arg[2]) or 5
local WARMUP_S = 1

local path, prefix = operator.free_path(), file.free_path()
local house = server.start { tls = false, plugins = { relay = file.read "examples/relay.lua" },
  arguments = { "--admin", path, "--rate-messages", "1000000", "--burst-messages", "1000000",
    "--rate-bytes", "1000000000", "--burst-bytes", "1000000000",
    "--max-connections-per-address", "1000" } }

local BENCH = "build/moongate bench chat --rooms 2 --members 50 --duration-s %d --warmup-s %d "
  .. "--pid %d --json --quiet ws://127.0.0.1:%d/relay/{room}"
local PROFILE = "build/moongate ctl --admin %s profile --seconds %d --output %s & "

--- Deliveries for a second of CPU.
local function turn(is_profiled)
  local command = BENCH:format(SECONDS, WARMUP_S, house.pid, house.port)
  if is_profiled then
    local whole_s = SECONDS + 2 * WARMUP_S
    command = PROFILE:format(path, whole_s, prefix):gsub("& $", ">/dev/null & ") .. command
      .. "; wait"
  end
  return assert(json.decode(file.output(command)).deliveries_per_cpu_second)
end

local function median(values)
  table.sort(values)
  return values[math.ceil(#values / 2)]
end

local without, with = {}, {}
for round = 1, ROUNDS do
  without[round], with[round] = turn(false), turn(true)
  print(("round %d: %.0f deliveries a second of CPU, with a profile %.0f"):format(round,
    without[round], with[round]))
end
print(("with a profile: %.1f %% of what is delivered without (medians of %d)"):format(
  median(with) / median(without) * 100, ROUNDS))
house:stop()
os.remove(prefix .. ".folded")
os.remove(prefix .. ".svg")
