--- A moongate of its own for a test: started, and stopped, in a folder of its own.
local files = require "moongate.test.files"
local socket = require "socket"

local quote, read = files.quoted, files.read

local Server = {}
local server_mt = { __index = Server }

local server = {}

local START_S = 30
local LOOK_S = 0.005

-- When whoever has started it is gone, the pipe is closed: the server ends, and its folder goes. In
-- a session of its own, so that what ends them all does not reach it before.
local SCRIPT = [[
for name in $(env | sed -n 's/^\(MOONGATE_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done
exec 3<&0
folder=%s
{ %s run %s >$folder/out 2>$folder/err & echo $! >$folder/pid; wait $!
  echo $? >$folder/ended; } </dev/null 3<&- &
waiter=$!
read -r word <&3
kill -TERM $(cat $folder/pid) 2>/dev/null
wait $waiter
[ "$word" = stop ] || rm -rf $folder
]]

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return (text:gsub("\n$", ""))
end

local function run(command) assert(os.execute(command) == 0, command) end

local binary -- this program's file

--- The app's files as links, but for those that the test has texts for.
local function fill(self, app)
  run(([[mkdir -p %s && cd %s && for file in "$PWD"/*; do
    [ -e "$file" ] && ln -s "$file" %s/; done; true]]):format(self.quoted_app, quote(app.folder),
    self.quoted_app))
  server.write(self, app)
end

local function own_path(self, app, path) return self.app .. path:sub(#app.folder + 1) end

local function put(self, app, path)
  local to, text = own_path(self, app, path), app:text(path)
  if read(to) == text then return end
  os.remove(to .. ".new")
  if not text then return os.remove(to) end
  write(to .. ".new", text)
  assert(os.rename(to .. ".new", to))
end

--- A folder of the app that is a link becomes one of its own, before something is put there.
local function unlink_folder(self, app, path)
  local folder = own_path(self, app, path):match "^(.*)/"
  if folder == self.app then return end
  local original = app.folder .. folder:sub(#self.app + 1)
  run(([[if [ -L %s ]; then from=$(cd %s && pwd); rm %s; mkdir %s; ln -s "$from"/* %s/; fi
    mkdir -p %s]]):format(quote(folder), quote(original), quote(folder), quote(folder),
    quote(folder), quote(folder)))
end

--- Writes what the test has saved.
---@param app moongate.TestApp
function server.write(self, app)
  local function place(path)
    unlink_folder(self, app, path)
    put(self, app, path)
  end
  for path in pairs(app.texts) do place(path) end
  for _, entry in ipairs(app.entries) do
    put(self, app, app:path(entry[1]))
    for _, path in ipairs(app:own_modules(entry[1])) do place(path) end
  end
  put(self, app, app:path "init")
end

local function arguments_of(self, options)
  local words = { "--port", "0", "--host", "127.0.0.1", "--threads", "1", "--admin",
    self.folder .. "/admin", "--static", self.folder, "--stop-grace-ms", "2000" }
  for _, word in ipairs(options) do words[#words + 1] = word end
  words[#words + 1] = self.app
  for i, word in ipairs(words) do words[i] = quote(word) end
  return table.concat(words, " ")
end

local function wait_for_port(self)
  local give_up = socket.gettime() + START_S
  repeat
    local port = (read(self.folder .. "/out") or ""):match ":(%d+)/"
    if port then return tonumber(port) end
    socket.select(nil, nil, LOOK_S)
  until read(self.folder .. "/ended") or socket.gettime() > give_up
end

---@param app moongate.TestApp
---@param options string[]
---@return table? server { port, folder }
---@return string? problem
function server.start(app, options)
  binary = binary or output "readlink -f /proc/$PPID/exe"
  local folder = output "mktemp -d"
  local self = setmetatable({ folder = folder, app = folder .. "/app",
    original = app.folder, quoted_app = quote(folder .. "/app") }, server_mt)
  fill(self, app)
  self.pipe = assert(io.popen("exec setsid sh -c " .. quote(SCRIPT:format(quote(folder),
    quote(binary), arguments_of(self, options))), "w"))
  self.port = wait_for_port(self)
  if self.port then return self end
  local problem = self:translate(read(folder .. "/err") or "the server does not start")
  self:stop()
  return nil, problem
end

--- A text of the server, with the app's own folder in place of the one that it has.
---@param text string
function Server:translate(text)
  return (text:gsub(self.app:gsub("%p", "%%%0"), (self.original:gsub("%%", "%%%%"))))
end

--- The log: { level, text } each.
function Server:log()
  local lines, log = {}, read(self.folder .. "/err") or self.last_log or ""
  for line in self:translate(log):gmatch "[^\n]+" do
    local level, text = line:match "^%d[%dT:.-]+Z (%l+) +(.*)$"
    if level then
      lines[#lines + 1] = { level = level, text = text }
    elseif lines[1] then
      lines[#lines].text = lines[#lines].text .. "\n" .. line:gsub("^    ", "")
    end
  end
  return lines
end

--- Stops it, and waits for its end.
---@return string? problem
function Server:stop()
  self.pipe:write "stop\n"
  self.pipe:close()
  local status = read(self.folder .. "/ended") or "?"
  self.last_log = read(self.folder .. "/err")
  run("rm -rf " .. quote(self.folder))
  if status ~= "0\n" then return "the server has ended with status " .. status end
end

return server
