--- The words for moon_status and moon_reason, taken from their numbers in C.
local core = require "moongate.ffi"

local C = core.C

local reason = {} -- moon_reason -> why a connection ended
for number = 1, C.MOON_REASONS - 1 do
  reason[number] = core.string(C.moon_reason_word(number))
end

return {
  -- moon_status -> code
  code = {
    [C.MOON_EGONE] = "gone",
    [C.MOON_EFULL] = "full",
    [C.MOON_EBIG] = "too_big",
    [C.MOON_EUTF8] = "bad_utf8",
    [C.MOON_EINVAL] = "invalid",
  },
  reason = reason,
}
