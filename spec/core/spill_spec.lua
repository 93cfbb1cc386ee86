local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/spill.h"

local LIMIT = 1000

describe("spill", function()
  local ring, spill
  local length = ffi.new "uint64_t[1]"

  local function push(record, must)
    local cut = math.floor(#record / 2)
    return C.moon_spill_push(spill, ring, record:sub(1, cut), cut, record:sub(cut + 1),
      #record - cut, must or false)
  end

  local function take()
    local bytes = C.moon_ring_peek(ring, length)
    if bytes == nil then return nil end
    local record = ffi.string(bytes, length[0])
    C.moon_ring_release(ring)
    return record
  end

  --- Two records that leave no room in the ring for another.
  local function fill_ring()
    local half = ("f"):rep(tonumber(C.moon_ring_max_bytes(ring)))
    assert.is_true(push(half))
    assert.is_true(push(half))
    return half
  end

  before_each(function()
    ring = core.keep(C.moon_ring_create(4096), C.moon_ring_destroy)
    spill = ffi.new "struct moon_spill"
    C.moon_spill_init(spill, LIMIT)
    core.keep(spill, C.moon_spill_fini)
  end)

  after_each(core.tidy)

  it("stays empty while the ring has room", function()
    assert.is_true(push "a record")
    assert.is_true(C.moon_spill_is_empty(spill))
    assert.equal("a record", take())
  end)

  it("takes what the ring has no room for, and nothing of it is in the ring yet", function()
    local half = fill_ring()
    assert.is_true(push "spilled")
    assert.is_false(C.moon_spill_is_empty(spill))
    assert.equal(half, take())
    assert.equal(half, take())
    assert.is_nil(take())
    assert.is_true(C.moon_spill_drain(spill, ring))
    assert.equal("spilled", take())
  end)

  it("lets no later record overtake one that waits, even when the ring is empty", function()
    fill_ring()
    push "early"
    take()
    take()
    assert.is_true(push "late")
    assert.is_true(C.moon_ring_is_empty(ring))
    assert.is_true(C.moon_spill_drain(spill, ring))
    assert.equal("early", take())
    assert.equal("late", take())
    assert.is_nil(take())
  end)

  it("refuses what goes beyond its limit, and keeps nothing of it", function()
    local half = fill_ring()
    assert.is_true(push(("a"):rep(600)))
    assert.is_false(push(("b"):rep(600)))
    assert.is_true(push "c")
    take()
    take()
    assert.is_true(C.moon_spill_drain(spill, ring))
    assert.equal(("a"):rep(600), take())
    assert.equal("c", take())
    assert.is_nil(take())
    assert.is_true(push(half)) -- the limit is for what waits, not for what goes through
  end)

  it("takes one record of exactly its limit, and none that is a byte longer", function()
    fill_ring()
    assert.is_false(push(("x"):rep(LIMIT + 1)))
    assert.is_true(C.moon_spill_is_empty(spill))
    assert.is_true(push(("x"):rep(LIMIT)))
    assert.is_false(push "y")
  end)

  it("goes beyond its limit for a record that must not be lost, in its place", function()
    fill_ring()
    assert.is_true(push(("a"):rep(LIMIT)))
    assert.is_true(push("must", true))
    assert.is_false(push "may")
    take()
    take()
    assert.is_true(C.moon_spill_drain(spill, ring))
    assert.equal(("a"):rep(LIMIT), take())
    assert.equal("must", take())
    assert.is_nil(take())
  end)

  it("takes only what must be, with a limit of nothing", function()
    C.moon_spill_init(spill, 0)
    fill_ring()
    assert.is_false(push "may")
    assert.is_true(push("must", true))
    assert.is_false(C.moon_spill_is_empty(spill))
  end)

  it("has the same limit after it has drained, and holds no memory", function()
    fill_ring()
    push(("a"):rep(LIMIT))
    take()
    take()
    assert.is_true(C.moon_spill_drain(spill, ring))
    assert.is_true(C.moon_spill_is_empty(spill))
    assert.is_true(spill.bytes == nil)
    assert.equal(LIMIT, tonumber(spill.max_bytes))
    ring = core.keep(C.moon_ring_create(4096), C.moon_ring_destroy)
    fill_ring()
    assert.is_true(push(("b"):rep(LIMIT)))
    assert.is_false(push "c")
  end)

  it("has nothing to drain when empty, and asks nobody for room", function()
    assert.is_true(C.moon_spill_drain(spill, ring))
    fill_ring()
    assert.is_true(C.moon_spill_drain(spill, ring))
    assert.is_false(C.moon_ring_take_wish(ring))
  end)

  it("asks for room when not everything fits, and not when everything does", function()
    fill_ring()
    push(("a"):rep(400))
    push(("b"):rep(400))
    assert.is_false(C.moon_spill_drain(spill, ring))
    assert.is_true(C.moon_ring_take_wish(ring))
    take()
    assert.is_true(C.moon_spill_drain(spill, ring))
    assert.is_false(C.moon_ring_take_wish(ring))
  end)

  it("drains what fits and keeps the rest in order", function()
    local half = fill_ring()
    local long = ("l"):rep(#half - 200)
    push("1", true)
    push(long, true)
    push("2", true)
    push(long, true)
    push("3", true)
    take()
    assert.is_false(C.moon_spill_drain(spill, ring)) -- "1" and a long one went in
    assert.equal(half, take())
    local order = {}
    repeat
      local is_empty = C.moon_spill_drain(spill, ring)
      local record = take()
      while record ~= nil do
        order[#order + 1] = record == long and "long" or record
        record = take()
      end
    until is_empty
    assert.same({ "1", "long", "2", "long", "3" }, order)
  end)

  it("keeps order and limit through thousands of random turns", function()
    local random = core.random(7)
    local waiting, first, last = {}, 1, 0
    local in_spill, in_spill_records, refused, spilled = 0, 0, 0, 0
    local ring_max = tonumber(C.moon_ring_max_bytes(ring))

    local function drain()
      if C.moon_spill_drain(spill, ring) then
        in_spill, in_spill_records = 0, 0
      else
        assert.is_true(C.moon_ring_take_wish(ring))
        in_spill = nil -- some went over: known again when it is empty
      end
    end

    for turn = 1, 20000 do
      local size = random(1, 10) == 1 and random(0, ring_max) or random(0, 90)
      local record = (turn .. ","):rep(size):sub(1, size)
      local must = random(1, 30) == 1
      local was_empty = C.moon_spill_is_empty(spill)
      if push(record, must) then
        last = last + 1
        waiting[last] = record
        if not C.moon_spill_is_empty(spill) then
          spilled = spilled + 1
          if in_spill ~= nil then
            in_spill, in_spill_records = in_spill + size, in_spill_records + 1
            if not must then assert.is_true(in_spill <= LIMIT) end
          end
        end
      else
        refused = refused + 1
        assert.is_false(must)
        if in_spill ~= nil then -- the limit may count a few bytes beside each record
          assert.is_true(in_spill + size + 8 * (in_spill_records + 1) > LIMIT)
        end
        assert.equal(was_empty, C.moon_spill_is_empty(spill))
      end
      for _ = 1, random(0, 2) do
        local taken = take()
        if taken ~= nil then
          if taken ~= waiting[first] then error("out of order at turn " .. turn) end
          waiting[first] = nil
          first = first + 1
        end
      end
      if random(1, 3) == 1 then drain() end
    end
    while first <= last do
      drain()
      local taken = take()
      while taken ~= nil do
        assert.equal(waiting[first], taken)
        first = first + 1
        taken = take()
      end
    end
    assert.is_true(C.moon_spill_is_empty(spill))
    assert.is_true(refused > 100 and spilled > 100)
  end)
end)
