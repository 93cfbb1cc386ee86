--- The words for moon_status and moon_reason, taken from their numbers in C.
local core = require "moongate.ffi"

local C = core.C

return {
  -- moon_status -> code
  code = {
    [C.MOON_EGONE] = "gone",
    [C.MOON_EFULL] = "full",
    [C.MOON_EBIG] = "too_big",
    [C.MOON_EUTF8] = "bad_utf8",
    [C.MOON_EINVAL] = "invalid",
  },
  -- moon_reason -> why a connection ended
  reason = {
    [C.MOON_BY_CLIENT] = "client",
    [C.MOON_LOST] = "lost",
    [C.MOON_BY_SCRIPT] = "script",
    [C.MOON_SLOW] = "slow",
    [C.MOON_NO_PONG] = "no_pong",
    [C.MOON_TOO_BIG] = "too_big",
    [C.MOON_BAD_UTF8] = "bad_utf8",
    [C.MOON_PROTOCOL] = "protocol",
    [C.MOON_SHUTDOWN] = "shutdown",
  },
}
