--- Whether each server of the comparison does what it is measured for: ./dev bench --check
package.path = "./?.lua;" .. package.path
local client = require "spec.support.client"
local peer = require "spec.bench.peer"
local process = require "spec.bench.process"

local SIZES = { 0, 1, 64, 125, 126, 65535, 65536, 1000000 }
local PIPELINED = 500

local function message(size, seed) return ("%d."):format(seed):rep(size):sub(1, size) end

--- Socket.IO's events in the clothes of a plain client.
local function over_socketio(port, path)
  local room = path:match "^/relay/(.+)"
  local self = client.connect(port, "/socket.io/?EIO=4&transport=websocket"
    .. (room and "&room=" .. room or ""))
  assert(self:read():find "^0{")
  self:send_text "40"
  assert(self:read():find "^40{")
  return {
    send = function(_, _, text) self:send_text(('42["m","%s"]'):format(text)) end,
    read = function()
      local text = self:read()
      if text == "2" then
        self:send_text "3"
        text = self:read()
      end
      return text:match '^42%["m","(.*)"%]$', client.TEXT
    end,
    cut = function() self:cut() end,
  }
end

local function connect(one, port, path)
  if one.protocol == "socket.io" then return over_socketio(port, path) end
  return client.connect(port, path)
end

local function hears(member, text, opcode)
  local got, as = member:read()
  assert(got == text, ("%s bytes came back as %s"):format(#text, got and #got))
  assert(as == opcode, "text and binary are mixed up")
end

local function kinds_of(one)
  return one.protocol == "socket.io" and { client.TEXT } or { client.TEXT, client.BINARY }
end

--- All sizes, both kinds, to all members; then many in a row, and one in pieces.
local function converse(one, members)
  for _, opcode in ipairs(kinds_of(one)) do
    for seed, size in ipairs(SIZES) do
      if size <= (one.max_bytes or size) then
        local text = message(size, seed)
        members[1]:send(opcode, text)
        for _, member in ipairs(members) do hears(member, text, opcode) end
      end
    end
  end
  for i = 1, PIPELINED do members[1]:send(client.TEXT, message(64, i)) end
  for _, member in ipairs(members) do
    for i = 1, PIPELINED do hears(member, message(64, i), client.TEXT) end
  end
  if one.protocol == "socket.io" then return end
  local frame = client.frame(client.TEXT, message(300, 7))
  for i = 1, #frame do members[1]:send_bytes(frame:sub(i, i)) end
  for _, member in ipairs(members) do hears(member, message(300, 7), client.TEXT) end
end

local function check(one, kind)
  local server, why = process.start("check-" .. one.name,
    function(port) return one.command(port, kind) end)
  if not server then
    print(("%-10s %-5s %s"):format(one.name, kind, why))
    return false
  end
  local members = {}
  for i = 1, kind == "echo" and 1 or 3 do
    members[i] = connect(one, server.port, kind == "echo" and "/echo" or "/relay/tea")
  end
  require("socket").sleep(0.1) -- some tell a client that it is a member before it is one
  local is_well, problem = pcall(converse, one, members)
  for _, member in ipairs(members) do member:cut() end
  local pids = table.concat(server:pids(one.processes), " ")
  server:stop()
  print(("%-10s %-5s %s (processes %s)"):format(one.name, kind, is_well and "ok" or problem, pids))
  return is_well
end

local is_well = true
for _, one in ipairs(peer.all) do
  local missing = one.missing()
  if missing then print(("%-10s left out: %s"):format(one.name, missing)) end
  for _, kind in ipairs { "echo", "room" } do
    local is_meant = not missing and not (one.lacks and one.lacks[kind])
    if is_meant and not check(one, kind) then is_well = false end
  end
end
os.exit(is_well and 0 or 1)
