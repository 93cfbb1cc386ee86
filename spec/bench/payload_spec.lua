local bit = require "bit"
local core = require "spec.support.core"
local ffi = require "ffi"
local C = core.load "bench/payload.h"

local SIZES = { C.MOON_PAYLOAD_MIN, 45, 51, 52, 64, 100, 1000 }

describe("payload", function()
  after_each(core.tidy)

  local function write(bytes, sender, sequence, due_ns)
    local heading = ffi.new("struct moon_heading", sender or 1, sequence or 2, due_ns or 3)
    local out = ffi.cast("char *", core.keep(C.moon_alloc(bytes), C.moon_free))
    C.moon_payload_write(out, bytes, heading)
    return ffi.string(out, bytes)
  end

  local function read(text)
    local heading = ffi.new "struct moon_heading"
    return C.moon_payload_read(core.exact(text), #text, heading), heading
  end

  it("says who, the how manieth and since when", function()
    for _, bytes in ipairs(SIZES) do
      for _, numbers in ipairs {
        { 0, 0, 0ULL }, { 1, 2, 3ULL }, { 4294967295, 4294967294, 0xfedcba9876543210ULL },
      } do
        local is_good, heading = read(write(bytes, unpack(numbers)))
        assert.is_true(is_good)
        assert.equal(numbers[1], heading.sender)
        assert.equal(numbers[2], heading.sequence)
        assert.is_true(numbers[3] == heading.due_ns)
      end
    end
  end)

  it("is plain ASCII that JSON takes as it is", function()
    for sequence = 0, 300 do
      assert.is_nil(write(100, 9, sequence, 12345678901234567ULL):find "[^~@-Omg]")
    end
  end)

  it("differs in its filler with each message", function()
    local seen = {}
    for sequence = 0, 1000 do
      local filler = write(64, 5, sequence, 77):sub(37)
      assert.is_nil(seen[filler])
      seen[filler] = true
    end
  end)

  it("shows the damage of any single bit", function()
    for _, bytes in ipairs(SIZES) do
      local text = write(bytes, 70000, 3, 123456789)
      for at = 1, math.min(bytes, 110) do
        for one = 0, 7 do
          local byte = string.char(bit.bxor(text:byte(at), 2 ^ one))
          assert.is_false((read(text:sub(1, at - 1) .. byte .. text:sub(at + 1))), at)
        end
      end
    end
  end)

  it("is not read from less than its least length", function()
    assert.is_false((read(write(44):sub(1, 43))))
    assert.is_false((read "x"))
  end)

  it("is found in a text, wherever it begins", function()
    local function find(text)
      local start = core.exact(text)
      local found = C.moon_payload_find(start, #text)
      return found ~= nil and tonumber(found - start) or nil
    end
    local text = write(44)
    assert.equal(0, find(text))
    assert.equal(9, find('{"data":"' .. text .. '"}'))
    assert.equal(1, find("~~mg~" .. text)) -- the first one counts
    assert.is_nil(find "~mg")
    assert.is_nil(find "")
    assert.is_nil(find "no payload in ~ here ~mg")
  end)
end)
