local ffi = require "ffi"
local core = require "spec.support.core"
local box = require "spec.support.outbox"
local C = core.load "core/outbox.h"

local RELIABLE, LATEST = tonumber(C.MOON_RELIABLE), tonumber(C.MOON_LATEST)
local VOLATILE, CONTROL = tonumber(C.MOON_VOLATILE), tonumber(C.MOON_CONTROL)
local ANY = box.ANY
local push, latest, volatile, push_control = box.push, box.latest, box.volatile, box.push_control
local peek, take, fly, land, limit = box.peek, box.take, box.fly, box.land, box.limit
local books, dropped_by, is_empty = box.books, box.dropped_by, box.is_empty

describe("outbox", function()
  local outbox, post, limits

  before_each(function() outbox, post, limits = box.open() end)
  after_each(core.tidy)

  it("is empty at first", function()
    assert.is_true(is_empty())
    assert.is_nil(peek())
    assert.same({ 0, 0, 0, 0 }, books(RELIABLE))
    assert.equal(2 ^ 64, tonumber(C.moon_outbox_oldest_ms(outbox)))
  end)

  it("is small, for each connection has one", function()
    assert.is_true(ffi.sizeof "struct moon_outbox" <= 200)
  end)

  it("gives frames out in the order they came in", function()
    push "one,"
    latest("two,", 1)
    volatile "three,"
    push_control "four"
    assert.is_false(is_empty())
    assert.equal("one,two,three,four", take())
    assert.is_true(is_empty())
    assert.is_nil(peek())
  end)

  it("shows the same frames until they are taken", function()
    push "one,"
    assert.equal("one,", peek())
    assert.equal("one,", peek())
    push "two"
    assert.equal("one,two", peek())
  end)

  it("gives as many whole frames as fit, and at least one", function()
    for _, letter in ipairs { "a", "b", "c" } do push(letter:rep(100)) end
    assert.equal(100, #peek(0))
    assert.equal(100, #peek(199))
    assert.equal(200, #take(200))
    assert.equal(("c"):rep(100), take(1))
    assert.is_nil(peek(1))
  end)

  describe("limit", function()
    it("lets exactly so many bytes in, and not one more", function()
      limit(500, 1000)
      assert.is_true(push(("x"):rep(300)))
      assert.is_false(push(("x"):rep(201)))
      assert.is_true(push(("x"):rep(200)))
      assert.is_false(push "x")
      assert.same({ 2, 0, 0, 2 }, books(RELIABLE))
    end)

    it("lets exactly so many messages in", function()
      limit(100000, 2)
      assert.is_true(push "1")
      assert.is_true(latest("2", 1))
      assert.is_false(push "3")
      assert.is_false(latest("3", 2))
      assert.equal("12", take())
    end)

    it("counts what is in flight until it has landed", function()
      limit(100, 3)
      push(("x"):rep(60))
      take()
      assert.is_true(is_empty())
      assert.is_false(push(("x"):rep(41)))
      assert.is_true(push(("x"):rep(39)))
      assert.is_true(push "x")
      land()
      assert.is_true(push "x")
      assert.is_false(push "x")
    end)

    it("counts what flew past the queue", function()
      limit(100, 3)
      fly(RELIABLE, 2, 80)
      assert.is_false(push(("x"):rep(21)))
      assert.is_true(push(("x"):rep(20)))
      assert.equal(100, C.moon_outbox_bytes(outbox))
      land()
      assert.equal(20, C.moon_outbox_bytes(outbox))
      assert.is_true(push(("x"):rep(80)))
    end)

    it("does not overflow near 4 GiB", function()
      limit(ANY, ANY)
      fly(RELIABLE, ANY, 4294967290)
      assert.is_false(push "more than six")
      limit(ANY, 10)
      land()
      assert.is_true(push "more than six")
    end)

    it("drops a volatile message that finds no room, and counts it", function()
      limit(10, 100)
      assert.is_true(push "12345678")
      assert.is_true(volatile "123")
      assert.is_true(volatile "12")
      assert.equal("1234567812", take())
      assert.same({ 2, 0, 1, 1 }, books(VOLATILE))
      assert.same({ 1, 0, 0, 0 }, dropped_by())
      assert.equal(3, tonumber(post.dropped_bytes[VOLATILE]))
      assert.equal(5, tonumber(post.sent_bytes[VOLATILE]))
    end)

    it("drops the oldest volatile messages for one that is not, as few as will do", function()
      limit(10, 100)
      volatile "aaa"
      push "R"
      volatile "bbb"
      volatile "ccc"
      assert.is_true(push "1234")
      assert.equal("Rccc1234", peek())
      assert.same({ 3, 0, 2, 1 }, books(VOLATILE))
      assert.is_true(latest("L", 1))
      assert.is_true(latest("l", 2))
      assert.is_true(latest("!", 3))
      assert.equal("R1234Ll!", take())
      assert.same({ 3, 0, 0, 0 }, dropped_by())
    end)

    it("drops volatile messages for want of messages, too", function()
      limit(100, 3)
      for _, text in ipairs { "1", "2", "3" } do volatile(text) end
      assert.is_true(push "R")
      assert.equal("23R", take())
    end)

    it("drops nothing when that would not make room enough", function()
      limit(10, 100)
      push "123456"
      volatile "abcd"
      assert.is_false(push "12345")
      assert.is_false(latest("12345", 1))
      assert.equal("123456abcd", peek())
      assert.same({ 1, 0, 0, 1 }, books(RELIABLE))
      assert.same({ 0, 0, 0, 0 }, books(LATEST))
      assert.same({ 1, 0, 0, 1 }, books(VOLATILE))
      assert.same({ 0, 0, 0, 0 }, dropped_by())
    end)

    it("does not drop volatile messages in flight", function()
      limit(10, 100)
      volatile "12345678"
      take()
      assert.is_false(push "abc")
      assert.same({ 1, 0, 0, 1 }, books(VOLATILE))
    end)

    it("is asked beforehand whether there is room, in flight included", function()
      local function has_room(bytes) return C.moon_outbox_has_room(outbox, limits, bytes) end
      limit(10, 2)
      assert.same({ true, false }, { has_room(10), has_room(11) })
      fly(RELIABLE, 1, 3)
      assert.same({ true, false }, { has_room(7), has_room(8) })
      push "1"
      assert.is_false(has_room(1)) -- for want of messages
      limit(10, 3)
      assert.same({ true, false }, { has_room(6), has_room(7) })
      land()
      assert.same({ true, false }, { has_room(9), has_room(10) })
      limit(ANY, ANY)
      assert.is_true(has_room(ANY - 1))
      assert.is_false(has_room(ANY))
      limit(0, 0)
      assert.is_false(has_room(1))
    end)

    it("has no room where something would have to be dropped for it", function()
      limit(10, 100)
      volatile "12345678"
      assert.is_true(C.moon_outbox_has_room(outbox, limits, 2))
      assert.is_false(C.moon_outbox_has_room(outbox, limits, 3))
      assert.is_true(push "123")
      assert.same({ 1, 0, 0, 0 }, dropped_by())
    end)

    it("leaves a control message room of its own, which ends", function()
      limit(10, 3)
      push "full......"
      assert.is_false(push "x")
      assert.is_true(push(("c"):rep(C.MOON_OUTBOX_RESERVE_BYTES), CONTROL))
      assert.is_false(push("c", CONTROL))
      limit(10 + 65536, 3)
      for _ = 1, 3 + C.MOON_OUTBOX_RESERVE_MESSAGES - 2 do assert.is_true(push("c", CONTROL)) end
      assert.is_false(push("c", CONTROL))
      assert.same({ 1026, 0, 0, 1026 }, books(CONTROL))
    end)

    it("is none for a ping or a Close, which come after what waits", function()
      limit(0, 0)
      push_control(("c"):rep(70000))
      assert.is_false(push("c", CONTROL))
      push_control "\137\0"
      assert.equal(("c"):rep(70000) .. "\137\0", take())
    end)
  end)

  describe("latest", function()
    it("takes the place of the one with its key, at any length", function()
      for _, newer in ipairs { "NEW", "N", "NEWER" } do
        push "before,"
        latest("old", 7)
        latest(",other,", 8)
        push "after"
        assert.is_true(latest(newer, 7))
        assert.equal("before," .. newer .. ",other,after", take())
      end
      assert.same({ 9, 0, 3, 6 }, books(LATEST))
      assert.same({ 0, 3, 0, 0 }, dropped_by())
      assert.equal(9, tonumber(post.dropped_bytes[LATEST]))
    end)

    it("does not replace one in flight, nor one of another class", function()
      latest("old,", 7)
      take()
      push("reliable,", RELIABLE, 7)
      latest("new", 7)
      assert.equal("reliable,new", take())
      assert.same({ 2, 0, 0, 2 }, books(LATEST))
    end)

    it("needs room only for what it is longer", function()
      limit(10, 2)
      push "12345"
      latest("old", 1)
      assert.is_true(latest("newer", 1))
      assert.is_false(latest("newest", 1))
      assert.equal("12345newer", take())
      assert.same({ 2, 0, 1, 1 }, books(LATEST))
    end)

    it("drops volatile messages when it is longer and needs their room", function()
      limit(10, 5)
      volatile "1234"
      latest("old", 1)
      volatile "567"
      assert.is_true(latest("longer", 1))
      assert.equal("longer567", take())
      assert.same({ 1, 1, 0, 0 }, dropped_by())
    end)

    it("replaces what is no shorter even where the limit has been lowered", function()
      latest("old", 1)
      push "much else"
      limit(2, 1)
      assert.is_true(latest("new", 1))
      assert.is_false(latest("longer", 1))
      assert.equal("newmuch else", take())
    end)
  end)

  describe("age", function()
    local function oldest_ms() return tonumber(C.moon_outbox_oldest_ms(outbox)) end

    it("is that of the oldest message that is not volatile", function()
      volatile("v", 5)
      assert.equal(2 ^ 64, oldest_ms())
      push_control("c", 30)
      assert.equal(30, oldest_ms())
      push("r", RELIABLE, 0, 40)
      assert.equal(30, oldest_ms())
      take(2)
      assert.equal(30, oldest_ms())
      land()
      assert.equal(40, oldest_ms())
      take()
      land()
      assert.equal(2 ^ 64, oldest_ms())
    end)

    it("of a replaced message is that of the newer one", function()
      latest("a", 1, 10)
      latest("b", 2, 20)
      latest("A", 1, 30)
      assert.equal(20, oldest_ms())
      latest("B", 2, 40)
      assert.equal(30, oldest_ms())
      take(1)
      take(1)
      assert.equal(30, oldest_ms())
    end)

    it("counts what is in flight from when it came, or flew", function()
      fly(VOLATILE, 1, 1, 3)
      assert.equal(2 ^ 64, oldest_ms())
      fly(RELIABLE, 1, 1, 7)
      push("r", RELIABLE, 0, 8)
      take()
      assert.equal(7, oldest_ms())
      C.moon_outbox_abandon(outbox, post)
      assert.equal(2 ^ 64, oldest_ms())
      fly(RELIABLE, 1, 1, 0)
      assert.equal(0, oldest_ms())
    end)
  end)

  describe("mark", function()
    local function is_high() return C.moon_outbox_is_high(outbox, limits) end
    local function is_low() return C.moon_outbox_is_low(outbox, limits) end

    it("is high at half of the bytes and low at an eighth, in flight included", function()
      limit(80, 1000)
      fly(RELIABLE, 1, 10)
      assert.same({ false, true }, { is_high(), is_low() })
      push "1"
      assert.same({ false, false }, { is_high(), is_low() })
      push(("x"):rep(28))
      assert.is_false(is_high())
      push "1"
      assert.is_true(is_high())
    end)

    it("is high at half of the messages and low at an eighth", function()
      limit(100000, 16)
      for count = 1, 9 do
        push "x"
        assert.same({ count >= 8, count <= 2 }, { is_high(), is_low() })
      end
    end)
  end)
end)
