--- Room kinds: rooms whose events a plugin decides, one after the other, and that may tick.
--
-- A room of a kind has a line: its hooks never overlap, also when one waits. Which code runs is
-- looked up for each event, so a reload takes over rooms that are open.
local core = require "moongate.ffi"
local declaration = require "moongate.kind_declaration"
local durable = require "moongate.durable"
local line = require "moongate.line"
local log = require "moongate.log"
local migration = require "moongate.migration"
local request = require "moongate.request"
local room = require "moongate.room"
local task = require "moongate.task"
local timer = require "moongate.timer"

local EMPTY_MS = 60000 -- a room of nobody stays open for so long
local HOOK_MS = 30000  -- that a hook may wait before it is cancelled

local kind = { problem_of = declaration.problem_of }

local open = {} -- kind -> set of its rooms

-- ---- events ----

local function entry_of(self) return request.current().kinds[self.kind] end

--- Calls a hook of the room as it is in force now.
local function call(self, event, ...)
  local entry = entry_of(self)
  local hook = entry and entry.spec[event]
  if not hook then return true end
  return request.guard(entry.plugin, ("%s %s %q"):format(event, self.kind, self.name), hook, self,
    ...)
end

--- A hook has had its say: the state may have changed.
local function settle(self)
  local entry = entry_of(self)
  if entry and entry.spec.durable and not self.is_gone then durable.mark(self) end
end

function durable.owner_of(self)
  local entry = entry_of(self)
  return entry and entry.spec.durable and entry.plugin or nil
end

--- The same when all earlier events of the room are done.
local function tell(self, event, ...)
  local arguments, count = { ... }, select("#", ...)
  line.push(self, 0, function()
    task.patience(HOOK_MS)
    call(self, event, unpack(arguments, 1, count))
    settle(self)
  end)
end

local function leave(self)
  self.is_gone = true
  open[self.kind][self] = nil
  room.forget(self)
end

local function forget(self)
  local entry = entry_of(self)
  if entry and entry.spec.durable then durable.forget(self, entry.plugin) end
  leave(self)
end

--- Closes it after what is under way: members leave it, then it is told.
local function close(self, reason)
  if self.is_closing then return end
  self.is_closing = true
  for _, conn in pairs(self.members) do self:remove(conn) end
  line.push(self, 0, function()
    call(self, "closed", reason)
    forget(self)
  end)
end

--- Closes it when nobody has come back by then.
local function watch_empty(self)
  local entry = entry_of(self)
  self.emptied = (self.emptied or 0) + 1
  local emptied = self.emptied
  timer.start(entry and entry.spec.empty_ms or EMPTY_MS, function()
    if self.count == 0 and self.emptied == emptied then close(self, "empty") end
  end)
end

-- ---- who comes in ----

--- true, or nil and why the connection cannot come in as things are now.
local function has_place(self, conn)
  local entry = entry_of(self)
  if self.is_closing or not entry then return nil, "gone", "the room has closed" end
  if not conn.is_open then return nil, "gone", "the connection has closed" end
  if self.members[conn.id] then return nil, "already", "it is in the room" end
  if self.count >= (entry.spec.max_members or math.huge) then
    return nil, "too_many_members", ("at most %d"):format(entry.spec.max_members)
  end
  return true
end

--- What `may_join` says to that.
local function ask(self, conn)
  local ok, pass, code, text, temporary = call(self, "may_join", conn)
  settle(self)
  if not ok then return nil, pass and "timeout" or "internal", "the room failed", true end
  if not pass and code then return nil, code, text, temporary end
  return true
end

--- Takes in whom there is a place for.
local function take_in(self, conn)
  local has, code, text = has_place(self, conn)
  if not has then return nil, code, text end
  local joined, reason = room.join(self, conn)
  if not joined then return nil, reason, "the server has too much to do", true end
  tell(self, "joined", conn)
  return true
end

--- Asks, and looks at everything again: while the hook has waited others may have come, the
--- room or the connection may have closed, or nobody wait for the answer any more.
local function ask_and_take_in(self, conn, is_over)
  local has, no_place, why = has_place(self, conn)
  if not has then return nil, no_place, why end
  local pass, code, text, temporary = ask(self, conn)
  if not pass then return nil, code, text, temporary end
  if is_over() then return nil, "timeout", "nobody waits for it any more", true end
  return take_in(self, conn)
end

local function never() return false end

--- Does a job when all earlier events of the room are done, and waits for what it returns. It is
--- given a function that says whether nobody waits any more: the task was cancelled.
local function in_line(self, what, job)
  local is_over, is_late, results = false, false, nil
  local function begin(done)
    line.push(self, 0, function()
      task.patience(HOOK_MS)
      results = { job(function() return is_over end) }
      if is_late then done(unpack(results, 1, 4)) end
    end)
    is_late = true -- of a room with nothing to do the next events, "joined", have been told now
    if results then done(unpack(results, 1, 4)) end
  end
  local answer = { pcall(task.wait, what, begin) }
  is_over = true
  if not answer[1] then error(answer[2], 0) end
  return unpack(answer, 2, 5)
end

local function busy()
  return nil, "too_many_requests", "the room has more to do than it can", true
end

