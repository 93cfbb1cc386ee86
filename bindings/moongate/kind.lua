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
local saved = require "moongate.saved"
local task = require "moongate.task"
local timer = require "moongate.timer"

local EMPTY_MS = 60000 -- a room of nobody stays open for so long
local HOOK_MS = 30000  -- that a hook may wait before it is cancelled
local ENDING_MS = 10000 -- that the hooks of a room whose code has gone may wait, all of them

local kind = { problem_of = declaration.problem_of }

local open = {} -- kind -> set of its rooms

-- ---- events ----

--- The kind as it is declared by the code in force, or by that which the room ends with.
local function entry_of(self) return self.last or request.current().kinds[self.kind] end

--- Calls a hook of the room as it is in force now.
local function call(self, event, ...)
  local entry = entry_of(self)
  local hook = entry and entry.spec[event]
  if not hook then return true end
  local doing = entry.doings[event] or ("%s %s"):format(event, self.kind)
  entry.doings[event] = doing
  return request.guard(entry.plugin, doing, hook, self, ...)
end

function durable.owner_of(self)
  local entry = entry_of(self)
  return entry and entry.spec.durable and entry.plugin or nil
end

--- A hook has had its say: the state may have changed.
local function settle(self)
  if durable.owner_of(self) and not self.is_gone then durable.mark(self) end
end

--- Does a job when all earlier events of the room are done.
---@param given_up? fun(self: moongate.Room) in place of the rest of a job that has been given up
local function in_turn(self, job, given_up)
  line.push(self, 0, function()
    task.patience(self.ends_ms and math.max(0, self.ends_ms - core.C.moon_clock_ms()) or HOOK_MS)
    job()
  end, given_up)
end

--- Calls a hook then.
local function tell(self, event, ...)
  local arguments, count = { ... }, select("#", ...)
  in_turn(self, function()
    call(self, event, unpack(arguments, 1, count))
    settle(self)
  end)
end

