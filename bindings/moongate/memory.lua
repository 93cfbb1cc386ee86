--- How much memory the scripts may have at the moment: what they were given, or what is in use with
-- some to go on with. Nobody is to pay for what another one keeps.
local core = require "moongate.ffi"
local timer = require "moongate.timer"

local MB = 1048576
local RESERVE = 1 / 8 -- of what they were given, or of what they have
local OVERDRAFT, MORE_OVERDRAFT = 2, 32 * MB -- as in bindings/memory.c
local SINK_MS = 1000
local SLICE_MS = 5 -- of a collection, before others have their turn
local STEP_KB = 64

local memory = {
  on_calm = function() end, ---@type fun() set by overrun.lua
}

local heap = core.C.moon_heap()
local limit = heap.limit -- as it was set

local is_sinking, is_lent, has_collected = false, false, false
local on_collected, cycles -- while garbage is collected in slices

local function reserve() return math.max(limit, heap.bytes) * RESERVE end

-- ---- the limit ----

---@return number used_mb with what is garbage
---@return number limit_mb as it was set
function memory.in_mb() return heap.bytes / MB, limit / MB end

---@return boolean
function memory.is_short() return heap.bytes > limit * (1 - RESERVE) end

--- So much may be left of what was there when a run was aborted for it.
---@return number bytes
function memory.most()
  return heap.limit > limit and heap.limit - reserve() / 2 or limit * (1 - RESERVE)
end

--- With what has been freed.
local function sink()
  heap.limit = math.max(limit, math.min(heap.limit, heap.bytes + reserve()))
end

local function sink_later()
  if heap.limit == limit or is_sinking then return end
  is_sinking = true
  timer.start(SINK_MS, function()
    is_sinking = false
    sink()
    if heap.limit == limit then memory.on_calm() else sink_later() end
  end)
end

--- From now on there is some to go on with.
function memory.make_room()
  heap.limit = math.max(heap.limit, heap.bytes + reserve())
  sink_later()
end

-- ---- the runtime's own work ----

local function give_back(was, ...)
  heap.limit, is_lent = was, false
  memory.make_room()
  return ...
end

--- Calls fn(...) of the runtime, which may have as much as is lent to anybody for a moment.
---@param fn function it calls memory.check()
---@return boolean ok
---@return any ... what fn has returned, or raised
function memory.lend(fn, ...)
  local was = heap.limit
  heap.limit = math.max(was, limit * OVERDRAFT + MORE_OVERDRAFT)
  is_lent, has_collected = true, false
  return give_back(was, pcall(fn, ...))
end

--- Raises when that is used up. For what no plugin runs in, and nothing would stop.
function memory.check()
  if not is_lent or heap.bytes <= heap.limit then return end
  if not has_collected then
    jit.flush()
    collectgarbage()
  end
  has_collected = true
  if heap.bytes > heap.limit then error("not enough memory", 0) end
end

-- ---- to collect while others have their turn ----

-- LuaJIT's compiled code holds the functions it was compiled for, with all they hold, also those of
-- code that has been replaced: it goes first.

local function ended()
  local fns = on_collected
  on_collected, heap.is_collecting = nil, 0
  for _, fn in ipairs(fns) do fn() end
  sink()
  sink_later()
end

local function slice()
  if not on_collected then return end
  local stop_ms = core.C.moon_clock_ms() + SLICE_MS
  while cycles > 0 do
    if collectgarbage("step", STEP_KB) then cycles = cycles - 1 end
    if core.C.moon_clock_ms() > stop_ms then break end
  end
  if cycles == 0 then return ended() end
  timer.start(0, slice)
end

--- Calls fn when what is garbage now has been freed.
---@param fn fun()
---@param how_often integer 1: a collection has just ended; 2: one may be under way, and takes some
--- for alive that is so no longer
function memory.collect(fn, how_often)
  jit.flush()
  if not on_collected then timer.start(0, slice) end
  on_collected, cycles, heap.is_collecting = on_collected or {}, how_often, 1
  table.insert(on_collected, fn)
end

--- All at once, if it is under way.
---@return boolean was_under_way
function memory.finish()
  if not on_collected then return false end
  collectgarbage()
  ended()
  return true
end

--- Something large has been done. What it has left is no reason to abort anybody.
---@param if_short? fun() called if there is not enough left when that has gone
function memory.settle(if_short)
  if not memory.is_short() then return sink() end
  memory.make_room()
  memory.collect(function()
    if if_short and memory.is_short() then if_short() end
  end, 2)
end

return memory
