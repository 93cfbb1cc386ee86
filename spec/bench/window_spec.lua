local core = require "spec.support.core"
local ffi = require "ffi"
local C = core.load "bench/window.h"

describe("window", function()
  local window, heard -- luacheck: no unused (keeps the memory)

  local function make(size, members)
    window, heard = ffi.new "struct moon_window", ffi.new("uint32_t[?]", size, 99)
    C.moon_window_init(window, heard, size, members)
  end

  local function has_room() return C.moon_window_has_room(window) end

  local function send(count)
    for _ = 1, count do
      assert.is_true(has_room())
      C.moon_window_sent(window)
    end
  end

  it("has room for as many messages as may be under way", function()
    make(3, 2)
    send(3)
    assert.is_false(has_room())
  end)

  it("has room again when the last member has got the oldest message", function()
    make(2, 3)
    send(2)
    assert.is_false(C.moon_window_heard(window, 0, 1))
    assert.is_false(C.moon_window_heard(window, 0, 1))
    assert.is_false(C.moon_window_heard(window, 1, 1))
    assert.is_false(has_room())
    assert.is_true(C.moon_window_heard(window, 0, 1))
    send(1)
    assert.is_false(has_room())
  end)

  it("does not go on for a later message that was faster", function()
    make(2, 1)
    send(2)
    assert.is_false(C.moon_window_heard(window, 1, 1))
    assert.is_false(has_room())
    assert.is_true(C.moon_window_heard(window, 0, 1))
    send(2)
  end)

  it("counts what a member has skipped as got", function()
    make(4, 1)
    send(4)
    assert.is_true(C.moon_window_heard(window, 0, 4))
    send(4)
  end)

  it("does not wait for a member that has gone", function()
    make(2, 2)
    send(2)
    assert.is_false(C.moon_window_heard(window, 0, 2)) -- one of them has got both
    assert.is_true(C.moon_window_left(window, 0)) -- the other has got none
    send(2)
    assert.is_true(C.moon_window_heard(window, 2, 1))
    assert.is_true(C.moon_window_heard(window, 3, 1))
    send(2)
  end)

  it("goes round and round", function()
    make(3, 2)
    for sequence = 0, 999 do
      send(1)
      assert.is_false(C.moon_window_heard(window, sequence, 1))
      assert.is_true(C.moon_window_heard(window, sequence, 1))
    end
  end)
end)
