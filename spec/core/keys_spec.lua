local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/keys.h"

local NONE = 4294967295 -- UINT32_MAX

describe("keys", function()
  local pool, keys

  local function add(key, slot) C.moon_keys_add(keys, pool, key, slot) end
  local function find(key) return C.moon_keys_find(keys, key) end
  local function remove(key) C.moon_keys_remove(keys, pool, key) end
  local function taken_bytes() return tonumber(C.moon_pool_taken_bytes(pool)) end

  before_each(function()
    pool = core.keep(C.moon_pool_create(1048576), C.moon_pool_destroy)
    keys = core.keep(ffi.new "struct moon_keys", function(some)
      C.moon_keys_clear(some, pool)
      assert(taken_bytes() == 0, "the index has kept memory")
    end)
  end)

  after_each(core.tidy)

  it("finds nothing and holds nothing at first", function()
    assert.equal(NONE, find(0))
    assert.is_false(C.moon_keys_is_sparse(keys))
    C.moon_keys_clear(keys, pool)
    assert.equal(0, taken_bytes())
  end)

  it("finds the slot of each key, whatever number that is", function()
    local numbers = { 0ULL, 1ULL, 2ULL ^ 32, 2ULL ^ 63, 0xffffffffffffffffULL }
    for i, key in ipairs(numbers) do add(key, i - 1) end
    for i, key in ipairs(numbers) do assert.equal(i - 1, find(key)) end
    assert.equal(NONE, find(2))
    assert.equal(NONE, find(2ULL ^ 33))
    assert.equal(5, keys.count)
  end)

  it("grows before it is more than half full, and loses none by it", function()
    for i = 1, 1000 do
      add(i * 0x9e3779b97f4a7c15ULL, i)
      assert.is_true(keys.capacity >= 2 * i and keys.capacity <= math.max(32, 4 * i))
      assert.equal(keys.capacity * ffi.sizeof "struct moon_keyed", taken_bytes())
    end
    for i = 1, 1000 do assert.equal(i, find(i * 0x9e3779b97f4a7c15ULL)) end
  end)

  --- Each order of the list.
  local function orders(list, visit, from)
    from = from or 1
    if from > #list then return visit(list) end
    for i = from, #list do
      list[from], list[i] = list[i], list[from]
      orders(list, visit, from + 1)
      list[from], list[i] = list[i], list[from]
    end
  end

  it("finds the others when one is removed, in whatever order they came and go", function()
    -- of 32 places these want the last three and the first two
    local crowded = { 29, 31 + 32, 31 + 64, 30 + 32, 0, 1 }
    orders({ 1, 2, 3, 4, 5, 6 }, function(order)
      for turn = 1, 6 do
        for _, i in ipairs(order) do add(crowded[i], i) end
        for gone = 1, 6 do
          remove(crowded[(gone * 5 + turn) % 6 + 1])
          for other = 1, 6 do
            local key = (other * 5 + turn) % 6 + 1
            local expected = other > gone and key or NONE
            if find(crowded[key]) ~= expected then error "one is lost, or has stayed" end
          end
        end
      end
    end)
    assert.equal(0, keys.count)
  end)

  it("agrees with a plain table through thousands of random turns", function()
    local random = core.random(3)
    local model, count, most = {}, 0, 0
    for turn = 1, 50000 do
      local key = random(1, 4) == 1 and random(1, 50) or random(1, 50) * 1024
      if model[key] then
        remove(key)
        model[key], count = nil, count - 1
      else
        add(key, turn)
        model[key], count = turn, count + 1
      end
      most = math.max(most, count)
      local other = random(1, 50) * 1024
      if find(other) ~= (model[other] or NONE) or find(key) ~= (model[key] or NONE) then
        error("they disagree in turn " .. turn)
      end
      if keys.count ~= count then error "it has miscounted" end
    end
    assert.is_true(most > 50)
  end)

  it("gives its memory back with the last key, and with all of them", function()
    add(1, 1)
    add(2, 2)
    remove(1)
    assert.equal(512, taken_bytes())
    remove(2)
    assert.equal(0, taken_bytes())
    add(1, 3)
    C.moon_keys_clear(keys, pool)
    assert.equal(0, taken_bytes())
    assert.equal(NONE, find(1))
  end)

  it("is sparse when a quarter of its memory would do", function()
    for i = 1, 128 do add(i, i) end
    assert.equal(256, keys.capacity)
    for i = 1, 96 do
      assert.is_false(C.moon_keys_is_sparse(keys))
      remove(i)
    end
    assert.is_true(C.moon_keys_is_sparse(keys))
  end)

  it("is never sparse while it is as small as it can be", function()
    for i = 1, 16 do add(i, i) end
    for i = 1, 15 do remove(i) end
    assert.is_false(C.moon_keys_is_sparse(keys))
  end)
end)
