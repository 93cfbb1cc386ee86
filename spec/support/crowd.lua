--- Thousands of WebSocket clients in one process, on epoll through FFI: luasocket's select
--- ends at 1024 descriptors.
--
--   local many = crowd.connect(port, 2000, "/echo")
--   many:run(function() return many.open == 2000 end)
--   many[1]:send("hello")
--   many:run(function() return many[1].frames == 1 end)
--
-- Each member counts what it gets; `heard(member, payload, opcode)` of the crowd is called for
-- every frame. A member with `deaf = true` does not read.
local bit = require "bit"
local ffi = require "ffi"
local now_s = require "spec.support.monotonic"

local DEADLINE_S = 60
local READ_BYTES = 262144

pcall(ffi.cdef, [[
  struct crowd_sockaddr { uint16_t family; uint16_t port; uint32_t address; char zero[8]; };
  struct crowd_linger { int on, seconds; };
  struct __attribute__((packed)) crowd_event { uint32_t events; uint64_t member; };
  int socket(int, int, int);
  int connect(int, const struct crowd_sockaddr *, unsigned);
  int setsockopt(int, int, int, const void *, unsigned);
  ssize_t send(int, const void *, size_t, int);
  ssize_t recv(int, void *, size_t, int);
  int close(int);
  int epoll_create1(int);
  int epoll_ctl(int, int, int, struct crowd_event *);
  int epoll_wait(int, struct crowd_event *, int, int);
]])

local C = ffi.C
local STREAM_NONBLOCK = 2049 -- SOCK_STREAM | SOCK_NONBLOCK
local SOL_SOCKET, SO_RCVBUF, SO_LINGER = 1, 8, 13
local NOSIGNAL = 16384
local IN, OUT, ADD, MOD, DEL = 1, 4, 1, 3, 2

local buffer = ffi.new("char[?]", READ_BYTES)

local Member = {}
local member_mt = { __index = Member }
local Crowd = {}
-- crowd[1] is a member, crowd.open a count, crowd:run() a method
local crowd_mt = { __index = Crowd }

local function upgrade(path, port)
  return ("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    .. "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    :format(path, port)
end

local function control(crowd, operation, member, events)
  crowd.event.events, crowd.event.member = events, member.number
  C.epoll_ctl(crowd.epoll, operation, member.fd, crowd.event)
end

local function path_of(crowd, number)
  return type(crowd.path) == "function" and crowd.path(number) or crowd.path
end

local function connect_one(crowd, number, options)
  local fd = C.socket(2, STREAM_NONBLOCK, 0)
  assert(fd >= 0, "no descriptor left")
  if options.receive_bytes then
    C.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, ffi.new("int[1]", options.receive_bytes), 4)
  end
  local port = bit.bor(bit.lshift(crowd.port % 256, 8), bit.rshift(crowd.port, 8))
  local address = ffi.new("struct crowd_sockaddr", 2, port, 0x0100007F)
  C.connect(fd, address, ffi.sizeof(address))
  local member = setmetatable({ crowd = crowd, number = number, fd = fd, frames = 0, bytes = 0,
    rest = "", request = options.request or upgrade(path_of(crowd, number), crowd.port) },
    member_mt)
  crowd[number] = member
  control(crowd, ADD, member, OUT)
end

---@param port integer
---@param count integer
---@param path string|fun(number: integer): string
---@param options? { receive_bytes: integer?, request: string?, heard: function? }
local function connect(port, count, path, options)
  options = options or {}
  local crowd = setmetatable({ port = port, path = path, epoll = C.epoll_create1(0), open = 0,
    gone = 0, heard = options.heard, events = ffi.new "struct crowd_event[512]",
    event = ffi.new "struct crowd_event" }, crowd_mt)
  for number = 1, count do connect_one(crowd, number, options) end
  return crowd
end

