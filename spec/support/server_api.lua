--- A server with the server API, and keys for it.
local file = require "spec.support.file"
local server = require "spec.support.server"

local server_api = {}

-- As long as docs/server_api.md has them made.
server_api.KEYS = { ops = ("the key of the operators "):gsub(" ", "-"):rep(3):sub(1, 64),
  reader = ("the key of who reads "):gsub(" ", "-"):rep(4):sub(1, 64),
  bot = ("the key of a bot "):gsub(" ", "-"):rep(4):sub(1, 64) }

local ALLOW = { reader = '{ "read" }', bot = '{ "messages", "kick" }' }

local ENTRY = '{ "server_api", trust = "trusted" }'

-- Makes whoever asks an admin, as a plugin that knows people would.
local CROWN = [[return function(gate)
  gate:on("crown", function(conn) conn.state.admin = true return {} end)
end]]

local function sha256(text)
  return file.output(("printf %%s '%s' | sha256sum"):format(text)):match "^%x+"
end

--- The option, as an operator writes it.
---@return string
function server_api.keys()
  local entries = {}
  for name, key in pairs(server_api.KEYS) do
    entries[#entries + 1] = ("{ name = %q, sha256 = %q, allow = %s }"):format(name, sha256(key),
      ALLOW[name] or "nil")
  end
  return ("keys = { %s }"):format(table.concat(entries, ", "))
end

--- Sets the options of the plugin in a server that runs.
---@param house table
---@param options string
function server_api.set(house, options)
  local list = file.read(house.app .. "/init.lua")
  local at, to = list:find(ENTRY, 1, true)
  house:save("init", list:sub(1, at - 1)
    .. ('{ "server_api", trust = "trusted", options = { %s } }'):format(options)
    .. list:sub(to + 1))
end

---@param options? string beside the keys
---@return table house
function server_api.start(options)
  local house = server.start { plugins = { crown = CROWN } }
  server_api.set(house, server_api.keys() .. ", " .. (options or ""))
  house:logs "server_api (its options have changed)"
  return house
end

return server_api
