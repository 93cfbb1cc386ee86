local core = require "spec.support.core"
local C = core.load "bench/schedule.h"

describe("schedule", function()
  local function due(begun, rate, number)
    return tonumber(C.moon_schedule_ns(begun, rate, number))
  end

  it("begins at once and spreads what is due evenly", function()
    assert.same({ 7, 333333340, 666666673, 1000000007 },
      { due(7, 3, 0), due(7, 3, 1), due(7, 3, 2), due(7, 3, 3) })
  end)

  it("does not drift: the first of each second is due on it", function()
    for _, rate in ipairs { 1, 7, 1000, 999983, 100000000 } do
      for _, second in ipairs { 1, 59, 86400 } do
        assert.equal(second * 1e9 + 5, due(5, rate, rate * second))
      end
    end
  end)

  it("never goes back", function()
    local last = -1
    for number = 0, 5000 do
      local now = due(0, 1777, number)
      assert.is_true(now > last)
      last = now
    end
  end)
end)
