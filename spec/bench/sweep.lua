--- How moongate's cost grows: ./dev bench --sweep [--seconds S]
package.path = "./?.lua;" .. package.path
local peer = require "spec.bench.peer"
local report = require "spec.bench.report"
local runner = require "spec.bench.runner"
local scenario = require "spec.bench.scenario"

local TABLE = "build/bench/sweep.md"
local SECONDS = arg[1] == "--seconds" and tonumber(arg[2]) or 5

local moongate, floor = peer.by_name.moongate, peer.by_name.floor

local function rooms(title, count, members, more)
  local what = { title = title, kind = "room", measure = "throughput", "room", "--rooms", count,
    "--members", members, "--in-flight", scenario.ROOM_IN_FLIGHT, "--bytes", scenario.BYTES }
  for key, value in pairs(more or {}) do what[key] = value end
  return what
end

-- threads: of moongate; app and protocol: instead of the relay; no floor beside these.
local SECTIONS = {
  { heading = "Connections, in rooms of 10",
    rooms("100", 10, 10), rooms("1,000", 100, 10), rooms("10,000", 1000, 10) },
  { heading = "Members of a room, 1,000 connections (the last: 5,000)",
    rooms("2", 500, 2), rooms("10", 100, 10), rooms("100", 10, 100), rooms("1,000", 1, 1000),
    rooms("5,000", 1, 5000) },
  { heading = "I/O threads, 100 rooms of 10, all threads on one CPU",
    rooms("1", 100, 10, { threads = 1 }), rooms("2", 100, 10, { threads = 2 }) },
  { heading = "Protocol, 100 rooms of 10",
    rooms("relay", 100, 10),
    rooms("moongate.v1.json (the default app)", 100, 10,
      { app = "scripts", protocol = "moongate.v1.json" }) },
}

local function cells_of(what)
  local cells = { what.title, "", "" }
  if not (what.threads or what.app or floor.missing()) then
    cells[2] = report.cell({ runner.run(floor, what, SECONDS) }, what.measure)
  end
  moongate.threads = what.threads or 1
  cells[3] = report.cell({ runner.run(moongate, what, SECONDS) }, what.measure)
  return cells
end

local function main()
  local load_before = report.load_average()
  local parts = {}
  for _, section in ipairs(SECTIONS) do
    local lines = { section.heading, "", report.row { "", "floor", "moongate" }, report.rule(3) }
    for _, what in ipairs(section) do
      lines[#lines + 1] = report.row(cells_of(what))
      io.stderr:write(lines[#lines], "\n")
    end
    parts[#parts + 1] = table.concat(lines, "\n") .. "\n"
  end
  local help = peer.output(runner.GENERATOR .. " bench --help")
  if not help:find("wss://", 1, true) then
    parts[#parts + 1] = "TLS: not measured, for the generator does not speak it.\n"
  end
  moongate.threads = 1
  table.insert(parts, 1, report.facts({ floor, moongate }, load_before)
    .. ("- thousand deliveries per second of server CPU time; one run of %g s each; one speaks in\n"
    .. "  each room, with %d messages of %d bytes in flight\n")
    :format(SECONDS, scenario.ROOM_IN_FLIGHT, scenario.BYTES))
  local text = table.concat(parts, "\n")
  local file = assert(io.open(TABLE, "w"))
  file:write(text)
  file:close()
  io.write(text)
end

main()
