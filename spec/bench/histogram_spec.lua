local core = require "spec.support.core"
local ffi = require "ffi"
local C = core.load "bench/histogram.h"

describe("histogram", function()
  local histogram

  before_each(function() histogram = ffi.new "struct moon_histogram" end)

  local function add(...)
    for _, value in ipairs { ... } do C.moon_histogram_add(histogram, value) end
  end

  local function quantile(share) return tonumber(C.moon_histogram_quantile(histogram, share)) end

  it("has no quantile but 0 when it is empty", function()
    assert.equal(0, quantile(0.5))
    assert.equal(0, quantile(1))
  end)

  it("keeps small values exactly", function()
    for value = 0, 255 do
      histogram = ffi.new "struct moon_histogram"
      add(value, value, 1000000)
      assert.equal(value, quantile(0.5))
    end
  end)

  it("keeps any value within 0.8 %, and never says less", function()
    local random = core.random(3)
    for bits = 8, 52 do
      for _ = 1, 20 do
        histogram = ffi.new "struct moon_histogram"
        local value = 2 ^ bits + random(0, 1000000) / 1000000 * (2 ^ bits - 1)
        value = math.floor(value)
        add(value, 2 ^ 53)
        local said = quantile(0.5)
        assert.is_true(said >= value and said <= value * (1 + 1 / 128), value .. " as " .. said)
      end
    end
  end)

  it("takes the very highest value", function()
    C.moon_histogram_add(histogram, 0xffffffffffffffffULL)
    assert.is_true(C.moon_histogram_quantile(histogram, 1) == 0xffffffffffffffffULL)
  end)

  it("says no more than the highest value, of which it knows every bit", function()
    add(1000003)
    assert.equal(1000003, quantile(0.5))
    assert.equal(1000003, tonumber(histogram.max_ns))
  end)

  it("counts shares from below", function()
    for value = 1, 100 do add(value) end
    assert.same({ 1, 50, 90, 99, 100 },
      { quantile(0), quantile(0.5), quantile(0.9), quantile(0.99), quantile(1) })
    assert.equal(100, tonumber(histogram.total))
  end)
end)
