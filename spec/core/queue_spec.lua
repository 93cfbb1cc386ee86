local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/queue.h"

describe("queue", function()
  local pool, queue
  local length = ffi.new "uint32_t[1]"

  local function letter(text, class, key)
    return ffi.new("struct moon_letter", core.exact(text), #text, class or C.MOON_RELIABLE,
      key or 0)
  end

  local function push(text, class, key, now_ms)
    C.moon_queue_push(queue, pool, letter(text, class, key), now_ms or 0)
  end

  local function latest(text, key, now_ms) push(text, C.MOON_LATEST, key, now_ms) end

  local function replace(text, key, now_ms)
    C.moon_queue_replace(queue[0], pool, C.moon_queue_find(queue[0], key),
      letter(text, C.MOON_LATEST, key), now_ms or 0)
  end

  local function remove(message) C.moon_queue_remove(queue, pool, message) end
  local function oldest(class) return C.moon_queue_oldest(queue[0], class) end
  local function taken_bytes() return tonumber(C.moon_pool_taken_bytes(pool)) end

  --- The first frames, and whether they lie in one piece.
  local function run(max_bytes)
    local frames = C.moon_queue_run(queue[0], max_bytes or 4294967295, length)
    if frames ~= nil then return ffi.string(frames, length[0]), true end
    local copy = core.exact(("?"):rep(length[0]))
    C.moon_queue_copy(queue[0], copy, length[0])
    return ffi.string(copy, length[0]), false
  end

  --- Messages of each class and their bytes.
  local function tally()
    local out = {}
    for class = 0, C.MOON_CLASSES - 1 do
      local sums = C.moon_queue_tally(queue[0])
      out[class + 1] = { sums.messages[class], sums.bytes[class] }
    end
    return out
  end

  before_each(function()
    pool = core.keep(C.moon_pool_create(1048576), C.moon_pool_destroy)
    queue = ffi.new "struct moon_queue *[1]"
    core.keep(queue, function(some)
      C.moon_queue_clear(some, pool)
      assert(taken_bytes() == 0, "the queue has kept memory")
    end)
  end)

  after_each(core.tidy)

  it("has nothing and holds nothing at first", function()
    assert.is_true(C.moon_queue_first(queue[0]) == nil)
    assert.is_true(oldest(C.MOON_RELIABLE) == nil)
    assert.is_true(C.moon_queue_find(queue[0], 0) == nil)
    C.moon_queue_trim(queue, pool)
    C.moon_queue_clear(queue, pool)
    assert.equal(0, taken_bytes())
  end)

  it("keeps messages in the order they came, in one piece", function()
    push("one,", C.MOON_RELIABLE, 0, 11)
    push("two,", C.MOON_VOLATILE, 0, 12)
    push("three", C.MOON_LATEST, 99, 13)
    local text, is_one_piece = run()
    assert.equal("one,two,three", text)
    assert.is_true(is_one_piece)
    assert.same({ { 1, 4 }, { 1, 5 }, { 1, 4 }, { 0, 0 } }, tally())
    local first = C.moon_queue_first(queue[0])
    assert.same({ 4, C.MOON_RELIABLE, 11 }, { first.bytes, first.class, tonumber(first.came_ms) })
  end)

  it("shows as many whole messages as fit, and at least one", function()
    for _, text in ipairs { "aaaa", "bbb", "cc" } do push(text) end
    for max_bytes, expected in pairs {
      [0] = "aaaa", [6] = "aaaa", [7] = "aaaabbb", [8] = "aaaabbb", [9] = "aaaabbbcc",
    } do
      assert.equal(expected, (run(max_bytes)))
    end
  end)

  it("loses one in the middle without moving the others", function()
    push "one,"
    push("gone,", C.MOON_VOLATILE)
    push "two"
    remove(oldest(C.MOON_VOLATILE))
    assert.equal("one,two", (run()))
    assert.is_true(oldest(C.MOON_VOLATILE) == nil)
    assert.same({ { 2, 7 }, { 0, 0 }, { 0, 0 }, { 0, 0 } }, tally())
    remove(C.moon_queue_first(queue[0]))
    assert.equal("two", (run()))
  end)

  it("gathers only across a gap", function()
    push "one,"
    push("gone,", C.MOON_VOLATILE)
    push "two"
    remove(oldest(C.MOON_VOLATILE))
    assert.is_true(select(2, run(4)))
    assert.is_false(select(2, run()))
  end)

  it("gives its memory back with the last message, whichever way that goes", function()
    push "one"
    push "two"
    remove(C.moon_queue_first(queue[0]))
    assert.is_true(taken_bytes() > 0)
    remove(C.moon_queue_first(queue[0]))
    assert.is_true(queue[0] == nil)
    assert.equal(0, taken_bytes())
    push "three"
    C.moon_queue_clear(queue, pool)
    assert.is_true(queue[0] == nil)
    assert.equal(0, taken_bytes())
  end)

  it("finds the latest by its key, and nothing of another class", function()
    push("not this", C.MOON_RELIABLE, 5)
    assert.is_true(C.moon_queue_find(queue[0], 5) == nil)
    latest("this", 5)
    latest("that", 2 ^ 52 + 5)
    assert.equal(4, C.moon_queue_find(queue[0], 5).bytes)
    assert.is_true(C.moon_queue_find(queue[0], 5) ~= C.moon_queue_find(queue[0], 2 ^ 52 + 5))
    assert.is_true(C.moon_queue_find(queue[0], 6) == nil)
    remove(C.moon_queue_find(queue[0], 5))
    assert.is_true(C.moon_queue_find(queue[0], 5) == nil)
  end)

  for what, text in pairs {
    ["as long"] = "NEW", shorter = "N", longer = "NEWER", ["much longer"] = ("N"):rep(700),
  } do
    it("puts a newer one that is " .. what .. " in the old one's place", function()
      push "before,"
      latest("old", 1)
      push ",after"
      replace(text, 1)
      local shown, is_one_piece = run()
      assert.equal("before," .. text .. ",after", shown)
      assert.same({ { 2, 13 }, { 1, #text }, { 0, 0 }, { 0, 0 } }, tally())
      assert.equal(#text == 3, is_one_piece)
    end)
  end

  it("knows the oldest of each class, by when the replacement came", function()
    latest("a", 1, 10)
    latest("b", 2, 20)
    push("v", C.MOON_VOLATILE, 0, 25)
    replace("A", 1, 30)
    assert.equal(20, tonumber(oldest(C.MOON_LATEST).came_ms))
    replace("B", 2, 40)
    assert.equal(30, tonumber(oldest(C.MOON_LATEST).came_ms))
    assert.equal(25, tonumber(oldest(C.MOON_VOLATILE).came_ms))
    assert.equal("ABv", (run()))
  end)

  describe("with many latest ones", function()
    local KEYS = 1000
    local random, number, text_of -- key -> what waits

    --- Keys as moon_key() makes them, but for every tenth, whose low bits are all the same.
    local function key(i)
      return i % 10 == 0 and 2ULL ^ 40 * i or i * 0x9e3779b97f4a7c15ULL
    end

    local function set(i)
      number = number + 1
      local text = ("%d:%d,"):format(i, number)
      if text_of[i] then replace(text, key(i)) else latest(text, key(i)) end
      text_of[i] = text
    end

    local function unset(i)
      remove(C.moon_queue_find(queue[0], key(i)))
      text_of[i] = nil
    end

    --- Finds each key that waits, and its frame, and no other.
    local function check()
      local waiting = {}
      for i, text in run():gmatch "((%d+):%d+,)" do waiting[tonumber(text)] = i end
      assert.same(text_of, waiting)
      for i = 1, KEYS do
        local found = C.moon_queue_find(queue[0], key(i))
        assert.equal(text_of[i] == nil, found == nil)
        if found ~= nil then
          assert.is_true(found.key == key(i))
          assert.equal(#text_of[i], found.bytes)
        end
      end
    end

    local function fill(keys)
      for i = 1, keys do set(i) end
    end

    before_each(function()
      random, number, text_of = core.random(7), 0, {}
    end)

    it("finds each of them, however often it is replaced, in random order", function()
      push "not a latest one"
      fill(KEYS)
      for _ = 1, 5000 do set(random(1, KEYS)) end
      check()
    end)

    it("finds the rest when some have gone, and those that come in their place", function()
      fill(KEYS)
      for _ = 1, 20 do
        for _ = 1, 200 do
          local i = random(1, KEYS)
          if text_of[i] then unset(i) else set(i) end
        end
        check()
      end
    end)

    it("finds those behind the ones that were written", function()
      fill(KEYS)
      for i = 1, KEYS - 1 do
        remove(C.moon_queue_first(queue[0]))
        text_of[i] = nil
        if i % 111 == 0 then check() end
      end
    end)

    for _, left in ipairs { 200, 17, 16, 1 } do
      it("finds the " .. left .. " that are left when it is trimmed", function()
        fill(KEYS)
        for i = 1, KEYS - left do unset(i) end
        C.moon_queue_trim(queue, pool)
        check()
        set(KEYS)
        fill(30)
        check()
      end)
    end

    it("gives the memory of the index back with the last of them", function()
      local text = ("x"):rep(100)
      for _ = 1, KEYS do push(text) end
      C.moon_queue_trim(queue, pool)
      local before = taken_bytes()
      fill(16)
      assert.equal(before, taken_bytes())
      fill(17)
      assert.equal(before + 1024, taken_bytes())
      for i = 1, 17 do unset(i) end
      assert.equal(before, taken_bytes())
    end)

    it("gives back what the index needs no more when it is trimmed", function()
      for _ = 1, KEYS do push(("x"):rep(100)) end
      fill(KEYS)
      for i = 21, KEYS do unset(i) end
      local before = taken_bytes()
      C.moon_queue_trim(queue, pool)
      assert.equal(before - 32768 + 1024, taken_bytes())
      for i = 9, 20 do unset(i) end
      C.moon_queue_trim(queue, pool)
      assert.equal(before - 32768, taken_bytes())
    end)
  end)

  describe("memory", function()
    --- What the queue may hold: three times what waits and the frame that comes, a third more
    --- for rounding up, and the slots.
    local function bound(waiting_bytes, frame_bytes, messages)
      return 2 * (1.5 * waiting_bytes + frame_bytes) + 512 + 2 * (128 + 48 * messages) + 512
    end

    it("stays bounded while a latest one is replaced for hours", function()
      local random = core.random(5)
      push "a reader that never reads"
      latest("first", 1)
      local frames = {}
      for i = 1, 200 do frames[i] = ("x"):rep(random(1, 300)) end
      for i = 1, 100000 do
        local text = frames[i % 200 + 1]
        C.moon_queue_replace(queue[0], pool, C.moon_queue_find(queue[0], 1),
          ffi.new("struct moon_letter", text, #text, C.MOON_LATEST, 1), i)
        if taken_bytes() > bound(325, 300, 2) then error("it holds " .. taken_bytes()) end
      end
    end)

    it("stays bounded while volatile ones come and are dropped for hours", function()
      local text = ("v"):rep(100)
      local volatile = ffi.new("struct moon_letter", text, #text, C.MOON_VOLATILE, 0)
      push "a reader that never reads"
      for i = 1, 100000 do
        C.moon_queue_push(queue, pool, volatile, i)
        if i % 10 == 0 then
          for _ = 1, 10 do remove(oldest(C.MOON_VOLATILE)) end
        end
        if taken_bytes() > bound(1100, 100, 11) then error("it holds " .. taken_bytes()) end
      end
      assert.equal("a reader that never reads", (run()))
    end)

    it("stays bounded while messages go through and it is never empty", function()
      push "first"
      local text = ("x"):rep(90)
      local passing = ffi.new("struct moon_letter", text, #text, C.MOON_RELIABLE, 0)
      for i = 1, 100000 do
        C.moon_queue_push(queue, pool, passing, i)
        remove(C.moon_queue_first(queue[0]))
        if taken_bytes() > bound(180, 90, 2) then error("it holds " .. taken_bytes()) end
      end
    end)

    it("shrinks when it is trimmed, and keeps the order and the ages", function()
      for i = 1, 300 do
        push(("v"):rep(200), C.MOON_VOLATILE, 0, i)
        if i % 100 == 0 then latest("#" .. i, i, i) end
        if i == 150 then push("middle", C.MOON_RELIABLE, 0, i) end
      end
      replace("!100", 100, 400)
      while oldest(C.MOON_VOLATILE) ~= nil do remove(oldest(C.MOON_VOLATILE)) end
      assert.is_true(taken_bytes() > 60000)
      C.moon_queue_trim(queue, pool)
      assert.is_true(taken_bytes() <= 1024)
      assert.equal("!100middle#200#300", (run()))
      assert.is_true(select(2, run()))
      assert.equal(200, tonumber(oldest(C.MOON_LATEST).came_ms))
      remove(C.moon_queue_find(queue[0], 200))
      assert.equal(300, tonumber(oldest(C.MOON_LATEST).came_ms))
      for i = 1, 30 do push("+" .. i) end
      assert.matches("^!100middle#300%+1%+2.*%+30$", (run()))
    end)

    it("is left alone by trimming while it is in use", function()
      for _ = 1, 100 do push(("x"):rep(50)) end
      local before = taken_bytes()
      C.moon_queue_trim(queue, pool)
      assert.equal(before, taken_bytes())
    end)
  end)
end)
