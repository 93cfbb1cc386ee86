--- A server under measurement: started on one CPU, known by its processes, stopped.
local fcntl = require "posix.fcntl"
local file = require "spec.support.file"
local signal = require "posix.signal"
local socket = require "socket"
local unistd = require "posix.unistd"
local wait = require "posix.sys.wait"

local START_S, STOP_S = 20, 10
local LOGS = "build/bench"

local Process = {}
local process_mt = { __index = Process }

local function read(path) return file.peek(path) or "" end

--- A port nobody listens on, below those that clients are given.
local next_port = 20000 + unistd.getpid() % 10000
local function free_port()
  while true do
    next_port = next_port < 32000 and next_port + 1 or 20000
    local taken = socket.bind("127.0.0.1", next_port)
    if taken then
      taken:close()
      return next_port
    end
  end
end

--- Runs in place of this process, with its output in the log.
local function become(command, log)
  local opened = fcntl.open(log, fcntl.O_WRONLY + fcntl.O_CREAT + fcntl.O_TRUNC, 420)
  unistd.dup2(opened, 1)
  unistd.dup2(opened, 2)
  local program = table.remove(command, 1)
  unistd.execp(program, command)
  unistd._exit(127)
end

--- Whether it has ended, without waiting.
function Process:has_ended()
  if self.status then return true end
  local pid, how, status = wait.wait(self.pid, wait.WNOHANG)
  if pid == self.pid and how ~= "running" then self.status = how .. " " .. status end
  return self.status ~= nil
end

function Process:log() return read(self.log_path) end

local function is_listening(port)
  local stream = socket.connect("127.0.0.1", port)
  if stream then stream:close() end
  return stream ~= nil
end

--- Starts the command and waits until it listens.
---@param name string of its log in build/bench
---@param command fun(port: integer): string[]
---@param cpus? string as taskset takes them; any
---@return table? process { pid, port }
---@return string? problem
local function start(name, command, cpus)
  local port = free_port()
  local arguments = command(port)
  if cpus then arguments = { "taskset", "-c", cpus, unpack(arguments) } end
  for i, argument in ipairs(arguments) do arguments[i] = tostring(argument) end
  local self = setmetatable({ port = port, log_path = ("%s/%s.log"):format(LOGS, name) },
    process_mt)
  self.pid = unistd.fork()
  if self.pid == 0 then become(arguments, self.log_path) end
  local give_up = socket.gettime() + START_S
  while not is_listening(port) do
    if self:has_ended() or socket.gettime() > give_up then
      self:stop()
      return nil, ("did not start: %s"):format(self:log():match "[^\n]+" or "no word")
    end
    socket.sleep(0.02)
  end
  return self
end

--- It and its workers: processes of the same program (a shell that has started it is none).
local function family(pid)
  local pids, program = { pid }, read(("/proc/%d/comm"):format(pid))
  local children = read(("/proc/%d/task/%d/children"):format(pid, pid))
  for child in children:gmatch "%d+" do
    if read(("/proc/%s/comm"):format(child)) == program then pids[#pids + 1] = tonumber(child) end
  end
  return pids
end

--- Waits until so many are there: a master listens before its worker is born.
---@param count? integer
function Process:pids(count)
  local give_up = socket.gettime() + START_S
  while true do
    local pids = family(self.pid)
    if #pids >= (count or 1) then return pids end
    assert(socket.gettime() < give_up, "workers do not appear")
    socket.sleep(0.01)
  end
end

--- Ends it: with SIGTERM, and if that does not help within ten seconds, with SIGKILL.
function Process:stop()
  if not self:has_ended() then signal.kill(self.pid, signal.SIGTERM) end
  local give_up = socket.gettime() + STOP_S
  while not self:has_ended() do
    if socket.gettime() > give_up then signal.kill(self.pid, signal.SIGKILL) end
    socket.sleep(0.01)
  end
end

return { start = start, read = read }
