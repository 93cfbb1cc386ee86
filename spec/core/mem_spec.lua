local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/mem.h"

describe("memory", function()
  it("is zeroed when new, also where something else has been", function()
    for _ = 1, 50 do
      local memory = ffi.cast("unsigned char *", C.moon_alloc(300))
      local sum = 0
      for i = 0, 299 do sum = sum + memory[i] end
      ffi.fill(memory, 300, 0xFF)
      C.moon_free(memory)
      assert.equal(0, sum)
    end
  end)

  it("is there even for nothing", function()
    local memory = C.moon_alloc(0)
    assert.is_true(memory ~= nil)
    C.moon_free(memory)
    C.moon_free(nil)
  end)

  it("keeps its content when it grows and when it shrinks", function()
    local memory = ffi.cast("char *", C.moon_realloc(nil, 10))
    ffi.copy(memory, "0123456789", 10)
    memory = ffi.cast("char *", C.moon_realloc(memory, 100000))
    assert.equal("0123456789", ffi.string(memory, 10))
    memory = ffi.cast("char *", C.moon_realloc(memory, 4))
    assert.equal("0123", ffi.string(memory, 4))
    C.moon_free(memory)
  end)
end)

describe("pool", function()
  local pool
  local capacity = ffi.new "uint32_t[1]"

  local function create(keep_bytes)
    return core.keep(C.moon_pool_create(keep_bytes), C.moon_pool_destroy)
  end

  --- A buffer and its capacity; all of it is written to.
  local function take(bytes)
    local buffer = C.moon_pool_take(pool, bytes, capacity)
    ffi.fill(buffer, capacity[0], 0xAA)
    return buffer, capacity[0]
  end

  before_each(function() pool = create(1048576) end)
  after_each(core.tidy)

  it("gives buffers in powers of two from 512 bytes up", function()
    for bytes, expected in pairs {
      [0] = 512, [1] = 512, [511] = 512, [512] = 512, [513] = 1024, [1024] = 1024, [1025] = 2048,
      [65536] = 65536, [65537] = 131072, [1048577] = 2097152,
    } do
      local buffer, size = take(bytes)
      C.moon_pool_give(pool, buffer, size)
      assert.equal(expected, size)
    end
  end)

  it("gives a returned buffer to the next who wants that size, not to others", function()
    local buffer, size = take(600)
    C.moon_pool_give(pool, buffer, size)
    assert.is_true(core.is_in_pool(pool, buffer, 1024))
    local small = take(512)
    local large, large_size = take(1025)
    local same = take(1000)
    assert.is_true(same == buffer)
    assert.is_true(small ~= buffer)
    assert.is_true(large ~= buffer)
    C.moon_pool_give(pool, small, 512)
    C.moon_pool_give(pool, same, 1024)
    C.moon_pool_give(pool, large, large_size)
  end)

  it("gives no buffer to two takers", function()
    local taken, seen = {}, {}
    for _ = 1, 3 do
      for i = 1, 100 do
        local buffer = take(512)
        local address = tostring(buffer)
        assert.is_nil(seen[address])
        seen[address] = true
        taken[i] = buffer
      end
      for i = 1, 100 do C.moon_pool_give(pool, taken[i], 512) end
      seen = {}
    end
  end)

  it("keeps no more than it was told to", function()
    pool = create(1024)
    local first, second, third = take(512), take(512), take(512)
    C.moon_pool_give(pool, first, 512)
    C.moon_pool_give(pool, second, 512)
    C.moon_pool_give(pool, third, 512) -- one too many: freed
    local kept_last, kept_first = take(512), take(512)
    assert.is_true(kept_last == second)
    assert.is_true(kept_first == first)
    C.moon_pool_give(pool, kept_first, 512) -- taking has made room to keep again
    assert.is_true(core.is_in_pool(pool, first, 512))
    C.moon_pool_give(pool, kept_last, 512)
    assert.is_true(core.is_in_pool(pool, second, 512))
  end)

  it("takes back nothing, if that is all there is", function()
    C.moon_pool_give(pool, nil, 0)
    local buffer, size = take(1)
    assert.equal(512, size)
    C.moon_pool_give(pool, buffer, size)
    C.moon_pool_destroy(nil)
  end)

  it("knows how much is out, in whole buffers", function()
    local function taken() return tonumber(C.moon_pool_taken_bytes(pool)) end
    assert.equal(0, taken())
    local small = take(1)
    local large, large_size = take(1500)
    assert.equal(512 + 2048, taken())
    capacity[0] = large_size
    large = C.moon_pool_grow(pool, large, 1500, 5000, capacity)
    assert.equal(512 + 8192, taken())
    C.moon_pool_give(pool, nil, 0)
    C.moon_pool_give(pool, small, 512)
    assert.equal(8192, taken())
    C.moon_pool_give(pool, large, 8192)
    assert.equal(0, taken())
  end)

  it("does not count what it keeps, nor what it lets go", function()
    pool = create(512)
    local first, second = take(512), take(512)
    assert.equal(1024, tonumber(C.moon_pool_taken_bytes(pool)))
    C.moon_pool_give(pool, first, 512)
    C.moon_pool_give(pool, second, 512)
    assert.equal(0, tonumber(C.moon_pool_taken_bytes(pool)))
    local again = take(512)
    assert.equal(512, tonumber(C.moon_pool_taken_bytes(pool)))
    C.moon_pool_give(pool, again, 512)
  end)

  describe("growing a buffer", function()
    it("begins with nothing", function()
      capacity[0] = 0
      local buffer = C.moon_pool_grow(pool, nil, 0, 700, capacity)
      assert.is_true(buffer ~= nil)
      assert.equal(1024, capacity[0])
      C.moon_pool_give(pool, buffer, capacity[0])
    end)

    it("leaves it where it is while it suffices", function()
      local buffer = take(600)
      assert.is_true(C.moon_pool_grow(pool, buffer, 600, 1024, capacity) == buffer)
      assert.equal(1024, capacity[0])
      C.moon_pool_give(pool, buffer, 1024)
    end)

    it("keeps what is used, and gives the old one back", function()
      local buffer = take(512)
      local text = ("0123456789"):rep(50)
      ffi.copy(buffer, text, #text)
      local grown = C.moon_pool_grow(pool, buffer, #text, 513, capacity)
      assert.equal(1024, capacity[0])
      assert.is_true(grown ~= buffer)
      assert.equal(text, ffi.string(grown, #text))
      assert.is_true(core.is_in_pool(pool, buffer, 512))
      C.moon_pool_give(pool, grown, 1024)
    end)
  end)
end)
