--- One run: a fresh server on CPU 0, the generator on CPU 1, and what it says.
local json = require "cjson"
local process = require "spec.bench.process"

local GENERATOR = "build/release/moongate"
local GENERATOR_ERR = "build/bench/generator.log"
local CPU_OF_SERVER, CPU_OF_GENERATOR = "0", "1"
local CONNECT_RATE = 4000
local PATIENCE_S = 60 -- to connect, and for what is missing at the end

local PATHS = {
  relay = { echo = "/echo", room = "/relay/{room}" },
  ["socket.io"] = {
    echo = "/socket.io/?EIO=4&transport=websocket",
    room = "/socket.io/?EIO=4&transport=websocket&room={room}",
  },
  ["moongate.v1.json"] = { room = "/ws" },
}

local function quote(word) return "'" .. tostring(word):gsub("'", [['\'']]) .. "'" end

--- The generator's command line, for the shell.
local function command_of(server, scenario, one, seconds)
  local protocol = scenario.protocol or one.protocol or "relay"
  local duration_s = math.min(seconds, scenario.max_s or seconds)
  local words = { "timeout", PATIENCE_S + seconds, "taskset", "-c", CPU_OF_GENERATOR,
    GENERATOR, "bench" }
  for _, word in ipairs(scenario) do words[#words + 1] = word end
  local more = { "--duration-s", duration_s, "--warmup-s", math.min(1, seconds / 4), "--protocol",
    protocol, "--pid", table.concat(server:pids(one.processes), ","), "--json", "--quiet",
    ("%s://127.0.0.1:%d%s"):format(scenario.is_tls and "wss" or "ws", server.port,
      PATHS[protocol][scenario.kind]) }
  if scenario.measure ~= "upgrades" then
    table.insert(more, 1, CONNECT_RATE)
    table.insert(more, 1, "--connect-rate")
  end
  for _, word in ipairs(more) do words[#words + 1] = word end
  for i, word in ipairs(words) do words[i] = quote(word) end
  return table.concat(words, " ") .. " 2>" .. GENERATOR_ERR
end

--- null is no number.
local function without_nulls(result)
  for key, value in pairs(result) do
    if value == json.null then result[key] = nil end
    if type(value) == "table" then without_nulls(value) end
  end
  return result
end

---@param one table a peer
---@param scenario table
---@param seconds number
---@return table result the generator's, or { problem = "..." }
local function run(one, scenario, seconds)
  local server, problem = process.start("server-" .. one.name,
    function(port) return one.command(port, scenario.app or scenario.kind) end, CPU_OF_SERVER)
  if not server then return { problem = problem } end
  local pipe = io.popen(command_of(server, scenario, one, seconds))
  local is_json, result = pcall(json.decode, pipe:read "*a")
  pipe:close()
  local has_ended = server:has_ended()
  server:stop()
  if has_ended then return { problem = "the server ended: " .. server.status } end
  if is_json then return without_nulls(result) end
  return { problem = process.read(GENERATOR_ERR):match "[^\n]+" or "the generator did not end" }
end

return { run = run, GENERATOR = GENERATOR }