--- A hook of the room that adds is an event itself: what it asks for is done at once.
local function add(self, conn)
  local entry = entry_of(self)
  if not entry or not entry.spec.may_join then return take_in(self, conn) end
  if line.is_own(self) then return ask_and_take_in(self, conn, never) end
  task.current "room:add, when the kind has may_join"
  local has, code, text = has_place(self, conn)
  if not has then return nil, code, text end
  if line.is_full(self, 0) then return busy() end
  return in_line(self, "room:add", function(is_over)
    if is_over() then return end
    return ask_and_take_in(self, conn, is_over)
  end)
end

local function left(self, conn)
  tell(self, "left", conn, conn.is_open and "left" or conn.close_reason or "left")
  if self.count > 0 then return end
  if not self.is_closing then watch_empty(self) end
end

--- When all earlier events of the room are done. Waits for the reply.
local function say(self, conn, data)
  if line.is_own(self) then
    error("room:say: not within a hook of this room, which would wait for itself", 2)
  end
  local entry = entry_of(self)
  if self.is_closing or not entry then return nil, "gone", "the room has closed" end
  if not entry.spec.said then return nil, "not_allowed", "nothing is said in this room" end
  task.current "room:say"
  if line.is_full(self, 0) then return busy() end
  return in_line(self, "room:say", function(is_over)
    if is_over() then return end
    local ok, reply, code, text, temporary = call(self, "said", conn, data)
    settle(self)
    if not ok then return nil, reply and "timeout" or "internal", "the room failed", true end
    if reply == nil and code == nil then reply = {} end
    return reply, code, text, temporary
  end)
end

for name, hook in pairs { add = add, left = left, say = say, close = close } do
  room.of_kind[name] = hook
end

-- ---- opening ----

--- Opens a room of a kind that is declared, and tells it so by the event.
---@param name string of the kind
---@param room_name string
---@param version integer of its state
---@param restored? { state: table, bytes: string } as it was saved, and its entry in the store
---@param event "opened"|"restored"
---@param ... any what the event tells
---@return moongate.Room?
---@return "exists"? reason
function kind.begin(name, room_name, version, restored, event, ...)
  local made = room.find(room_name)
  if made.kind or made.count > 0 then return nil, "exists" end
  made.kind, made.version, made.ticked_ms = name, version, core.C.moon_clock_ms()
  made.state = restored and restored.state or made.state
  open[name] = open[name] or {}
  open[name][made] = true -- holds it, also while nobody is in
  if request.current().kinds[name].spec.durable then
    durable.keep(made, restored and restored.bytes)
  end
  tell(made, event, ...)
  watch_empty(made)
  return made
end

local function is_blocked(entry, name, room_name)
  return entry and entry.spec.durable and not durable.is_free(name, room_name)
end

--- A room of this kind, and nobody in it.
---@param name string of the kind
---@param room_name string
---@param options? table for `opened`
---@return moongate.Room?
---@return "unknown_kind"|"exists"|"not_restored" reason
function kind.open(name, room_name, options)
  local blocked = is_blocked(request.current().kinds[name], name, room_name)
  local entry = request.current().kinds[name] -- that may have taken a while
  if not entry then return nil, "unknown_kind" end
  if blocked then return nil, "not_restored" end
  return kind.begin(name, room_name, migration.newest(entry.steps), nil, "opened", options or {})
end

---@param name string
---@return fun(): moongate.Room? the rooms of this kind that are open, in no order
function kind.rooms(name)
  local list, i = {}, 0
  for found in pairs(open[name] or {}) do list[#list + 1] = found end
  return function()
    i = i + 1
    return list[i]
  end
end

-- ---- ticks ----

--- One that is still busy has no tick; the next tells how much time has passed.
local function tick(name)
  local now_ms = core.C.moon_clock_ms()
  for self in kind.rooms(name) do -- a hook may open others
    if not self.waiting and not self.is_closing then
      local passed_ms = now_ms - self.ticked_ms
      self.ticked_ms = now_ms
      tell(self, "tick", passed_ms)
    end
  end
end

--- The timer of a kind's ticks, for the plugin that declares it.
---@param name string
---@param spec moongate.RoomKind
function kind.timer(name, spec)
  local period_ms, due_ms = 1000 / spec.tick_hz, nil
  local function delay_ms() -- one that is late does not put off the next
    local now_ms = core.C.moon_clock_ms()
    due_ms = math.max((due_ms or now_ms) + period_ms, now_ms)
    return due_ms - now_ms
  end
  return { name = "ticks of " .. name, doing = "tick", delay_ms = delay_ms,
    fn = function() tick(name) end }
end

--- Closes a room that the code in force knows nothing of, with the code that it had.
---@param self moongate.Room
---@param plugin moongate.Plugin
---@param spec moongate.RoomKind
---@param why string for the log
function kind.unload(self, plugin, spec, why)
  self.is_closing = true
  for _, conn in pairs(self.members) do self:remove(conn) end
  if spec.closed then task.run(request.guard, plugin, "closed", spec.closed, self, "unloaded") end
  if spec.durable then durable.leave(self, plugin) end
  leave(self)
  log.info(plugin.label, "room %q closed: %s", self.name, why)
end

return kind
