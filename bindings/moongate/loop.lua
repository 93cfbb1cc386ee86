--- Takes events out of the core and hands each to whoever waits for it.
--
-- bindings/vm.c calls drain() once per wake-up: the only time C calls Lua.
local admin = require "moongate.admin"
local books = require "moongate.books"
local conns = require "moongate.conn"
local core = require "moongate.ffi"
local durable = require "moongate.durable"
local fetch = require "moongate.fetch"
local http = require "moongate.http"
local overrun = require "moongate.overrun"
local password = require "moongate.password"
local plugin = require "moongate.plugin"
local request = require "moongate.request"
local room = require "moongate.room"
local runs = require "moongate.run"
local status = require "moongate.status"
local store_thread = require "moongate.store_thread"
local strings = require "moongate.strings"
local task = require "moongate.task"
local timer = require "moongate.timer"
local users = require "moongate.user"

local C = core.C
local guard, call = request.guard, request.call
local all = conns.all

-- Per call, so that what the scripts send goes out in between.
local MAX_EVENTS = 1024
local MAX_OTHERS = 256 -- that are no messages
local MAX_MS = 5
local MAX_CLOSED = 1000 -- of those whose route has gone
local LOOK = 16 -- events between two looks at the clock

local RECEIVED, BINARY = C.MOON_RECEIVED, C.MOON_BINARY

-- LuaJIT throws all that it has compiled away when it has so many traces, or so much code: its own
-- limits (1000, and 512 KB) are those of one program, not of many plugins.
local JIT = { "maxtrace=8000", "maxmcode=16384" } -- KB

local event = core.new "struct moon_event" -- reused for every event

local on = {}

--- A copy of what the core lends, ours to keep.
local function copy() return core.string(event.bytes, event.length) end

