--- This build beside that of another commit, round by round: ./dev bench --against COMMIT
package.path = "./?.lua;" .. package.path
local peer = require "spec.bench.peer"
local runner = require "spec.bench.runner"
local unlimited = require "spec.bench.unlimited"

local OTHER = assert(arg[1], "a commit")
local SECONDS = tonumber(arg[2]) or 2
local ROUNDS = tonumber(arg[3]) or 7
local BINARIES = { "build/against/build/moongate", "build/release/moongate" }
local APPS = { unlimited.copy("build/against/source/scripts", "build/against/chat"),
  unlimited.copy("scripts", "build/against/chat_here") }

local ROOMS = { "--rooms", 100, "--members", 10 }

local function talk(title, kind, in_flight, more, words)
  local what = { title = title, kind = kind, measure = "throughput", kind, "--in-flight", in_flight,
    "--bytes", 128 }
  for _, word in ipairs(words or ROOMS) do what[#what + 1] = word end
  for key, value in pairs(more or {}) do what[key] = value end
  return what
end

local SCENARIOS = {
  talk("relay", "room", 1),
  talk("relay, 16 in flight", "room", 16),
  talk("echo, 16 in flight", "echo", 16, nil, { "--connections", 200 }),
  talk("the default app, 16 in flight", "room", 16,
    { is_chat = true, protocol = "moongate.v1.json" }),
}

local moongate = peer.by_name.moongate

--- Thousand deliveries per CPU second of the server.
local function measure(side, what)
  local binary = BINARIES[side]
  moongate.binary, what.app = binary, what.is_chat and APPS[side] or nil
  local result = runner.run(moongate, what, SECONDS)
  if result.problem then error(("%s: %s"):format(binary, result.problem), 0) end
  return result.deliveries_per_cpu_second / 1000
end

local function median(values)
  table.sort(values)
  local middle = #values / 2
  return (values[math.floor(middle + 0.5)] + values[math.floor(middle) + 1]) / 2
end

--- One after the other, in turn first, so that a slow minute of the machine meets both.
local function compare(what)
  local values, ratios = { {}, {} }, {}
  for round = 1, ROUNDS do
    local one = {}
    local first = round % 2 + 1
    for _, side in ipairs { first, 3 - first } do
      one[side] = measure(side, what)
      table.insert(values[side], one[side])
    end
    ratios[round] = one[2] / one[1]
  end
  print(("| %s | %.1f | %.1f | %.3f |"):format(what.title, median(values[1]), median(values[2]),
    median(ratios)))
end

print(("Thousand deliveries per CPU second, medians of %d rounds of %d s, and of their ratios.\n")
  :format(ROUNDS, SECONDS))
print(("| | %s | this build | ratio |"):format(OTHER))
print "| --- | --- | --- | --- |"
for _, what in ipairs(SCENARIOS) do compare(what) end
