--- The core without sockets and threads: takes the place of moongate.ffi, the narrowest waist.
--
-- Remembers every command, knows who is in which room and what each connection has heard. Tests
-- fill its queue of events and move its clock. It knows no JSON and no plugins: see fake.lua. What
-- it does when it is asked stands in verbs.lua.
local ffi = require "ffi"
local fake_verbs = require "moongate.test.verbs"
local outbox = require "moongate.test.outbox"

local MAX_FIRED = 100000 -- in one later(): more is a task that never ends

---@class moongate.test.Core
---@field C table the verbs of bindings/api.h and the constants of core/types.h
---@field commands table[] what was asked, oldest first: { verb = "send", conn =, class =, bytes = }
---@field log table[] { level = "error"|"warn"|"info"|"debug", text = }
---@field conns table<integer, table> id -> { is_open, is_admitted, heard = { bytes, ... }, books },
--- closed ones too
---@field responses table<integer, table> id -> { is_given, status, headers, body } of a request
---@field tickets table[] { is_given, bytes } of an operator's request, by its ticket
---@field timers table[] { token, due_ms } that have not fired
---@field fetches table[] that have not been answered: { url, method, headers, body, ... }
---@field answers table<string, integer> verb -> status to answer instead of doing it
---@field profile { folded: string, ticks: integer, dropped: integer }
---@field now_ms number
---@field drain fun() what C calls at each wake-up
---@field on_delivery fun(id: integer, bytes: string, opcode: integer)
---@field on_response fun(response: table)
---@field private events table[] that nobody has taken
---@field private rooms table<integer, integer[]> room -> members
local Core = {}
local core_mt = { __index = Core }

local constants, verbs, take_out = fake_verbs.constants, fake_verbs.verbs, fake_verbs.take_out

-- ---- what tests do ----

local function push(core, event)
  event.code, event.reason = event.code or 0, event.reason or 0
  event.subject, event.bytes = event.subject or 0, event.bytes or ""
  table.insert(core.events, event)
end

--- Texts, each ended by NUL.
local function joined(...) return table.concat({ ... }, "\0") .. "\0" end

---@return integer id of a connection that MOON_OPENED names
function Core:open(path, query, protocol, address, token, host)
  self.last_id = self.last_id + 1
  self.conns[self.last_id] = { is_open = true, heard = {}, books = ffi.new "struct moon_books",
    limits = {} }
  push(self, { kind = constants.MOON_OPENED, subject = self.last_id,
    bytes = joined(path or "/ws", query or "", protocol or "", address or "127.0.0.1",
      token or "", host or "localhost:8080") })
  return self.last_id
end

function Core:receive(id, bytes, binary)
  if not self.conns[id].is_open then return end
  push(self, { kind = constants.MOON_RECEIVED, subject = id, bytes = bytes,
    code = binary and constants.MOON_BINARY or constants.MOON_TEXT })
end

--- A message over the rate that the client was given.
function Core:refuse(id, bytes, binary, retry_after_ms)
  push(self, { kind = constants.MOON_REFUSED, subject = id, bytes = bytes,
    code = binary and constants.MOON_BINARY or constants.MOON_TEXT, reason = retry_after_ms })
end

local function books_of(core, id)
  return ffi.string(core.conns[id].books, ffi.sizeof "struct moon_books")
end

--- Its queue has passed the high mark. What it holds is core.conns[id].books.
function Core:slow(id)
  push(self, { kind = constants.MOON_SLOWED, subject = id, bytes = books_of(self, id) })
end

--- The client reads no more: what is sent to it waits, as in the write queue of the core.
function Core:pause(id) outbox.open(self, id) end

--- And reads again.
function Core:resume(id) outbox.drain(self, id) end

--- And has fallen below the low one.
function Core:drained(id)
  push(self, { kind = constants.MOON_DRAINED, subject = id, bytes = books_of(self, id) })
end

--- The answer to the oldest conn:figures() of this connection.
---@param rtt_us integer 0: none yet
function Core:figures(id, rtt_us)
  push(self, { kind = constants.MOON_FIGURES, subject = id, reason = rtt_us,
    bytes = books_of(self, id) })
end

