--- Runs moongate bench against a server, for system specs.
local assert = require "luassert"
local json = require "cjson"
local server = require "spec.support.server"

local generator = {}

-- what a report without a fault counts
generator.ERRORS = { lost = 0, duplicated = 0, reordered = 0, corrupt = 0, closed = 0,
  refused = 0 }

function generator.url_of(house, path) return house.origin:gsub("^http", "ws") .. path end

--- What it reports of the house, its exit status, what it says on stderr.
function generator.run(house, scenario, path, ...)
  local arguments = { "bench", scenario, "--json", "--quiet", "--duration-s", "0.2",
    "--warmup-s", "0.05", "--pid", tostring(house.pid), ... }
  arguments[#arguments + 1] = generator.url_of(house, path)
  local status, out, err = server.run_to_end(arguments)
  local is_json, report = pcall(json.decode, out)
  assert.is_true(is_json, out .. err)
  return report, status, err
end

return generator