--- Who was in.
---@return moongate.Conn[]
local function empty(self)
  local members = {}
  for _, conn in pairs(self.members) do members[#members + 1] = conn end
  for _, conn in ipairs(members) do self:remove(conn) end
  return members
end

local function finish(self)
  local let_go = self.is_unloaded and durable.leave or durable.forget
  self.is_gone = true
  timer.cancel(self.watch)
  open[self.kind][self] = nil
  room.forget(self)
  let_go(self, entry_of(self).plugin)
end

--- Closes it after what is under way: members leave it, then it is told.
local function close(self, reason)
  if self.is_closing or not entry_of(self) then return nil, "gone" end
  self.is_closing = true
  empty(self)
  in_turn(self, function()
    call(self, "closed", reason)
    finish(self)
  end, finish)
  return true
end

--- Closes it when nobody has come by then.
local function watch_empty(self)
  local entry = entry_of(self)
  timer.cancel(self.watch)
  self.watch = timer.start(entry and entry.spec.empty_ms or EMPTY_MS, function()
    close(self, "empty")
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
  local plugin = entry_of(self).plugin
  local ok, pass, code, text, temporary, retry_after_ms = call(self, "may_join", conn)
  settle(self)
  if not ok then return nil, pass, "the room failed", true end
  if not pass and code then
    return request.refusal(plugin, code, text, temporary, retry_after_ms)
  end
  return true
end

--- Takes in whom there is a place for.
local function take_in(self, conn)
  local has, code, text = has_place(self, conn)
  if not has then return nil, code, text end
  local joined, reason = room.join(self, conn)
  if not joined then return nil, reason, "the server has too much to do", true end
  timer.cancel(self.watch)
  tell(self, "joined", conn)
  return true
end

--- Asks, and looks at everything again: while the hook has waited others may have come, the
--- room or the connection may have closed, or nobody wait for the answer any more.
local function ask_and_take_in(self, conn, is_over)
  local has, no_place, why = has_place(self, conn)
  if not has then return nil, no_place, why end
  local pass, code, text, temporary, retry_after_ms = ask(self, conn)
  if not pass then return nil, code, text, temporary, retry_after_ms end
  if is_over() then return nil, "timeout", "nobody waits for it any more", true end
  return take_in(self, conn)
end

local function never() return false end

--- Waits for what a job returns when it has had its turn. The job is given a function that says
--- whether nobody waits any more: the task was cancelled.
local function in_line(self, what, job)
  local is_over, is_late, results = false, false, nil
  local function begin(done)
    in_turn(self, function()
      results = { job(function() return is_over end) }
      if is_late then done(unpack(results, 1, 5)) end
    end, function() done(nil, "timeout", "the room failed", true) end)
    is_late = true -- of a room with nothing to do the next events, "joined", have been told now
    if results then done(unpack(results, 1, 5)) end
  end
  local answer = { pcall(task.wait, what, begin) }
  is_over = true
  if not answer[1] then error(answer[2], 0) end
  return unpack(answer, 2, 6)
end

local function busy()
  return nil, "too_many_requests", "the room has more to do than it can", true
end

--- A hook of the room that adds is an event itself: what it asks for is done at once.
local function add(self, conn)
  if line.is_own(self) then return ask_and_take_in(self, conn, never) end
  local entry = entry_of(self)
  local asks = entry and entry.spec.may_join
  if asks then task.current "room:add, when the kind has may_join" end
  local has, code, text = has_place(self, conn)
  if not has then return nil, code, text end
  if line.is_full(self, 0) then return busy() end
  if not asks then return take_in(self, conn) end
  return in_line(self, "room:add", function(is_over)
    if is_over() then return end
    return ask_and_take_in(self, conn, is_over)
  end)
end

--- Who goes with the server may come back after the restart: that does not make a room empty.
local function left(self, conn)
  local reason = conn.is_open and "left" or conn.close_reason or "left"
  tell(self, "left", conn, reason)
  if self.count == 0 and not self.is_closing and reason ~= "shutdown" then watch_empty(self) end
end

--- true, or nil and why the connection cannot say anything as things are now.
local function has_voice(self, conn)
  local entry = entry_of(self)
  if self.is_closing or not entry then return nil, "gone", "the room has closed" end
  if not entry.spec.said then return nil, "not_allowed", "nothing is said in this room" end
  if not self:has(conn) then return nil, "not_a_member", "it is not in the room" end
  return true
end

--- What `said` replies, if things are still as they were.
local function ask_said(self, conn, data)
  local has, no_voice, why = has_voice(self, conn)
  if not has then return nil, no_voice, why end
  local ok, reply, code, text, temporary, retry_after_ms = call(self, "said", conn, data)
  settle(self)
  if not ok then return nil, reply, "the room failed", true end
  if reply == nil and code == nil then reply = {} end
  return reply, code, text, temporary, retry_after_ms
end

--- When all earlier events of the room are done. Waits for the reply.
local function say(self, conn, data)
  if line.is_own(self) then
    error("room:say: not within a hook of this room, which would wait for itself", 2)
  end
  local has, code, text = has_voice(self, conn)
  if not has then return nil, code, text end
  task.current "room:say"
  if line.is_full(self, 0) then return busy() end
  return in_line(self, "room:say", function(is_over)
    if not is_over() then return ask_said(self, conn, data) end
  end)
end

for name, hook in pairs { add = add, left = left, say = say, close = close } do
  room.of_kind[name] = hook
end

-- ---- opening ----

--- One who was in a plain room before this name was known to be that of a room of a kind.
local function take_over(self, conn)
  in_turn(self, function()
    local is_in, code = ask_and_take_in(self, conn, never)
    if not is_in and code ~= "already" then
      log.info("kind", "%s %q has opened, and connection %d is in it no longer: %s", self.kind,
        self.name, conn.id, code)
    end
  end)
end

--- Opens a room of a kind that is declared, and tells it so by the event. One that was saved takes
--- its name from a plain room, whose members come in as others do.
---@param name string of the kind
---@param room_name string
---@param version integer of its state
---@param found? moongate.Found as it was saved
---@param event "opened"|"restored"
---@param ... any what the event tells
---@return moongate.Room?
---@return "exists"? reason
function kind.begin(name, room_name, version, found, event, ...)
  local made = room.find(room_name)
  if made.kind or (made.count > 0 and not found) then return nil, "exists" end
  local guests = empty(made)
  made.kind, made.version, made.ticked_ms = name, version, core.C.moon_clock_ms()
  made.state = found and found.entry.state or made.state
  open[name] = open[name] or {}
  open[name][made] = true -- holds it, also while nobody is in
  if durable.owner_of(made) then durable.keep(made, found) end
  tell(made, event, ...)
  watch_empty(made)
  for _, conn in ipairs(guests) do take_over(made, conn) end
  return made
end

local function is_blocked(entry, name, room_name)
  return entry and entry.spec.durable and not saved.is_free(name, room_name, entry.plugin)
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

--- Closes a room that the code in force knows nothing of, with the code that it had. A durable one
--- that nobody has closed stays in the store.
---@param self moongate.Room
---@param entry table of that code
---@param why string for the log
function kind.unload(self, entry, why)
  if self.last then return end
  log.info(entry.plugin.label, "room %q closes: %s", self.name, why)
  self.last, self.ends_ms = entry, core.C.moon_clock_ms() + ENDING_MS
  self.is_unloaded = entry.spec.durable and not self.is_closing
  if self.is_unloaded then saved.hold(self.kind) end
  close(self, "unloaded")
end

return kind
