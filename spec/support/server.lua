--- The real server, started on a free port for a system spec.
--
-- Its app is a copy of scripts/ without its limits (or of `app`) in a folder of its own, with the
-- spec's plugins beside it. stop() fails when the log has an error line the spec did not ask for.
-- MOONGATE_SPEC_TLS=1 in the environment lets every server, and its clients, speak TLS.
local certificate = require "spec.support.certificate"
local client = require "spec.support.client"
local file = require "spec.support.file"
local fcntl = require "posix.fcntl"
local signal = require "posix.signal"
local now_s = require "spec.support.monotonic"
local socket = require "socket"
local unistd = require "posix.unistd"
local wait = require "posix.sys.wait"

local BINARY = os.getenv "MOONGATE_BIN" or "build/moongate"
local IS_SLOW = BINARY:find "tsan" ~= nil -- scripts take ten times as long, and more
local ALWAYS_TLS = os.getenv "MOONGATE_SPEC_TLS" == "1"
local DEADLINE_S = 30 -- for what takes milliseconds, on a busy machine with sanitizers

local COMMAND_DEADLINE_S = 300 -- for a command, which may be a whole run of specs

local Server = {}
local server_mt = { __index = Server }

local function read(path) return file.peek(path) or "" end

--- Starts `program arguments` with its output in folder/out and folder/err.
local function spawn(folder, arguments, program)
  local pid = unistd.fork()
  if pid == 0 then
    for fd, name in pairs { [1] = "out", [2] = "err" } do
      local opened = fcntl.open(folder .. "/" .. name, fcntl.O_WRONLY + fcntl.O_CREAT, 420)
      unistd.dup2(opened, fd)
    end
    for fd = 3, 1023 do unistd.close(fd) end -- the sockets of other specs are none of its
    unistd.execp(program or BINARY, arguments)
    unistd._exit(127)
  end
  return pid
end

--- Calls `look` until it returns something; fails after the deadline.
local function eventually(what, look, deadline_s)
  local give_up = now_s() + (deadline_s or DEADLINE_S)
  while true do
    local found = look()
    if found then return found end
    if now_s() > give_up then error("waited in vain for " .. what, 3) end
    socket.select(nil, nil, 0.005)
  end
end

--- Waits for the end of a process; ends it, and fails, after the deadline.
---@return integer status
---@return string how "exited" or "killed"
local function ended(pid, deadline_s)
  local how, status
  local function look()
    local found
    found, how, status = wait.wait(pid, wait.WNOHANG)
    return found ~= 0
  end
  if not pcall(eventually, "the end", look, deadline_s) then
    signal.kill(pid, signal.SIGKILL)
    wait.wait(pid)
    error("the process does not end", 3)
  end
  return status, how
end

--- Runs the command to its end.
---@param arguments string[]
---@param program? string the server
---@return integer status
---@return string out
---@return string err
local function run_to_end(arguments, program)
  local folder = file.folder()
  local pid = spawn(folder, arguments, program)
  local status = ended(pid, COMMAND_DEADLINE_S)
  local out, err = read(folder .. "/out"), read(folder .. "/err")
  file.run("rm -rf " .. folder)
  return status, out, err
end

--- One more line of the list, unless it is not wanted.
local function extend_list(app, line, is_left_out)
  if is_left_out then return end
  local path = app .. "/init.lua"
  file.write(path, (read(path):gsub(",?%s*}%s*$", (",\n  %s,\n}\n"):format(line))))
end

--- The list without the plugin that limits what a user may send: specs send more.
local function unlimited(list)
  local rest, count = list:gsub('\n  { "limits"[^\n]*', "")
  assert(count == 1, "the list has no limits")
  return rest
end

local function replace(self, name, text)
  file.write(self.folder .. "/new", text)
  assert(os.rename(self.folder .. "/new", ("%s/%s.lua"):format(self.app, name)))
end

