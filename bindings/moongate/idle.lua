--- The core where there is no gate, for `moongate check`: what would reach connections, threads or
-- other servers finds nobody there. Clocks, texts, the log and the watchdog are the real ones.
--
-- To be required before all that keeps core.C.
local core = require "moongate.ffi"

local real = core.C
local GONE, FULL, BIG = real.MOON_EGONE, real.MOON_EFULL, real.MOON_EBIG

local function gone() return GONE end

local function full() return FULL end

local function done() return 0 end

local last_timer = 0

local idle = {
  moon_event_next = done,
  moon_send = gone,
  moon_publish = done, -- a room without members is no failure
  moon_has_room = done,
  moon_key = done,
  moon_join = gone,
  moon_leave = gone,
  moon_close = gone,
  moon_admit = gone,
  moon_look = gone,
  moon_limit = gone,
  moon_charge = gone,
  moon_respond = gone,
  moon_report = done,
  moon_policy = done,
  moon_store = full,
  moon_fetch = full,
  moon_password = full,
  moon_abort_fetch = done,
  moon_timer_stop = done,
  moon_tell = gone,
  moon_asker = gone,
}

function idle.moon_route(_, length) return length > real.MOON_MAX_FRAME_BYTES and BIG or 0 end

--- It never fires.
function idle.moon_timer_start()
  last_timer = last_timer + 1
  return last_timer
end

core.C = setmetatable(idle, { __index = real })

return idle
