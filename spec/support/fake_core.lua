--- The core without sockets and threads: takes the place of moongate.ffi, the narrowest waist.
--
-- Remembers every command, knows who is in which room and what each connection has heard.
-- Specs fill its queue of events and move its clock. It knows no JSON and no plugins: see
-- fake_gate.lua. The constants and structs are those of core/types.h itself.
local cdef = require "spec.support.cdef"
local ffi = require "ffi"

if not package.path:find("./bindings/?.lua", 1, true) then
  package.path = "./bindings/?.lua;" .. package.path
end

local MAX_REASON_BYTES = 123
local MAX_FIRED = 100000 -- in one later(): more is a task that never ends

cdef.declare "core/types.h"

local constants = {}
for _, header in ipairs(cdef.read "core/types.h") do
  for name in header.text:gmatch "%f[%w_]MOON_[%u%d_]+" do constants[name] = ffi.C[name] end
end

---@class fake_core
---@field C table the verbs of bindings/api.h and the constants of core/types.h
---@field commands table[] what was asked, oldest first: { verb = "send", conn =, bytes = }
---@field log table[] { level = "error"|"warn"|"info"|"debug", text = }
---@field conns table<integer, table> id -> { is_open, heard = { bytes, … } }, closed ones too
---@field timers table[] { token, due_ms } that have not fired
---@field answers table<string, integer> verb -> status to answer instead of doing it
---@field now_ms number
---@field drain fun() what C calls at each wake-up
---@field on_delivery fun(id: integer, bytes: string, opcode: integer)
local Core = {}
local core_mt = { __index = Core }

-- ---- verbs: each gets the core and the arguments of its prototype in api.h ----

local verbs = {}

local function is_utf8(text)
  text = text:gsub("[\240-\244][\128-\191][\128-\191][\128-\191]", ".")
    :gsub("[\224-\239][\128-\191][\128-\191]", "."):gsub("[\194-\223][\128-\191]", ".")
  return not text:find "[\128-\255]"
end

