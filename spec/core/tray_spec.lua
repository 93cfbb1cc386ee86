local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/tray.h"

describe("a tray", function()
  local tray, ann, bob

  before_each(function()
    tray = core.keep(ffi.new "struct moon_tray", C.moon_tray_fini)
    ann, bob = ffi.new "struct moon_slip", ffi.new "struct moon_slip"
  end)
  after_each(core.tidy)

  local function put(slip, text, class)
    C.moon_tray_put(tray, slip,
      ffi.new("struct moon_letter", core.exact(text), #text, class or C.MOON_RELIABLE))
  end

  local function list(slip)
    local texts, item = {}, C.moon_tray_first(tray, slip)
    while item ~= nil do
      texts[#texts + 1] = ffi.string(item.frame, item.bytes)
      item = C.moon_tray_next(tray, item)
    end
    return texts
  end

  --- What would be written in one go.
  local function run(slip, max_bytes)
    local frames = ffi.new "uint32_t[1]"
    local bytes = C.moon_tray_measure(tray, slip, max_bytes, frames)
    local out = core.exact(("?"):rep(bytes))
    C.moon_tray_copy(tray, slip, out, bytes)
    return ffi.string(out, bytes), frames[0]
  end

  it("keeps a list for each, in order", function()
    assert.same({}, list(ann))
    put(ann, "one")
    put(bob, "1")
    put(ann, "two", C.MOON_CONTROL)
    put(bob, "2")
    assert.same({ "one", "two" }, list(ann))
    assert.same({ "1", "2" }, list(bob))
    assert.equal(tonumber(C.MOON_CONTROL), C.moon_tray_next(tray,
      C.moon_tray_first(tray, ann)).class)
  end)

  it("gives the first ones in one piece, as many as fit but at least one", function()
    for _, text in ipairs { "one", "three", "five" } do put(ann, text) end
    assert.same({ "onethreefive", 3 }, { run(ann, 12) })
    assert.same({ "onethree", 2 }, { run(ann, 11) })
    assert.same({ "one", 1 }, { run(ann, 7) })
    assert.same({ "one", 1 }, { run(ann, 0) })
  end)

  it("begins a list again when the last one was taken", function()
    put(ann, "one")
    put(ann, "two")
    C.moon_tray_take(tray, ann)
    assert.same({ "two" }, list(ann))
    C.moon_tray_take(tray, ann)
    assert.same({}, list(ann))
    put(ann, "three")
    assert.same({ "three" }, list(ann))
  end)

  it("grows, and is used again from its beginning once it is cleared", function()
    for _ = 1, 2 do
      for n = 1, 1000 do put(n % 2 == 0 and ann or bob, tostring(n)) end
      assert.equal(500, #list(ann))
      assert.equal("999", list(bob)[500])
      for _ = 1, 500 do
        C.moon_tray_take(tray, ann)
        C.moon_tray_take(tray, bob)
      end
      C.moon_tray_clear(tray)
      assert.equal(1024, tray.capacity)
    end
  end)
end)
