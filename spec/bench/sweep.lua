--- How moongate's cost grows: ./dev bench --sweep [--seconds S]
package.path = "./?.lua;" .. package.path
local peer = require "spec.bench.peer"
local report = require "spec.bench.report"
local runner = require "spec.bench.runner"
local scenario = require "spec.bench.scenario"
local unlimited = require "spec.bench.unlimited"
local certificate = require "spec.support.certificate"
local file = require "spec.support.file"

local FOLDER = "build/bench"
local TABLE = FOLDER .. "/sweep.md"
local SECONDS = arg[1] == "--seconds" and tonumber(arg[2]) or 2
local RUNS = 3

local moongate, floor = peer.by_name.moongate, peer.by_name.floor

local function talk(title, kind, words, more)
  local what = { title = title, kind = kind, measure = "throughput", kind, "--in-flight",
    more and more.in_flight or 1, "--bytes", scenario.BYTES }
  for _, word in ipairs(words) do what[#what + 1] = word end
  for key, value in pairs(more or {}) do what[key] = value end
  return what
end

local function rooms(title, count, members, more)
  return talk(title, "room", { "--rooms", count, "--members", members }, more)
end

local function echoes(title, connections, more)
  return talk(title, "echo", { "--connections", connections }, more)
end

local MANY = { in_flight = 16 }

local CHAT = FOLDER .. "/chat" -- the default app, without its limits of what a user may send
local FILTERED = FOLDER .. "/filtered" -- the default app with 20 filters of "say"
local FILTERS = 20

local function json_rooms(title, app)
  return rooms(title, 200, 1, { app = app, protocol = "moongate.v1.json", in_flight = 16 })
end

-- threads: of moongate; app and protocol: instead of the relay; is_tls: over wss. No floor
-- beside these.
local SECTIONS = {
  { heading = "Connections, in rooms of 10",
    rooms("100", 10, 10), rooms("1,000", 100, 10), rooms("10,000", 1000, 10),
    rooms("100, 16 in flight", 10, 10, MANY), rooms("1,000, 16 in flight", 100, 10, MANY),
    rooms("10,000, 16 in flight", 1000, 10, MANY) },
  { heading = "Members of a room, 1,000 connections (the last: 5,000)",
    rooms("2", 500, 2), rooms("10", 100, 10), rooms("100", 10, 100), rooms("1,000", 1, 1000),
    rooms("5,000", 1, 5000) },
  { heading = "I/O threads, 100 rooms of 10, all threads on one CPU",
    rooms("1", 100, 10, { threads = 1 }), rooms("2", 100, 10, { threads = 2 }) },
  { heading = "Protocol, 100 rooms of 10",
    rooms("relay", 100, 10),
    rooms("moongate.v1.json (the default app)", 100, 10,
      { app = CHAT, protocol = "moongate.v1.json" }),
    rooms("relay, 16 in flight", 100, 10, MANY),
    rooms("moongate.v1.json, 16 in flight", 100, 10,
      { app = CHAT, protocol = "moongate.v1.json", in_flight = 16 }) },
  { heading = "Plugins that filter what is said, moongate.v1.json, 200 rooms of one, 16 in flight",
    json_rooms("none", CHAT), json_rooms(FILTERS .. " filters", FILTERED) },
  { heading = "TLS, no handshake measured",
    echoes("echo, 200 connections, 16 in flight: plain", 200, MANY),
    echoes("echo, 200 connections, 16 in flight: TLS", 200, { is_tls = true, in_flight = 16 }),
    rooms("2 rooms of 100: plain", 2, 100),
    rooms("2 rooms of 100: TLS", 2, 100, { is_tls = true }) },
}

local TLS = {}

--- Whether nothing in the row is what the floor lacks.
local function is_for_floor(what)
  return not (what.threads or what.app or what.is_tls or floor.missing())
end

local function runs_of(server, what)
  local runs = {}
  for i = 1, RUNS do runs[i] = runner.run(server, what, SECONDS) end
  return runs
end

local function cells_of(what)
  local cells = { what.title, "", "" }
  if is_for_floor(what) then
    cells[2] = report.cell(runs_of(floor, what), what.measure)
  end
  moongate.threads = what.threads or 1
  moongate.more = what.is_tls and TLS or nil
  cells[3] = report.cell(runs_of(moongate, what), what.measure)
  return cells
end

local function make_filtered()
  assert(os.execute(("rm -rf %s && cp -r scripts %s"):format(FILTERED, FILTERED)) == 0)
  local list = { 'return { "auth", "rooms", "router"' }
  for n = 1, FILTERS do
    list[#list + 1] = ('"filter%d"'):format(n)
    file.write(("%s/filter%d.lua"):format(FILTERED, n), [[return function(gate)
      local limit = gate:option("limit", 1000)
      gate:before("say", function(_, message)
        if type(message.data) == "string" and #message.data > limit then
          return nil, "too_long"
        end
      end)
    end]])
  end
  file.write(FILTERED .. "/init.lua", table.concat(list, ", ")
    .. ', trust = "trusted" }')
end

local function main()
  unlimited.copy("scripts", CHAT)
  make_filtered()
  local load_before = report.load_average()
  local cert, key = certificate.make { folder = FOLDER, name = "sweep" }
  TLS = { "--tls-cert", cert, "--tls-key", key }
  local parts = {}
  for _, section in ipairs(SECTIONS) do
    local lines = { section.heading, "", report.row { "", "floor", "moongate" }, report.rule(3) }
    for _, what in ipairs(section) do
      lines[#lines + 1] = report.row(cells_of(what))
      io.stderr:write(lines[#lines], "\n")
    end
    parts[#parts + 1] = table.concat(lines, "\n") .. "\n"
  end
  moongate.threads = 1
  table.insert(parts, 1, report.facts({ floor, moongate }, load_before)
    .. ("- thousand deliveries per second of server CPU time; the median of %d runs of %g s; one\n"
    .. "  speaks in each room, messages of %d bytes, 1 in flight where nothing else is said\n")
    :format(RUNS, SECONDS, scenario.BYTES))
  local text = table.concat(parts, "\n")
  file.write(TABLE, text)
  io.write(text)
end

main()
