local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/wheel.h"

local TICK_MS = tonumber(C.MOON_WHEEL_TICK_MS)
local START_MS = 1000000000037 -- no round number of ticks

describe("wheel", function()
  local wheel, deadlines

  local function set(index, due_ms) C.moon_wheel_set(wheel, deadlines + index, due_ms) end
  local function clear(index) C.moon_wheel_clear(deadlines + index) end

  --- The index of one that has passed.
  local function next_one(now_ms)
    local deadline = C.moon_wheel_next(wheel, now_ms)
    if deadline ~= nil then return tonumber(deadline - deadlines) end
  end

  --- The indexes of all that have passed, sorted.
  local function passed(now_ms)
    local indexes = {}
    local index = next_one(now_ms)
    while index ~= nil do
      indexes[#indexes + 1] = index
      index = next_one(now_ms)
    end
    table.sort(indexes)
    return indexes
  end

  --- Looks every millisecond; when the next one is noticed.
  local function noticed_at(from_ms, until_ms)
    for now_ms = from_ms, until_ms do
      if next_one(now_ms) ~= nil then return now_ms end
    end
  end

  local function create(now_ms)
    wheel = core.keep(C.moon_wheel_create(now_ms), C.moon_wheel_destroy)
  end

  before_each(function()
    deadlines = ffi.new("struct moon_deadline[?]", 1000)
    create(START_MS)
  end)

  after_each(function()
    core.tidy()
    deadlines = nil
  end)

  it("has nothing to tell at first, however late it gets", function()
    assert.same({}, passed(START_MS))
    assert.same({}, passed(START_MS + 1000000))
  end)

  it("is never early and at most one tick late, for every millisecond of many ticks", function()
    local now_ms = START_MS
    for delay_ms = 0, 10 * TICK_MS do
      set(0, now_ms + delay_ms)
      local at = noticed_at(now_ms, now_ms + delay_ms + 2 * TICK_MS)
      assert.is_not_nil(at)
      assert.is_true(at >= now_ms + delay_ms)
      assert.is_true(at <= now_ms + delay_ms + TICK_MS)
      now_ms = at
    end
  end)

  it("tells of a deadline that had passed when it was set, within a tick", function()
    local now_ms = START_MS + 5000
    assert.same({}, passed(now_ms))
    for _, due_ms in ipairs { now_ms, now_ms - 1, START_MS, 1, 0 } do
      set(0, due_ms)
      local at = noticed_at(now_ms, now_ms + 2 * TICK_MS)
      assert.is_true(at ~= nil and at <= now_ms + TICK_MS)
      now_ms = at
    end
  end)

  it("tells of each deadline once, and of its owner", function()
    deadlines[3].owner = 0x1234567890123ULL
    set(3, START_MS + 10)
    local deadline = C.moon_wheel_next(wheel, START_MS + 10 + TICK_MS)
    assert.is_true(deadline.owner == 0x1234567890123ULL)
    assert.is_true(deadline.due_ms == START_MS + 10)
    assert.is_true(deadline.next == nil)
    assert.same({}, passed(START_MS + 1000000))
  end)

  it("tells of all that have passed at one look after a long pause", function()
    local expected = {}
    for i = 0, 999 do
      set(i, START_MS + i * 100)
      if i < 700 then expected[#expected + 1] = i end
    end
    assert.same(expected, passed(START_MS + 699 * 100 + TICK_MS))
  end)

  it("keeps deadlines of one tick, and of one moment, apart", function()
    for i = 0, 9 do set(i, START_MS + 1000) end
    clear(4)
    assert.same({ 0, 1, 2, 3, 5, 6, 7, 8, 9 }, passed(START_MS + 1000 + TICK_MS))
  end)

  it("waits whole turns for a far deadline", function()
    for _, delay_ms in ipairs { 32767, 32768, 32769, 40000, 65536, 100000, 1000000 } do
      create(START_MS)
      set(0, START_MS + delay_ms)
      local seen = {}
      for now_ms = START_MS, START_MS + delay_ms - 1, 61 do
        if next_one(now_ms) ~= nil then seen[#seen + 1] = now_ms end
      end
      assert.same({}, seen)
      assert.is_nil(next_one(START_MS + delay_ms - 1))
      assert.same({ 0 }, passed(START_MS + delay_ms + TICK_MS))
    end
  end)

  it("tells apart deadlines of the same slot in different turns", function()
    local turn_ms = 512 * TICK_MS
    for i = 0, 4 do set(i, START_MS + 100 + i * turn_ms) end
    for i = 0, 4 do
      assert.same({}, passed(START_MS + 99 + i * turn_ms))
      assert.same({ i }, passed(START_MS + 100 + TICK_MS + i * turn_ms))
    end
  end)

  it("moves a deadline that is set again, to later and to earlier", function()
    set(0, START_MS + 1000)
    set(0, START_MS + 3000)
    assert.same({}, passed(START_MS + 2000))
    assert.same({ 0 }, passed(START_MS + 3000 + TICK_MS))
    set(1, START_MS + 90000)
    set(1, START_MS + 4000)
    assert.same({ 1 }, passed(START_MS + 4000 + TICK_MS))
    assert.same({}, passed(START_MS + 200000))
  end)

  it("forgets a deadline that is cleared", function()
    set(0, START_MS + 1000)
    set(1, START_MS + 1000)
    clear(0)
    assert.is_true(deadlines[0].next == nil and deadlines[0].previous == nil)
    assert.same({ 1 }, passed(START_MS + 100000))
  end)

  it("does not mind clearing what is not set", function()
    clear(0)
    set(1, START_MS + 10)
    clear(1)
    clear(1)
    passed(START_MS + 1000)
    clear(1)
    set(1, START_MS + 2000)
    assert.same({ 1 }, passed(START_MS + 2000 + TICK_MS))
  end)

  it("takes deadlines between two looks at the same moment", function()
    for i = 0, 9 do set(i, START_MS + i) end
    local now_ms = START_MS + 10 + TICK_MS
    local first = next_one(now_ms)
    set(first, now_ms + 1000) -- set again, as a heartbeat is
    local other = first == 5 and 6 or 5
    clear(other) -- waits in the slot that is being looked through
    local rest = passed(now_ms)
    assert.equal(8, #rest)
    for _, index in ipairs(rest) do assert.is_true(index ~= first and index ~= other) end
    assert.same({ first }, passed(now_ms + 1000 + TICK_MS))
  end)

  it("may be destroyed with deadlines set, and when there is none", function()
    set(0, START_MS + 1)
    set(1, START_MS + 100000)
    C.moon_wheel_destroy(nil)
    assert.is_false(deadlines[1].next == nil)
  end)

  it("starts at any time, at nought and beyond 32 bits", function()
    for _, start_ms in ipairs { 0, 1, TICK_MS - 1, TICK_MS, 2 ^ 32 - 1, 2 ^ 32, 2 ^ 50 + 17 } do
      create(start_ms)
      set(0, start_ms + 500)
      assert.same({}, passed(start_ms + 499))
      assert.same({ 0 }, passed(start_ms + 500 + TICK_MS))
    end
  end)

  it("agrees with a plain list through thousands of random turns", function()
    local random = core.random(29)
    local now_ms, told = START_MS, 0
    local due, patience = {}, {} -- index -> its time; the last moment it may be noticed

    local function set_random()
      local index = random(0, 999)
      local far = random(1, 20) == 1 and 300000 or random(1, 5) == 1 and 40000 or 3000
      due[index] = now_ms + random(-200, far)
      patience[index] = math.max(due[index], now_ms) + TICK_MS
      set(index, due[index])
    end

    local function look()
      for _, index in ipairs(passed(now_ms)) do
        if due[index] == nil or due[index] > now_ms then error "told of one not due" end
        due[index] = nil
        told = told + 1
      end
      for index in pairs(due) do
        if patience[index] <= now_ms then error(index .. " is late") end
      end
    end

    for _ = 1, 4000 do
      for _ = 1, random(0, 12) do set_random() end
      for _ = 1, random(0, 3) do
        local index = random(0, 999)
        clear(index)
        due[index] = nil
      end
      now_ms = now_ms + (random(1, 50) == 1 and random(0, 40000) or random(0, 130))
      look()
    end
    assert.is_true(told > 10000)
    now_ms = now_ms + 300000 + TICK_MS
    look()
    assert.is_nil(next(due))
  end)
end)