local function check_message(opcode, bytes, length)
  assert(length == #bytes, "the length is not that of the bytes")
  if length > constants.MOON_MAX_FRAME_BYTES then return constants.MOON_EBIG end
  if opcode ~= constants.MOON_TEXT and opcode ~= constants.MOON_BINARY then
    return constants.MOON_EINVAL
  end
  if opcode == constants.MOON_TEXT and not is_utf8(bytes) then return constants.MOON_EUTF8 end
  return constants.MOON_OK
end

--- Writes the command down. Returns the status the spec wants, or else `status`.
local function note(core, verb, status, command)
  status = core.answers["moon_" .. verb] or status or constants.MOON_OK
  command.verb, command.status = verb, status
  table.insert(core.commands, command)
  return status
end

local function find(core, id)
  return core.conns[id] and constants.MOON_OK or constants.MOON_EGONE
end

local function hand_over(core, id, opcode, bytes)
  local conn = core.conns[id]
  if not conn.is_open then return end -- misses quietly
  table.insert(conn.heard, bytes)
  core.on_delivery(id, bytes, opcode)
end

function verbs.moon_event_next(core, event)
  if core.lent then ffi.fill(core.lent, ffi.sizeof(core.lent), 0xDB) end -- no longer yours
  local next = table.remove(core.events, 1)
  if not next then return 0 end
  core.lent = ffi.new("char[?]", #next.bytes + 1, next.bytes)
  event.kind, event.code, event.reason = next.kind, next.code, next.reason
  event.subject, event.bytes, event.length = next.subject, core.lent, #next.bytes
  return 1
end

function verbs.moon_send(core, id, opcode, bytes, length)
  local status = find(core, id)
  if status == 0 then status = check_message(opcode, bytes, length) end
  status = note(core, "send", status, { conn = id, opcode = opcode, bytes = bytes })
  if status == 0 then hand_over(core, id, opcode, bytes) end
  return status
end

function verbs.moon_publish(core, room, except, opcode, bytes, length)
  local status = note(core, "publish", check_message(opcode, bytes, length),
    { room = room, except = except, opcode = opcode, bytes = bytes })
  for _, id in ipairs(status == 0 and core.rooms[room] or {}) do
    if id ~= except then hand_over(core, id, opcode, bytes) end
  end
  return status
end

local function take_out(members, id)
  for i = #members, 1, -1 do
    if members[i] == id then table.remove(members, i) end
  end
end

function verbs.moon_join(core, room, id)
  local status = note(core, "join", find(core, id), { room = room, conn = id })
  if status == 0 and core.conns[id].is_open then
    core.rooms[room] = core.rooms[room] or {}
    take_out(core.rooms[room], id)
    table.insert(core.rooms[room], id)
  end
  return status
end

function verbs.moon_leave(core, room, id)
  local status = note(core, "leave", find(core, id), { room = room, conn = id })
  if status == 0 then take_out(core.rooms[room] or {}, id) end
  return status
end

local function check_close(code, reason, length)
  assert(length == #reason, "the length is not that of the reason")
  local is_code = code == 1000 or (code >= 3000 and code <= 4999)
  if not is_code or length > MAX_REASON_BYTES then return constants.MOON_EINVAL end
  return is_utf8(reason) and constants.MOON_OK or constants.MOON_EUTF8
end

function verbs.moon_close(core, id, code, reason, length)
  local status = check_close(code, reason, length)
  if status == 0 then status = find(core, id) end
  status = note(core, "close", status, { conn = id, code = code, reason = reason })
  if status == 0 then core:close(id, "script", code) end
  return status
end

function verbs.moon_route(core, text, length)
  assert(length == #text, "the length is not that of the table")
  return note(core, "route", nil, { text = text })
end

function verbs.moon_timer_start(core, token, delay_ms)
  assert(delay_ms >= 0 and delay_ms <= 4294967295, "not a uint32_t")
  note(core, "timer_start", nil, { token = token, delay_ms = delay_ms })
  table.insert(core.timers, { token = token, due_ms = core.now_ms + math.floor(delay_ms) })
end

function verbs.moon_time_ms(core) return core.now_ms end

local LEVELS = { [0] = "error", "warn", "info", "debug" }

function verbs.moon_log_line(core, level, bytes, length)
  assert(length == #bytes, "the length is not that of the line")
  table.insert(core.log, { level = LEVELS[level], text = bytes })
end

function verbs.moon_facts(core) return core.facts end

function verbs.moon_event_size() return ffi.sizeof "struct moon_event" end

-- ---- what specs do ----

local function push(core, event)
  event.code, event.reason = event.code or 0, event.reason or 0
  event.subject, event.bytes = event.subject or 0, event.bytes or ""
  table.insert(core.events, event)
end

---@return integer id of a connection that MOON_OPENED names
function Core:open(path, query, protocol, address)
  self.last_id = self.last_id + 1
  self.conns[self.last_id] = { is_open = true, heard = {} }
  local fields = { path or "/ws", query or "", protocol or "", address or "127.0.0.1", "" }
  push(self, { kind = constants.MOON_OPENED, subject = self.last_id,
    bytes = table.concat(fields, "\0") })
  return self.last_id
end

function Core:receive(id, bytes, binary)
  if not self.conns[id].is_open then return end
  push(self, { kind = constants.MOON_RECEIVED, subject = id, bytes = bytes,
    code = binary and constants.MOON_BINARY or constants.MOON_TEXT })
end

---@param reason? string the word for a moon_reason: "client", "lost", "slow", …
function Core:close(id, reason, code)
  local conn = self.conns[id]
  if not conn.is_open then return end -- MOON_CLOSED comes once
  conn.is_open = false
  for _, members in pairs(self.rooms) do take_out(members, id) end
  local word = (reason or "client"):upper()
  push(self, { kind = constants.MOON_CLOSED, subject = id, code = code or 1000,
    reason = assert(constants["MOON_" .. word] or constants["MOON_BY_" .. word], word) })
end

--- The files have changed, or a reload was asked for.
function Core:change() push(self, { kind = constants.MOON_CHANGED }) end

--- Lets the scripts see all events, those that come of it included.
function Core:settle()
  while #self.events > 0 do self.drain() end
end

local function take_due(timers, until_ms)
  local first
  for i, timer in ipairs(timers) do
    local is_sooner = not first or timer.due_ms < timers[first].due_ms
    if timer.due_ms <= until_ms and is_sooner then first = i end
  end
  return first and table.remove(timers, first)
end

--- Lets time pass: every timer fires at its own time, in order.
function Core:later(delay_ms)
  local until_ms = self.now_ms + delay_ms
  self:settle()
  for _ = 1, MAX_FIRED do
    local timer = take_due(self.timers, until_ms)
    if not timer then
      self.now_ms = until_ms
      return
    end
    self.now_ms = math.max(self.now_ms, timer.due_ms)
    push(self, { kind = constants.MOON_FIRED, subject = timer.token })
    self:settle()
  end
  error("timers without end", 2)
end

--- The commands with this verb: core:issued "publish".
function Core:issued(verb)
  local found = {}
  for _, command in ipairs(self.commands) do
    if command.verb == verb then found[#found + 1] = command end
  end
  return found
end

local VERSION = "0.0.0-fake"

---@return fake_core
local function new()
  local core = setmetatable({
    C = {}, commands = {}, log = {}, conns = {}, rooms = {}, events = {}, timers = {},
    answers = {},
    last_id = 2 ^ 45, -- as large as real ones: the first of thread 1
    now_ms = 1760000000000,
    drain = function() error("nobody takes the events", 2) end,
    on_delivery = function() end,
    facts = ffi.new("struct moon_facts", { VERSION, 65536, 25000, 10000 }),
  }, core_mt)
  for name, value in pairs(constants) do core.C[name] = value end
  for name, verb in pairs(verbs) do
    core.C[name] = function(...) return verb(core, ...) end
  end
  return core
end

local function is_ours(name) return name:find "^moongate%." ~= nil end

local function take_loaded()
  local taken = {}
  for name, module in pairs(package.loaded) do
    if is_ours(name) then taken[name] = module end
  end
  for name in pairs(taken) do package.loaded[name] = nil end
  return taken
end

--- Loads bindings/moongate anew above a fake core of its own. Nothing of it stays in
--- package.loaded.
---@return table modules by their last name: { core = fake_core, loop =, task =, … }
local function world()
  local outside = take_loaded()
  local core = new()
  package.loaded["moongate.ffi"] = { C = core.C, new = ffi.new, string = ffi.string }
  local ok, loop = pcall(require, "moongate.loop")
  local modules = { core = core }
  for name, module in pairs(take_loaded()) do modules[name:match "%.(.*)"] = module end
  for name, module in pairs(outside) do package.loaded[name] = module end
  if not ok then error(loop, 0) end
  core.drain = loop.drain
  return modules
end

return { new = new, world = world }
