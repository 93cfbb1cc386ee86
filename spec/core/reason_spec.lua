local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/reason.h"

local EXPECTED = {
  [C.MOON_BY_CLIENT] = { "client", 0 },
  [C.MOON_LOST] = { "lost", 1006 },
  [C.MOON_BY_SCRIPT] = { "script", 0 },
  [C.MOON_SLOW] = { "slow", 4008 },
  [C.MOON_NO_PONG] = { "no_pong", 4009 },
  [C.MOON_TOO_BIG] = { "too_big", 1009 },
  [C.MOON_BAD_UTF8] = { "bad_utf8", 1007 },
  [C.MOON_PROTOCOL] = { "protocol", 1002 },
  [C.MOON_SHUTDOWN] = { "shutdown", 1001 },
  [C.MOON_FLOOD] = { "flood", 4010 },
  [C.MOON_OVERLOAD] = { "overload", 4011 },
  [C.MOON_AUTH_TIMEOUT] = { "auth_timeout", 4408 },
}

describe("reason", function()
  local function name(reason) return ffi.string(C.moon_reason_name(reason)) end
  local function code(reason) return C.moon_reason_code(reason) end

  it("has a word and a close code for each number", function()
    for reason = 1, C.MOON_REASONS - 1 do
      assert.same(EXPECTED[reason], { name(reason), code(reason) })
    end
  end)

  it("has no word twice", function()
    local seen = {}
    for reason = 1, C.MOON_REASONS - 1 do
      assert.is_nil(seen[name(reason)])
      seen[name(reason)] = true
    end
  end)

  it("asks the client to reconnect after what may pass", function()
    for reason = 1, C.MOON_REASONS - 1 do
      assert.is_true(code(reason) < 4500)
    end
  end)

  it("is unknown for any other number", function()
    for _, number in ipairs { 0, C.MOON_REASONS, 255, 4294967295 } do
      assert.equal("unknown", name(number))
      assert.equal(0, code(number))
    end
  end)
end)