function Member:send_bytes(bytes)
  local sent = C.send(self.fd, bytes, #bytes, NOSIGNAL)
  assert(sent == #bytes, "the socket is full")
end

--- Sends one masked text message, of less than 64 KiB.
function Member:send(text)
  local n = #text
  local length = n < 126 and string.char(128 + n)
    or string.char(254, math.floor(n / 256), n % 256)
  self:send_bytes("\129" .. length .. "\0\0\0\0" .. text)
end

--- Reads or does not read from now on.
function Member:set_deaf(deaf)
  self.deaf = deaf
  control(self.crowd, MOD, self, deaf and 0 or IN)
end

local function drop(crowd, member)
  if not member.fd then return end
  control(crowd, DEL, member, 0)
  C.close(member.fd)
  member.fd = nil
  crowd.gone = crowd.gone + 1
  if member.is_open then crowd.open = crowd.open - 1 end
  member.is_open = false
end

--- Ends the connection without a Close; with `reset` the peer gets a RST.
function Member:cut(reset)
  if reset then
    C.setsockopt(self.fd, SOL_SOCKET, SO_LINGER, ffi.new("struct crowd_linger", 1, 0), 8)
  end
  drop(self.crowd, self)
end

local function take_head(member)
  local head, rest = member.rest:match "^(HTTP/1%.1 .-\r\n\r\n)(.*)$"
  if not head then return end
  member.status = tonumber(head:sub(10, 12))
  member.rest = rest
  if member.status == 101 then
    member.is_open = true
    member.crowd.open = member.crowd.open + 1
  end
end

--- Length of the header and of the payload of the frame at `at`; nil when it is not all there.
local function measure(text, at)
  local length = text:byte(at + 1)
  if not length then return end
  if length < 126 then return 2, length end
  if length == 126 then
    local a, b = text:byte(at + 2, at + 3)
    if b then return 4, a * 256 + b end
    return
  end
  local a, b, c, d = text:byte(at + 6, at + 9)
  if d then return 10, ((a * 256 + b) * 256 + c) * 256 + d end
end

local function take_frames(member)
  local text, at = member.rest, 1
  local heard = member.crowd.heard
  while true do
    local header, length = measure(text, at)
    if not header or at + header + length - 1 > #text then break end
    local opcode = text:byte(at) % 16
    member.frames = member.frames + 1
    if heard then
      heard(member, text:sub(at + header, at + header + length - 1), opcode)
    end
    if opcode == 9 then
      member:send_bytes("\138" .. string.char(128 + length) .. "\0\0\0\0"
        .. text:sub(at + header, at + header + length - 1))
    elseif opcode == 8 then
      local a, b = text:byte(at + header, at + header + 1)
      member.code = b and a * 256 + b
    end
    at = at + header + length
  end
  member.rest = text:sub(at)
end

local function read(crowd, member)
  local n = tonumber(C.recv(member.fd, buffer, READ_BYTES, 0))
  if n < 0 and ffi.errno() == 11 then return end
  if n <= 0 then return drop(crowd, member) end
  member.bytes = member.bytes + n
  member.rest = member.rest .. ffi.string(buffer, n)
  if not member.status then take_head(member) end
  if member.is_open then take_frames(member) end
end

local function step(crowd, timeout_ms)
  local count = C.epoll_wait(crowd.epoll, crowd.events, 512, timeout_ms)
  for i = 0, count - 1 do
    local member = crowd[tonumber(crowd.events[i].member)]
    if member.fd and not member.is_asked and bit.band(crowd.events[i].events, OUT) ~= 0 then
      member.is_asked = true
      control(crowd, MOD, member, IN)
      C.send(member.fd, member.request, #member.request, NOSIGNAL)
    elseif member.fd then
      read(crowd, member)
    end
  end
end

--- Lets all read until `is_done` says so; fails after a minute.
---@param is_done fun(): boolean
---@param what? string|fun(): string what is waited for
function Crowd:run(is_done, what)
  local give_up = now_s() + DEADLINE_S
  while not is_done() do
    step(self, 5)
    if now_s() > give_up then
      what = type(what) == "function" and what() or what or "the crowd"
      error(("waited in vain for %s: %d open, %d gone"):format(what, self.open, self.gone), 2)
    end
  end
end

--- Connects everybody; fails unless all upgrades are granted.
function Crowd:enter()
  local count = #self
  self:run(function() return self.open == count end, "all upgrades")
  return self
end

function Crowd:leave(reset)
  for _, member in ipairs(self) do
    if member.fd then member:cut(reset) end
  end
  C.close(self.epoll)
end

return { connect = connect }
