local core = require "spec.support.core"
local C = core.load "core/hash.h"

describe("hash", function()
  local function hash(text, seed) return C.moon_hash(seed or 0x5eedULL, core.exact(text), #text) end

  after_each(core.tidy)

  it("is SipHash-1-3, as CPython 3.11 has it with PYTHONHASHSEED=0", function()
    for text, value in pairs {
      ["abc"] = 0xc03bc3a0042630f2ULL,
      ["0123456789abcdef"] = 0x1d42b30f7e060c24ULL,
      ["player:17"] = 0xdb6bb9905762604dULL,
    } do
      assert.is_true(hash(text, 0) == value, text)
    end
  end)

  it("differs with the seed, the length and every bit of a text of any length", function()
    for length = 0, 40 do
      local text = ("x"):rep(length)
      local whole = hash(text)
      assert.is_true(whole ~= hash(text, 0x5eeeULL))
      assert.is_true(whole ~= hash(text .. "\0"))
      for i = 1, length do
        local changed = text:sub(1, i - 1) .. "y" .. text:sub(i + 1)
        assert.is_true(whole ~= hash(changed))
      end
    end
  end)

  it("spreads what counts up over all bits", function()
    local seen, bits = {}, 0
    for n = 1, 20000 do
      local value = hash("player:" .. n)
      local key = tostring(value)
      assert.is_nil(seen[key])
      seen[key] = true
      bits = bits + tonumber(value % 2)
    end
    assert.is_true(bits > 9500 and bits < 10500)
  end)
end)