--- Closes those whose route is not in force, some in each turn. It may have come back since the
--- list was made.
---@param ids integer[]
---@param first integer
local function close_strays(ids, first)
  local route_of = plugin.current().route_of
  local last = math.min(first + MAX_CLOSED - 1, #ids)
  for i = first, last do
    local conn = all[ids[i]]
    if conn and not route_of[conn.route] then conn:close(4404, "no_route") end
  end
  if last < #ids then timer.start(0, function() close_strays(ids, last + 1) end) end
end

local function has_lost_route(old, new)
  for pattern in pairs(old and old.route_of or {}) do
    if not new.route_of[pattern] then return true end
  end
end

plugin.on_swap = function(old, new)
  if not has_lost_route(old, new) then return end
  local ids = {}
  for id, conn in pairs(all) do
    if not new.route_of[conn.route] then ids[#ids + 1] = id end
  end
  if ids[1] then timer.start(0, function() close_strays(ids, 1) end) end
end

--- It may have ended by then: nobody is to hear of that first.
local function tell_admitted(conn)
  if conn.is_open then task.run(request.tell, "admitted", conn) end
end

--- Who admits may have more to do until all is as others shall find it: they hear of it after that.
local function entered(conn)
  if request.current().after.admitted then runs.after(tell_admitted, conn) end
end

on[C.MOON_OPENED] = function(id)
  local fields = copy()
  local conn = conns.open(id, fields)
  local route, params = plugin.current():find_route("ws", string.match(fields, "^%Z*"))
  if not route then
    conn:close(4404, "no_route") -- it went while the handshake was on its way
    conns.forget(conn) -- no script has seen it
    return
  end
  conn.route, conn.params = route.pattern, params
  if route.handlers.opened then guard(route.plugin, "opened", route.handlers.opened, conn) end
  request.tell("opened", conn)
end

local function received(id)
  local conn = all[id]
  local route = conn and plugin.current().route_of[conn.route]
  if not route then
    if conn then conn:close(4404, "no_route") end -- it is about to be closed for that
    return
  end
  local handler = route.handlers.received
  if handler then
    local ok, code = call(route.plugin, "received", handler, conn, copy(), event.code == BINARY)
    if not ok and code == "unavailable" then conn:close(4012, "unavailable") end
  end
end

on[C.MOON_REFUSED] = function(id)
  local conn = all[id]
  local route = conn and plugin.current().route_of[conn.route]
  local refused = route and route.handlers.refused
  if refused then
    guard(route.plugin, "refused", refused, conn, copy(), event.code == BINARY,
      event.reason)
  end
end

--- What tells it who serves the path, then the hooks. Books are decoded only when somebody listens.
---@return (fun())[]
local function tellers(name, conn, bytes, reason, code)
  local registry, jobs, arguments = plugin.current(), {}, nil
  local function add(owner, doing, fn)
    local decoded = not arguments and books.decode(bytes)
    arguments = arguments or (reason and { conn, reason, code, decoded } or { conn, decoded })
    jobs[#jobs + 1] = function() guard(owner, doing, fn, unpack(arguments)) end
  end
  local route = registry.route_of[conn.route]
  local handler = route and route.handlers[name]
  if handler then add(route.plugin, name, handler) end
  for _, hook in ipairs(registry.after[name] or {}) do
    add(hook.plugin, hook.doing, hook.fn)
  end
  return jobs
end

local function tell(name, conn, bytes)
  for _, job in ipairs(tellers(name, conn, bytes)) do job() end
end

on[C.MOON_SLOWED] = function(id)
  if all[id] then tell("slow", all[id], copy()) end
end

on[C.MOON_DRAINED] = function(id)
  if all[id] then tell("drained", all[id], copy()) end
end

on[C.MOON_FIGURES] = function(id)
  local figures = books.decode(copy())
  figures.rtt_ms = event.reason > 0 and event.reason / 1000 or nil
  if all[id] then conns.show(all[id], figures) end
end

on[C.MOON_CLOSED] = function(id)
  local conn = all[id]
  if not conn then return end
  local reason, code, bytes = status.reason[event.reason], event.code, copy()
  conns.finish(conn, reason)
  request.finish(conn, function()
    local jobs = tellers("closed", conn, bytes, reason, code)
    jobs[#jobs + 1] = function()
      room.drop(conn)
      conns.forget(conn)
    end
    return jobs
  end)
end

on[C.MOON_REQUESTED] = function(id)
  http.serve(plugin.current(), id, event.code, copy())
end

on[C.MOON_FIRED] = function(token)
  local fn = timer.take(token)
  if fn then fn() end
end

on[C.MOON_STORED] = function(ticket)
  store_thread.answer(ticket, event.code, event.reason == 1, copy())
end

on[C.MOON_ARRIVED] = function(ticket) fetch.arrived(ticket, copy()) end

on[C.MOON_FETCHED] = function(ticket)
  fetch.fetched(ticket, event.reason, event.code, copy())
end

on[C.MOON_HASHED] = function(ticket) password.answer(ticket, event.code, copy()) end

on[C.MOON_CHANGED] = function() plugin.reload() end

on[C.MOON_ENDED] = function() durable.stop() end

on[C.MOON_ASKED] = function(ticket) admin.serve(ticket, copy()) end

--- Deals with messages as long as nothing else comes: a loop of its own, so that it is
--- compiled whatever the handlers of rarer events are made of.
---@param stop number when to stop, as moon_clock_ms()
---@return boolean? is_other whether an event is left that is no message
local function pull(stop)
  for n = 1, MAX_EVENTS do
    if C.moon_event_next(event) == 0 then return end
    if event.kind ~= RECEIVED then return true end
    received(tonumber(event.subject))
    if n % LOOK == 0 and C.moon_clock_ms() > stop then return end
  end
end

local function drain()
  local stop = C.moon_clock_ms() + MAX_MS
  for _ = 1, MAX_OTHERS do
    if not pull(stop) then return end
    on[event.kind](tonumber(event.subject))
    if C.moon_clock_ms() > stop then return end
  end
end

--- Loads the app.
---@param app string path of a folder with an init.lua, or of one plugin file
---@return function? drain
---@return string? problem
local function start(app)
  math.randomseed(os.time())
  jit.opt.start(unpack(JIT))
  strings.install()
  local ok, problem = plugin.start(app)
  if not ok then return nil, problem end
  users.on_enter = entered
  return drain
end

return { drain = drain, start = start, late = overrun.late }
