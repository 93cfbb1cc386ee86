--- The servers of the comparison: how each is started, what it speaks, which version it is.
local file = require "spec.support.file"
local process = require "spec.bench.process"

local PEERS = "spec/bench/peers"
local NGINX = "/usr/sbin/nginx"
local NCHAN = "/usr/lib/nginx/modules/ngx_nchan_module.so"

--- What would otherwise be a limit of the measurement; all else as it comes.
local MOONGATE_LIMITS = {
  "--rate-messages", 10000000, "--burst-messages", 10000000,
  "--rate-bytes", 1000000000, "--burst-bytes", 1000000000,
  "--max-connections-per-address", 65536, "--max-handshakes", 65536,
  "--handshakes-per-second", 1000000,
}

local function output(command) return (file.output(command):gsub("%s+$", "")) end

local function exists(path) return process.read(path) ~= "" end

local function package_version(name)
  return process.read(("%s/node_modules/%s/package.json"):format(PEERS, name))
    :match '"version":%s*"([^"]+)"'
end

--- The binary for this machine out of those that npm has installed (old CPUs: baseline).
local bun_binary
local function bun()
  if bun_binary ~= nil then return bun_binary end
  bun_binary = false
  local binaries = ("ls -d %s/node_modules/@oven/*/bin/bun 2>/dev/null"):format(PEERS)
  for path in io.popen(binaries):lines() do
    if not bun_binary and output(path .. " --version"):match "^%d" then bun_binary = path end
  end
  return bun_binary
end

local function node(script)
  return function(port) return { "node", PEERS .. "/" .. script, port } end
end

local function needs_package(name)
  return function() return not package_version(name) and "npm has not installed it" end
end

local function built(name)
  return function() return not exists("build/bench/" .. name) and "it does not compile" end
end

local OWN_BINARY = "build/release/moongate"
local moongate = { name = "moongate", binary = OWN_BINARY, threads = 1,
  max_bytes = 65536 }

--- kind: "echo" or "room", or an app.
function moongate.command(port, kind)
  local app = ({ echo = "examples/echo.lua", room = "examples/relay.lua" })[kind] or kind
  local arguments = { moongate.binary, "run", "--threads", moongate.threads, "--port", port,
    "--log", "warn", unpack(MOONGATE_LIMITS) }
  for _, argument in ipairs(moongate.more or {}) do arguments[#arguments + 1] = argument end
  arguments[#arguments + 1] = app
  return arguments
end

function moongate.missing() return not exists(moongate.binary) and "no " .. moongate.binary end

function moongate.version()
  local version = output(moongate.binary .. " --version")
  if moongate.binary ~= OWN_BINARY then return version .. ", " .. moongate.binary end
  return ("%s, commit %s"):format(version, output "git describe --always --dirty")
end

local all = {
  {
    name = "floor",
    command = function(port) return { "build/bench/floor", port } end,
    missing = built "floor",
    version = function() return "bare epoll, " .. output "gcc -dumpfullversion" .. " -O2" end,
  },
  moongate,
  {
    name = "bun",
    command = function(port) return { bun(), PEERS .. "/bun.js", port } end,
    missing = function() return not bun() and "no binary of it runs here" end,
    version = function() return output(bun() .. " --version") end,
  },
  {
    name = "nchan",
    command = function(port) return { PEERS .. "/nchan.sh", port } end,
    missing = function()
      return not (exists(NGINX) and exists(NCHAN)) and "nginx with Nchan is not installed"
    end,
    lacks = { echo = "no echo" },
    processes = 2,
    version = function()
      return output "dpkg-query -W -f='${Version}' libnginx-mod-nchan" .. " on "
        .. output(NGINX .. " -v"):match "nginx/%S+"
    end,
  },
  {
    name = "gorilla",
    command = function(port) return { "build/bench/gorilla", port } end,
    missing = built "gorilla",
    version = function()
      return output "dpkg-query -W -f='${Version}' golang-github-gorilla-websocket-dev" .. ", "
        .. output "go version":match "go%d%S*"
    end,
  },
  {
    name = "ws",
    command = node "ws.js",
    missing = needs_package "ws",
    version = function() return package_version "ws" .. ", Node " .. output "node --version" end,
  },
  {
    name = "socket.io",
    command = node "socketio.js",
    missing = needs_package "socket.io",
    protocol = "socket.io",
    max_bytes = 65536, -- 1 MB with what is around it
    version = function()
      return package_version "socket.io" .. ", Node " .. output "node --version"
    end,
  },
}

local by_name = {}
for _, peer in ipairs(all) do by_name[peer.name] = peer end

return { all = all, by_name = by_name, output = output, MOONGATE_LIMITS = MOONGATE_LIMITS }
