--- What the specs of auth share: the plugin with a gate.crypto, and what becomes of a client.
local fake_crypto = require "spec.support.fake_crypto"
local fake_gate = require "spec.support.fake_gate"

local auth = {}

--- scripts/auth.lua with these options.
---@param options table
---@param with? string[] paths of more plugins
---@return fake_gate
---@return table crypto that it has
function auth.load(options, with)
  local crypto = fake_crypto.new()
  local gate = fake_gate.load("scripts/auth.lua", options, { crypto = crypto, with = with })
  crypto.now_ms = function() return gate.core.now_ms end
  return gate, crypto
end

--- A client asks to be somebody.
---@return any data nil when refused
---@return string? code
---@return string? text
---@return boolean? temporary
function auth.ask(gate, conn, data) return gate:deliver(conn, { type = "auth", data = data }) end

--- A new connection that is somebody by this token.
function auth.enter(gate, token, device)
  local conn = gate:connect()
  assert(auth.ask(gate, conn, { token = token, device = device }))
  return conn
end

--- How the script has closed it.
---@return integer? code
---@return string? reason
function auth.closed(gate, conn)
  for _, command in ipairs(gate.core:issued "close") do
    if command.conn == conn.id then return command.code, command.reason end
  end
end

--- The last push of a type.
function auth.heard(conn, name)
  for i = #conn.heard, 1, -1 do
    if conn.heard[i].type == name then return conn.heard[i] end
  end
end

--- Raises when the text is anywhere in the log.
function auth.is_not_logged(gate, text)
  for _, line in ipairs(gate.log) do
    assert(not line.text:find(text, 1, true), "logged: " .. line.text)
  end
end

return auth
