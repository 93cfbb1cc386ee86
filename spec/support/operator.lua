--- An operator's end of the admin socket, for system specs.
local file = require "spec.support.file"
local json = require "cjson"
local stat = require "posix.sys.stat"
local unix = require "socket.unix"

local DEADLINE_S = 30

local Operator = {}
local operator_mt = { __index = Operator }

--- Sends bytes as they are.
function Operator:sends(bytes) return self.socket:send(bytes) end

--- The next answer, decoded; nil and why when the server has hung up.
function Operator:hears()
  local line, problem = self.socket:receive "*l"
  if not line then return nil, problem end
  return json.decode(line)
end

--- Asks, and returns the answer.
---@param command string
---@param arguments? table
function Operator:asks(command, arguments)
  self:sends(json.encode { command = command, arguments = arguments } .. "\n")
  return self:hears()
end

function Operator:close() self.socket:close() end

--- Connects; nil and why when nobody listens there.
---@param path string
local function connect(path)
  local socket = unix.stream()
  socket:settimeout(DEADLINE_S)
  local ok, problem = socket:connect(path)
  if not ok then
    socket:close()
    return nil, problem
  end
  return setmetatable({ socket = socket }, operator_mt)
end

--- A path in /tmp that nothing has.
local function free_path()
  return file.free_path() .. ".sock"
end

--- "socket 600" of what is at the path; nil when nothing is.
local function what_is(path)
  local found = stat.lstat(path)
  if not found then return nil end
  local kind = stat.S_ISSOCK(found.st_mode) ~= 0 and "socket" or "other"
  return ("%s %o"):format(kind, found.st_mode % 512)
end

return { connect = connect, free_path = free_path, what_is = what_is }
