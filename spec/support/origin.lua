--- A server for what moongate fetches: the spec itself, which answers byte by byte.
local socket = require "socket"

local DEADLINE_S = 30

local Origin = {}
local origin_mt = { __index = Origin }

local Visit = {}
local visit_mt = { __index = Visit }

--- Listens on a free port of all IPv4 addresses of this machine.
local function open()
  local listener = assert(socket.bind("0.0.0.0", 0, 128))
  listener:settimeout(DEADLINE_S)
  local _, port = listener:getsockname()
  return setmetatable({ listener = listener, port = tonumber(port), visits = {} }, origin_mt)
end

---@param path? string "/"
---@param host? string "127.0.0.1"
function Origin:url(path, host)
  return ("http://%s:%d%s"):format(host or "127.0.0.1", self.port, path or "/")
end

--- Reads one request.
---@return table? visit with method, path, headers (names in lower case) and body; nil when the
--- client has gone
function Visit:next()
  local line, problem = self.socket:receive "*l"
  if not line then return nil, problem end
  self.method, self.path = line:match "^(%S+) (%S+) HTTP/1.1$"
  self.headers, self.line = {}, line
  while true do
    line = assert(self.socket:receive "*l")
    if line == "" then break end
    local name, value = line:match "^([^:]+): ?(.*)$"
    self.headers[name:lower()] = value
  end
  local length = tonumber(self.headers["content-length"])
  self.body = length and length > 0 and assert(self.socket:receive(length)) or ""
  return self
end

--- Takes the next connection, and reads its request unless told otherwise.
function Origin:take(is_silent)
  local connection = assert(self.listener:accept())
  connection:settimeout(DEADLINE_S)
  local visit = setmetatable({ socket = connection }, visit_mt)
  table.insert(self.visits, visit)
  return is_silent and visit or assert(visit:next())
end

--- Sends bytes as they are.
function Visit:send(bytes) assert(self.socket:send(bytes)) end

--- Answers; Content-Length is added.
---@param status integer
---@param headers? table<string, string|number>
---@param body? string
function Visit:answer(status, headers, body)
  local lines = { ("HTTP/1.1 %d Any"):format(status) }
  for name, value in pairs(headers or {}) do lines[#lines + 1] = name .. ": " .. value end
  lines[#lines + 1] = "Content-Length: " .. #(body or "")
  self:send(table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or ""))
end

--- Waits until the client has closed.
function Visit:is_left()
  local _, problem = self.socket:receive(1)
  return problem == "closed"
end

--- Whether somebody connects within a time, who is left for take().
---@param seconds number
function Origin:is_visited(seconds)
  return socket.select({ self.listener }, nil, seconds)[1] ~= nil
end

--- Whether nobody has connected meanwhile.
function Origin:is_alone()
  self.listener:settimeout(0)
  local stranger = self.listener:accept()
  self.listener:settimeout(DEADLINE_S)
  if stranger then stranger:close() end
  return stranger == nil
end

function Origin:close()
  for _, visit in ipairs(self.visits) do visit.socket:close() end
  self.listener:close()
end

return { open = open }
