local core = require "spec.support.core"
local ffi = require "ffi"
local C = core.load "bindings/stacks.h"

local MAX_BYTES = C.MOON_MAX_FOLDED_BYTES

describe("stacks", function()
  local stacks

  before_each(function() stacks = core.keep(C.moon_stacks_create(), C.moon_stacks_destroy) end)
  after_each(core.tidy)

  local function frame(text) return C.moon_stacks_frame(stacks, text, #text) end

  --- `...`: the innermost frame first.
  local function add(root, ticks, ...)
    local numbers = {}
    for i, text in ipairs { ... } do numbers[i] = frame(text) end
    C.moon_stacks_add(stacks, root, ffi.new("uint32_t[?]", #numbers + 1, numbers), #numbers, ticks)
  end

  local function written(capacity)
    local text = ffi.new("char[?]", MAX_BYTES)
    return ffi.string(text, C.moon_stacks_write(stacks, text, capacity or MAX_BYTES))
  end

  local function dropped() return tonumber(C.moon_stacks_dropped(stacks)) end

  it("adds up what is the same, the most ticks first", function()
    add(1, 1, "b", "a")
    add(1, 2, "c", "b", "a")
    add(1, 2, "c", "b", "a")
    add(0, 3)
    add(2, 2, "b", "a")
    assert.equal("1;a;b;c 4\n0 3\n2;a;b 2\n1;a;b 1\n", written())
    assert.equal(0, dropped())
  end)

  it("leaves out frames that are none", function()
    local numbers = ffi.new("uint32_t[3]", { frame "in", 0, frame "out" })
    C.moon_stacks_add(stacks, 1, numbers, 3, 1)
    assert.equal("1;out;in 1\n", written())
  end)

  it("keeps the end of a long name, and nothing that would break the text", function()
    add(1, 1, ("x"):rep(300) .. "end", "a;b c\nd\127")
    local outer, inner = written():match "^1;([^;]*);([^;]*) 1\n$"
    assert.equal("a_b_c_d_", outer)
    assert.equal(C.MOON_FRAME_BYTES - 1, #inner)
    assert.matches("xend$", inner)
  end)

  it("counts what it has no place for", function()
    for n = 1, C.MOON_MAX_FRAMES - 1 do assert.is_true(frame("f" .. n) > 0) end
    assert.equal(0, frame "another")
    assert.equal(frame "f1", frame "f1")
    for root = 1, C.MOON_MAX_NODES - 1 do C.moon_stacks_add(stacks, root, nil, 0, 1) end
    assert.equal(0, dropped())
    add(C.MOON_MAX_NODES, 3)
    assert.equal(3, dropped())
    add(1, 5) -- what has a place counts on
    assert.equal(3, dropped())
    assert.matches("^1 6\n", written())
  end)

  it("drops the rarest where there is no space", function()
    add(1, 9, "often")
    add(1, 2, "rarely")
    assert.equal("1;often 9\n", written(2 * C.MOON_FRAME_BYTES + 30))
    assert.equal(2, dropped())
  end)
end)
