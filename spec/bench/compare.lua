--- moongate beside other servers: ./dev bench [options]
package.path = "./?.lua;" .. package.path
local json = require "cjson"
local peer = require "spec.bench.peer"
local report = require "spec.bench.report"
local runner = require "spec.bench.runner"
local scenario = require "spec.bench.scenario"
local file = require "spec.support.file"

local TABLE, RAW = "build/bench/table.md", "build/bench/results.json"
local QUICK = { peers = "floor,moongate,bun", runs = 1, seconds = 3 }
local FULL = { runs = 3, seconds = 3 }

local HELP = [[
usage: ./dev bench [options]

Measures moongate and other servers, each alone on CPU 0 with the generator on CPU 1, by
turns, and writes build/bench/table.md and build/bench/results.json.

  --quick             floor, moongate and bun only, one short run of each
  --peers A,B         of: %s
  --scenarios A,B     of: %s
  --runs N            of each, of which the median counts (3)
  --seconds S         to measure in each (3)
  --moongate PATH     another binary in the moongate column (build/release/moongate)
  --check             instead: let each server say what it is measured for
  --against COMMIT [SECONDS ROUNDS]
                      instead: this build and that of another commit by turns
  --sweep             instead: moongate with more connections, larger rooms and so on,
                      build/bench/sweep.md; knows --seconds
  --codec             instead: what JSON and MessagePack cost, a table on the terminal
]]

local TABLES = {
  { heading = "Thousand deliveries per second of server CPU time; in the last row, upgrades. "
    .. "More is better.", measures = { throughput = true, upgrades = true }, has_ratios = true },
  { heading = "Latency at a fixed rate, p50 / p99 in milliseconds. Less is better.",
    measures = { latency = true } },
  { heading = "KiB of memory (RSS) for an idle connection. Less is better.",
    measures = { memory = true } },
}

local NOTES = ([[
- Payloads of %d bytes as text, no compression, no TLS. Closed loop: a speaker has at most %d
  messages under way in the rooms where one speaks, %d where all do. The generator checks every
  delivery, and a cell says what was wrong instead of a number.
- CPU time is that of all processes and threads of the server, user and system, pinned to CPU 0.
- moongate runs one I/O thread, examples/echo.lua or examples/relay.lua, and its default limits
  but for
  %s.
- floor checks nothing and has no limits or timers: it shows what the system calls cost.
- nchan: the channel's buffer holds 20,000 messages for 5 seconds, so that none is dropped. It
  has no echo.
- gorilla: its chat example, but each message in a frame of its own, prepared once for a room,
  and the hub waits for a full member instead of cutting it off.
- socket.io: its protocol, so somewhat longer frames.
]]):format(scenario.BYTES, scenario.ROOM_IN_FLIGHT, scenario.CHAT_IN_FLIGHT,
  table.concat(peer.MOONGATE_LIMITS, " "))

local function names(list, key)
  local all = {}
  for i, item in ipairs(list) do all[i] = item[key] end
  return table.concat(all, ",")
end

local function fail(message)
  io.stderr:write("bench: ", message, "\n")
  os.exit(2)
end

--- "a,b" -> the items of the list with these names, in the list's order.
local function chosen(list, key, text)
  if not text then return list end
  local wanted, found = {}, {}
  for name in text:gmatch "[^,]+" do wanted[name] = true end
  for _, item in ipairs(list) do
    if wanted[item[key]] then found[#found + 1] = item end
    wanted[item[key]] = nil
  end
  local unknown = next(wanted)
  if unknown then fail(("%s: expected some of %s"):format(unknown, names(list, key))) end
  return found
end

local function read_options(words)
  local options = { peers = nil, scenarios = nil, runs = nil, seconds = nil, moongate = nil }
  local known = { peers = true, scenarios = true, runs = true, seconds = true, moongate = true }
  local defaults, i = FULL, 1
  while words[i] do
    local name = words[i]:match "^%-%-(%a+)$"
    if name == "quick" then
      defaults = QUICK
    elseif known[name] and words[i + 1] then
      i = i + 1
      options[name] = words[i]
    else
      io.write(HELP:format(names(peer.all, "name"), names(scenario.all, "id")))
      os.exit(name == "help" and 0 or 2)
    end
    i = i + 1
  end
  for name, value in pairs(defaults) do options[name] = options[name] or value end
  options.runs, options.seconds = tonumber(options.runs), tonumber(options.seconds)
  if not options.runs or not options.seconds then fail "--runs and --seconds: expected numbers" end
  return options
end

--- The peers that are there, and a line for each that is not.
local function present(peers)
  local found, absent = {}, {}
  for _, one in ipairs(peers) do
    local why = one.missing()
    if why then
      absent[#absent + 1] = ("- left out: %s, %s"):format(one.name, why)
    else
      found[#found + 1] = one
    end
  end
  return found, absent
end

--- By turns, so that what else the machine does hits all alike.
local function measure(peers, scenarios, options)
  local results = {}
  for _, what in ipairs(scenarios) do results[what.id] = {} end
  for number = 1, options.runs do
    for _, what in ipairs(scenarios) do
      for _, one in ipairs(peers) do
        if not (one.lacks and one.lacks[what.kind]) then
          local runs = results[what.id][one.name] or {}
          results[what.id][one.name] = runs
          local result = runner.run(one, what, options.seconds)
          runs[#runs + 1] = result
          io.stderr:write(("%d/%d %-12s %-9s %s\n"):format(number, options.runs, what.id,
            one.name, report.cell({ result }, what.measure)))
          file.write(RAW, json.encode(results))
        end
      end
    end
  end
  return results
end

local function main()
  local options = read_options(arg)
  peer.by_name.moongate.binary = options.moongate or peer.by_name.moongate.binary
  local peers, absent = present(chosen(peer.all, "name", options.peers))
  local scenarios = chosen(scenario.all, "id", options.scenarios)
  local load_before = report.load_average()
  local results = measure(peers, scenarios, options)
  local parts = { report.facts(peers, load_before) .. ("- medians of %g run(s) of %g s\n")
    :format(options.runs, options.seconds) .. table.concat(absent, "\n") }
  for _, what in ipairs(TABLES) do
    parts[#parts + 1] = report.tabulate(what, scenarios, peers, results)
  end
  parts[#parts + 1] = NOTES
  local text = table.concat(parts, "\n")
  file.write(TABLE, text)
  io.write(text)
end

main()