--- An HTTP request, on a connection of its own.
---@param asked table method, path, query, content_type, authorization, address, host, body
---@return table response filled in when it comes: { is_given, status, headers, body }
function Core:request(asked)
  self.last_id = self.last_id + 1
  local response = { is_given = false, number = 1, conn = self.last_id }
  self.responses[self.last_id] = response
  local head = joined(asked.method or "GET", asked.path, asked.query or "",
    asked.content_type or "", asked.authorization or "", asked.address or "127.0.0.1",
    asked.host or "localhost:8080")
  push(self, { kind = constants.MOON_REQUESTED, subject = self.last_id, code = response.number,
    reason = #head, bytes = head .. (asked.body or "") })
  return response
end

local function number_of(reason)
  for number, word in ipairs(fake_verbs.reasons) do
    if word == reason then return number end
  end
  error("no reason: " .. reason, 3)
end

---@param reason? string the word for a moon_reason: "client", "lost", "slow", ...
function Core:close(id, reason, code)
  local conn = self.conns[id]
  if not conn.is_open then return end -- MOON_CLOSED comes once
  conn.is_open, conn.closed = false, { code = code or 1000, reason = reason or "client" }
  for _, members in pairs(self.rooms) do take_out(members, id) end
  push(self, { kind = constants.MOON_CLOSED, subject = id, code = code or 1000,
    reason = number_of(reason or "client"), bytes = books_of(self, id) })
end

--- An operator's request.
---@return table told filled in when the answer comes: { is_given, bytes }
function Core:ask(line)
  local told = { is_given = false }
  self.tickets[#self.tickets + 1] = told
  push(self, { kind = constants.MOON_ASKED, subject = #self.tickets, bytes = line })
  return told
end

local PART_BYTES = 16 -- of a body in one event: parts are for short bodies, too

local function failure_of(code)
  return assert(constants["MOON_FETCH_" .. code:upper()], "no outcome: " .. code)
end

--- The oldest fetch without an answer gets one.
---@param answer table|string { status = 200, headers = { name -> value }, body =, url = }, or
--- "timeout", "dns", ...
---@param text? string that explains a failure
---@return table fetch { url, method, headers, body, timeout_ms, max_bytes, redirects }
function Core:answer_fetch(answer, text)
  local fetch = assert(table.remove(self.fetches, 1), "nobody fetches")
  if type(answer) == "string" then
    push(self, { kind = constants.MOON_FETCHED, subject = fetch.ticket,
      reason = failure_of(answer), bytes = text or answer })
    return fetch
  end
  local lines, body = {}, answer.body or ""
  for name, value in pairs(answer.headers or {}) do
    lines[#lines + 1] = ("%s: %s\r\n"):format(name, value)
  end
  while #body > PART_BYTES do
    push(self, { kind = constants.MOON_ARRIVED, subject = fetch.ticket,
      bytes = body:sub(1, PART_BYTES) })
    body = body:sub(PART_BYTES + 1)
  end
  push(self, { kind = constants.MOON_FETCHED, subject = fetch.ticket,
    code = answer.status or 200, bytes = joined(answer.url or fetch.url, table.concat(lines))
      .. body })
  return fetch
end

--- The files have changed, or a reload was asked for.
function Core:change() push(self, { kind = constants.MOON_CHANGED }) end

--- The server stops, and nobody is connected any more.
function Core:finish() push(self, { kind = constants.MOON_ENDED }) end

--- Lets the scripts see all events, those that come of it included.
function Core:settle()
  while #self.events > 0 do self.drain() end
end

--- The store answers.
---@param ticket integer of the command
---@param outcome integer enum moon_store_outcome
---@param bytes? string
---@param has_more? boolean
function Core:stored(ticket, outcome, bytes, has_more)
  push(self, { kind = constants.MOON_STORED, subject = ticket, code = outcome, bytes = bytes,
    reason = has_more and 1 or 0 })
end

--- What has become of a password.
---@param ticket integer of the command
---@param outcome integer enum moon_password_outcome
---@param hash? string that was made
function Core:hashed(ticket, outcome, hash)
  push(self, { kind = constants.MOON_HASHED, subject = ticket, code = outcome, bytes = hash })
end

local function take_due(timers, until_ms)
  local first
  for i, timer in ipairs(timers) do
    local is_sooner = not first or timer.due_ms < timers[first].due_ms
    if timer.due_ms <= until_ms and is_sooner then first = i end
  end
  return first and table.remove(timers, first)
end

---@param timer table one that is due, and was taken out
function Core:fire(timer)
  self.now_ms = math.max(self.now_ms, timer.due_ms)
  if timer.fn then
    timer.fn()
  else
    push(self, { kind = constants.MOON_FIRED, subject = timer.token })
  end
  self:settle()
end

--- Goes to the next moment at which a timer fires, unless that is later than this.
---@param until_ms number
---@return boolean has_fired
function Core:step(until_ms)
  self:settle()
  local timer = take_due(self.timers, until_ms)
  if timer then self:fire(timer) end
  return timer ~= nil
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
    self:fire(timer)
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

---@return moongate.test.Core
local function new()
  local core = setmetatable({
    C = {}, commands = {}, log = {}, conns = {}, rooms = {}, events = {}, timers = {},
    answers = {}, keys = {}, responses = {}, tickets = {}, fetches = {},
    last_token = 0,
    last_id = 2 ^ 45, -- as large as real ones: the first of thread 1
    now_ms = 1760000000000,
    drain = function() error("nobody takes the events", 2) end,
    on_delivery = function() end,
    on_response = function() end,
    named = {},
    profile = { folded = "", ticks = 0, dropped = 0 },
    turn = ffi.new "struct moon_turn",
    samples = ffi.new("double[?]", constants.MOON_MAX_SAMPLED),
    heap = ffi.new("struct moon_heap", { bytes = 1048576, allocated = 1048576,
      limit = 1073741824 }),
    facts = ffi.new("struct moon_facts", { VERSION, 65536, 25000, 10000, 10000, 0, 0, 1000,
      10000 }),
  }, core_mt)
  for name, value in pairs(constants) do core.C[name] = value end
  for name, verb in pairs(verbs) do
    core.C[name] = function(...) return verb(core, ...) end
  end
  return core
end

-- What every world shares, beside moongate.test.*.
local SHARED = { ["moongate.cdef"] = true, ["moongate.test"] = true, ["moongate.texts"] = true }

local function is_ours(name)
  return name:find "^moongate%." ~= nil and not name:find "^moongate%.test%." and not SHARED[name]
end

local function take_loaded()
  local taken = {}
  for name, module in pairs(package.loaded) do
    if is_ours(name) then taken[name] = module end
  end
  for name in pairs(taken) do package.loaded[name] = nil end
  return taken
end

local restore -- what gives busted its own methods of strings back: a plugin runs, in some world

--- As loop.lua and checkup.lua ask for it. There is one metatable of strings in the process:
--- busted's own methods stay as they are, and those of guarded code take their place while a plugin
--- runs.
local function install_for_runs(modules)
  local run, strings = modules.run, modules.strings
  local enter, leave, install = run.enter, run.leave, strings.install
  local function entered(plugin, doing)
    restore = restore or install()
    return enter(plugin, doing)
  end
  local function left(outer, outer_doing)
    if restore and not outer then
      restore()
      restore = nil
    end
    return leave(outer, outer_doing)
  end
  function strings.install()
    run.enter, run.leave = entered, left
    return function() run.enter, run.leave = enter, leave end
  end
end

--- Loads bindings/moongate anew above a fake core of its own. Nothing of it stays in
--- package.loaded.
---@param first? string a module that has to be required before the others
---@return table modules by their last name: { core = moongate.test.Core, loop =, task =, ... }
local function world(first)
  local outside = take_loaded()
  local core = new()
  package.loaded["moongate.ffi"] = { C = core.C, new = ffi.new, string = ffi.string,
    copy = ffi.copy, sizeof = ffi.sizeof }
  local ok, loop = pcall(function()
    if first then require(first) end
    return require "moongate.loop"
  end)
  local modules = { core = core }
  for name, module in pairs(take_loaded()) do modules[name:match "%.(.*)"] = module end
  for name, module in pairs(outside) do package.loaded[name] = module end
  if not ok then error(loop, 0) end
  core.drain = loop.drain
  install_for_runs(modules)
  return modules
end

return { new = new, world = world }