---@param options? { app?: string, plugins?: table<string, string>, arguments?: string[],
--- descriptors?: integer, tls?: boolean, is_patient?: boolean, is_guarded?: boolean,
--- is_limited?: boolean } is_patient: its scripts may be busy for as long as they like;
--- is_guarded: plugins are that do not say otherwise; is_limited: users may send no more than
--- scripts/init.lua lets them
local function start(options)
  options = options or {}
  local folder = file.folder()
  local app = options.app
  if not app then
    app = folder .. "/app"
    file.run(("cp -r scripts %s"):format(app))
    local list = app .. "/init.lua"
    if not options.is_limited then file.write(list, unlimited(read(list))) end
    extend_list(app, 'trust = "trusted"', options.is_guarded)
  end
  local self = setmetatable({ folder = folder, app = app, expected = {} }, server_mt)
  local is_tls = options.tls
  if is_tls == nil then is_tls = ALWAYS_TLS end
  for name, text in pairs(options.plugins or {}) do self:save(name, text) end
  local is_patient = options.is_patient or (IS_SLOW and not options.app)
  extend_list(app, "budget = { soft_ms = 3600000, hard_ms = 3600000 }", not is_patient)
  local arguments = { "run", "--port", "0" }
  for _, argument in ipairs(options.arguments or {}) do arguments[#arguments + 1] = argument end
  if is_tls then
    self.cert, self.key = certificate.make { folder = folder, name = "house" }
    for _, argument in ipairs { "--tls-cert", self.cert, "--tls-key", self.key } do
      arguments[#arguments + 1] = argument
    end
  end
  arguments[#arguments + 1] = app
  if options.descriptors then
    local limited = ("ulimit -n %d; exec %s \"$@\""):format(options.descriptors, BINARY)
    self.pid = spawn(folder, { "-c", limited, "moongate", unpack(arguments) }, "/bin/sh")
  else
    self.pid = spawn(folder, arguments)
  end
  local has_ended
  local is_up = pcall(eventually, "the server to start", function()
    self.port = tonumber(read(folder .. "/out"):match ":(%d+)/")
    has_ended = not self.port and wait.wait(self.pid, wait.WNOHANG) ~= 0
    return self.port or has_ended
  end)
  if not is_up then signal.kill(self.pid, signal.SIGKILL) end
  if not self.port then
    error(("the server %s:\n%s"):format(has_ended and "has ended" or "does not start",
      read(folder .. "/err")), 2)
  end
  self.origin = (is_tls and "https" or "http") .. "://127.0.0.1:" .. self.port
  client.expect_tls(self.port, is_tls)
  return self
end

--- Writes a plugin or a module into the app, in one piece as editors do; a plugin (without a
--- slash in its name) that is new is added to the list.
function Server:save(name, text)
  replace(self, name, text)
  local list = read(self.app .. "/init.lua")
  if name ~= "init" and not name:find "/" and not list:find(('"%s"'):format(name), 1, true) then
    replace(self, "init", (list:gsub("}%s*$", ('  "%s",\n}\n'):format(name))))
  end
end

function Server:log() return read(self.folder .. "/err") end

--- Waits until the log has a line with this text (plain).
function Server:logs(text)
  eventually(("the log line %q in\n%s"):format(text, self:log()), function()
    return self:log():find(text, 1, true)
  end)
end

--- Error lines with this text (plain) are what the spec is about.
function Server:expects(text) table.insert(self.expected, text) end

function Server:signal(number) signal.kill(self.pid, number) end

local function is_expected(self, line)
  for _, text in ipairs(self.expected) do
    if line:find(text, 1, true) then return true end
  end
  return false
end

--- What /metrics says: name with labels, as written there -> number.
function Server:metrics()
  local response = client.request(self.port,
    "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
  local values = {}
  for line in response.socket:receive("*a"):gmatch "[^\n]+" do
    local name, value = line:match "^([^#]%S*) (%S+)$"
    if name then values[name] = tonumber(value) end
  end
  response.socket:close()
  return values
end

--- Kilobytes of memory in use.
function Server:rss_kb()
  return tonumber(read(("/proc/%d/status"):format(self.pid)):match "VmRSS:%s*(%d+)")
end

--- Number of open descriptors.
function Server:descriptors()
  return tonumber(file.output(("ls /proc/%d/fd | wc -l"):format(self.pid)))
end

--- A sudden end: no handler of the process runs.
function Server:kill()
  self:signal(signal.SIGKILL)
  wait.wait(self.pid)
  client.expect_tls(self.port, false)
  file.run("rm -rf " .. self.folder)
end

--- Waits until it has ended, with this exit status and nothing unexpected in the log.
---@param expected integer
---@return string log
function Server:ends(expected)
  local is_ended, status, how = pcall(ended, self.pid)
  if not is_ended then error("the server does not end:\n" .. self:log(), 2) end
  client.expect_tls(self.port, false)
  local log = self:log()
  file.run("rm -rf " .. self.folder)
  assert(how == "exited" and status == expected,
    ("server %s with %d:\n%s"):format(how, status, log))
  for line in log:gmatch "[^\n]+" do
    if line:find "^%S+ error" and not is_expected(self, line) then
      error("the server logged: " .. line, 2)
    end
    assert(not line:find "still open", line)
  end
  return log
end

--- An orderly end.
function Server:stop()
  self:signal(signal.SIGTERM)
  return self:ends(0)
end

return { start = start, run_to_end = run_to_end, eventually = eventually, BINARY = BINARY }
