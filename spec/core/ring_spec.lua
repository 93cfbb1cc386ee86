local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/ring.h"

local SMALLEST = 4096

describe("ring", function()
  local ring
  local length = ffi.new "uint64_t[1]"

  local function create(capacity_bytes)
    return core.keep(C.moon_ring_create(capacity_bytes), C.moon_ring_destroy)
  end

  local function push(head, body)
    body = body or ""
    return C.moon_ring_push(ring, head, #head, body, #body)
  end

  local function peek()
    local bytes = C.moon_ring_peek(ring, length)
    if bytes ~= nil then return ffi.string(bytes, length[0]) end
  end

  local function take()
    local record = peek()
    if record ~= nil then C.moon_ring_release(ring) end
    return record
  end

  local function used_bytes() return tonumber(C.moon_ring_used_bytes(ring)) end

  before_each(function() ring = create(SMALLEST) end)
  after_each(core.tidy)

  it("rounds its capacity up to a power of two, at least 4096 bytes", function()
    local function max_bytes(capacity) return tonumber(C.moon_ring_max_bytes(create(capacity))) end
    assert.equal(max_bytes(4096), max_bytes(0))
    assert.equal(max_bytes(4096), max_bytes(4095))
    assert.equal(max_bytes(8192), max_bytes(4097))
    assert.equal(max_bytes(1048576), max_bytes(1000000))
    assert.is_true(max_bytes(4096) < max_bytes(8192))
    assert.is_true(max_bytes(4096) >= 2040)
  end)

  it("says that capacity, and how much of it is in use", function()
    assert.equal(SMALLEST, tonumber(C.moon_ring_capacity_bytes(create(0))))
    assert.equal(8192, tonumber(C.moon_ring_capacity_bytes(create(4097))))
    assert.equal(1048576, tonumber(C.moon_ring_capacity_bytes(create(1048576))))
    local half = ("x"):rep(tonumber(C.moon_ring_max_bytes(ring)))
    assert.equal(0, used_bytes())
    push(half)
    assert.equal(SMALLEST / 2, used_bytes())
    push(half)
    assert.equal(SMALLEST, used_bytes())
    assert.is_false(push "")
    assert.equal(SMALLEST, used_bytes())
    take()
    assert.equal(SMALLEST / 2, used_bytes())
    take()
    assert.equal(0, used_bytes())
  end)

  it("uses a little for each record beside its bytes, until it is released", function()
    for size = 0, 64 do
      local record = ("r"):rep(size)
      push(record:sub(1, 3), record:sub(4))
      local used = used_bytes()
      assert.is_true(used > size and used <= size + 16)
      peek()
      assert.equal(used, used_bytes())
      take()
      assert.equal(0, used_bytes())
    end
  end)

  it("counts what stays empty at its end as used, until the record behind is released", function()
    local longest = ("x"):rep(tonumber(C.moon_ring_max_bytes(ring)))
    push ""
    push(longest)
    take()
    take()
    push(longest) -- does not fit behind those, so it stands at the beginning
    assert.equal(SMALLEST - 8, used_bytes())
    take()
    assert.equal(0, used_bytes())
  end)

  it("is half full with more than half of it in use", function()
    push(("x"):rep(tonumber(C.moon_ring_max_bytes(ring))))
    assert.is_false(C.moon_ring_is_half_full(ring))
    push ""
    assert.is_true(C.moon_ring_is_half_full(ring))
    take()
    assert.is_false(C.moon_ring_is_half_full(ring))
  end)

  it("holds nothing at first", function()
    assert.is_true(C.moon_ring_is_empty(ring))
    assert.is_nil(peek())
  end)

  it("gives a record back whole, head and body in one piece", function()
    assert.is_true(push("head,", "body"))
    assert.is_false(C.moon_ring_is_empty(ring))
    assert.equal("head,body", take())
    assert.is_true(C.moon_ring_is_empty(ring))
    assert.is_nil(peek())
  end)

  it("tells an empty record from none", function()
    assert.is_true(push "")
    assert.is_false(C.moon_ring_is_empty(ring))
    assert.equal("", take())
    assert.is_nil(peek())
  end)

  it("shows the same record until it is released", function()
    push "first"
    push "second"
    assert.equal("first", peek())
    assert.equal("first", peek())
    C.moon_ring_release(ring)
    assert.equal("second", peek())
    assert.is_false(C.moon_ring_is_empty(ring))
  end)

  it("does not give room back for a record that is only looked at", function()
    local half = ("x"):rep(tonumber(C.moon_ring_max_bytes(ring)))
    push(half)
    push(half)
    peek()
    assert.is_false(push "")
    C.moon_ring_release(ring)
    assert.is_true(push "")
  end)

  it("loses nothing when a release has no record in hand", function()
    push "first"
    push "second"
    take()
    C.moon_ring_release(ring)
    assert.equal("second", take())
  end)

  it("keeps the records that are passed, until all are released", function()
    local half = ("x"):rep(tonumber(C.moon_ring_max_bytes(ring)))
    push(half)
    push "second"
    assert.equal(half, peek())
    C.moon_ring_pass(ring)
    assert.equal("second", peek())
    C.moon_ring_pass(ring)
    assert.is_nil(peek())
    assert.is_true(C.moon_ring_is_empty(ring))
    assert.is_false(push(half))
    C.moon_ring_release(ring)
    assert.equal(0, used_bytes())
    assert.is_true(push(half))
  end)

  it("has all its room again whenever the taker has caught up", function()
    ring = create(1048576)
    local longest = ("x"):rep(tonumber(C.moon_ring_max_bytes(ring)))
    for _ = 1, 3000 do
      assert.is_true(push(("r"):rep(100)))
      take()
      assert.equal(0, used_bytes())
    end
    assert.is_true(push(longest))
    assert.is_false(C.moon_ring_is_half_full(ring))
    assert.equal(longest, take())
  end)

  it("refuses a record when full, and takes it once there is room", function()
    local taken, record = 0, ("r"):rep(100)
    while push(record) do taken = taken + 1 end
    assert.is_true(taken * 100 > SMALLEST / 2)
    assert.is_false(push(record))
    assert.equal(record, take())
    assert.is_true(push "one more")
    for _ = 2, taken do assert.equal(record, take()) end
    assert.equal("one more", take())
    assert.is_nil(take())
  end)

  it("is not changed by a record it refuses", function()
    local max = tonumber(C.moon_ring_max_bytes(ring))
    push "oldest"
    push(("a"):rep(max - 8))
    assert.is_false(push(("b"):rep(max)))
    assert.is_true(push "youngest")
    assert.equal("oldest", take())
    assert.equal(("a"):rep(max - 8), take())
    assert.equal("youngest", take())
    assert.is_nil(take())
  end)

  it("uses its memory to the last byte, and begins again at the first", function()
    local max = tonumber(C.moon_ring_max_bytes(ring))
    local first, second = ("1"):rep(max), ("2"):rep(max)
    for _ = 1, 3 do
      assert.is_true(push(first))
      assert.is_true(push(second))
      assert.is_false(push "")
      assert.equal(first, take())
      assert.is_true(push(first))
      assert.is_false(push "")
      assert.equal(second, take())
      assert.equal(first, take())
      assert.is_true(push(second))
      assert.equal(second, take())
    end
  end)

  it("has room for the longest record wherever it stands, if it is empty", function()
    local longest = ("m"):rep(tonumber(C.moon_ring_max_bytes(ring)))
    for steps = 0, SMALLEST / 8 - 1 do
      ring = C.moon_ring_create(SMALLEST)
      for _ = 1, steps do -- an empty record moves it on by the least
        push ""
        take()
      end
      local fits, back = push(longest), take()
      C.moon_ring_destroy(ring)
      assert.is_true(fits, "after " .. steps .. " steps")
      assert.equal(longest, back)
    end
  end)

  for _, capacity in ipairs { 4096, 65536 } do
    it("keeps order and content over many wraps of " .. capacity .. " bytes", function()
      ring = create(capacity)
      local max = tonumber(C.moon_ring_max_bytes(ring))
      local random = core.random(capacity)
      local pushed, taken, bytes, refused = 0, 0, 0, 0
      local waiting = {}
      while bytes < 100 * capacity do
        for _ = 1, random(1, 12) do
          local longest = random(1, 20) == 1 and max or random(1, 4) == 1 and max / 8 or 40
          local size = random(0, longest - longest % 1)
          local record = (string.char(pushed % 251) .. pushed):rep(size):sub(1, size)
          local cut = random(0, size)
          if not push(record:sub(1, cut), record:sub(cut + 1)) then
            refused = refused + 1
            break
          end
          pushed = pushed + 1
          waiting[pushed] = record
          bytes = bytes + size
          assert(used_bytes() > size and used_bytes() <= capacity)
        end
        for _ = 1, random(0, 12) do
          if taken == pushed then break end
          taken = taken + 1
          if take() ~= waiting[taken] then error("record " .. taken .. " has changed") end
          waiting[taken] = nil
        end
      end
      while taken < pushed do
        taken = taken + 1
        assert.equal(waiting[taken], take())
      end
      assert.is_true(C.moon_ring_is_empty(ring))
      assert.equal(0, used_bytes())
      assert.is_true(refused > 10) -- it has been full, too
    end)
  end

  it("may be destroyed with records inside, and when there is none", function()
    push "left behind"
    C.moon_ring_destroy(nil)
    assert.equal("left behind", peek())
  end)

  describe("wish for room", function()
    it("is not there before the pusher has asked", function()
      assert.is_false(C.moon_ring_take_wish(ring))
    end)

    it("is taken once", function()
      C.moon_ring_want_room(ring)
      assert.is_true(C.moon_ring_take_wish(ring))
      assert.is_false(C.moon_ring_take_wish(ring))
    end)

    it("is one wish, however often it was made, and may be made again", function()
      C.moon_ring_want_room(ring)
      C.moon_ring_want_room(ring)
      assert.is_true(C.moon_ring_take_wish(ring))
      assert.is_false(C.moon_ring_take_wish(ring))
      C.moon_ring_want_room(ring)
      assert.is_true(C.moon_ring_take_wish(ring))
    end)
  end)
end)
