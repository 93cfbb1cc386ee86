local ffi = require "ffi"
local core = require "spec.support.core"
local box = require "spec.support.outbox"
local C = core.load "core/outbox.h"

local RELIABLE, LATEST = tonumber(C.MOON_RELIABLE), tonumber(C.MOON_LATEST)
local VOLATILE = tonumber(C.MOON_VOLATILE)
local push, latest, volatile, push_control = box.push, box.latest, box.volatile, box.push_control
local peek, take, fly, land, limit = box.peek, box.take, box.fly, box.land, box.limit
local books, dropped_by, is_empty, taken_bytes =
  box.books, box.dropped_by, box.is_empty, box.taken_bytes

describe("an outbox's accounts", function()
  local outbox, post, limits

  before_each(function() outbox, post, limits = box.open() end)
  after_each(core.tidy)

  describe("the books", function()
    it("move what is taken into the air, and on when it has landed", function()
      push "123"
      volatile "12"
      take(3)
      assert.same({ 1, 0, 0, 1 }, books(RELIABLE))
      land()
      assert.same({ 1, 1, 0, 0 }, books(RELIABLE))
      assert.same({ 1, 0, 0, 1 }, books(VOLATILE))
      assert.equal(3, tonumber(post.delivered_bytes[RELIABLE]))
      assert.equal(0, tonumber(post.delivered_bytes[VOLATILE]))
      assert.equal(2, C.moon_outbox_bytes(outbox))
    end)

    it("have what was delivered at once", function()
      box.pass(C.MOON_CONTROL, 2, 70)
      push "123"
      assert.same({ 2, 2, 0, 0 }, books(C.MOON_CONTROL))
      assert.equal(70, tonumber(post.delivered_bytes[C.MOON_CONTROL]))
      assert.equal(3, C.moon_outbox_bytes(outbox))
    end)

    it("have what flew past the queue", function()
      fly(VOLATILE, 2, 70)
      fly(VOLATILE, 1, 5)
      assert.same({ 3, 0, 0, 3 }, books(VOLATILE))
      assert.equal(75, tonumber(post.sent_bytes[VOLATILE]))
      land()
      land()
      assert.same({ 3, 3, 0, 0 }, books(VOLATILE))
      assert.equal(75, tonumber(post.delivered_bytes[VOLATILE]))
    end)

    it("have what waits as dropped when it is cleared, not what is in flight", function()
      push "1"
      take()
      push "22"
      volatile "333"
      C.moon_outbox_clear(outbox, post)
      C.moon_outbox_clear(outbox, post)
      assert.is_true(is_empty())
      assert.is_nil(peek())
      assert.same({ 2, 0, 1, 1 }, books(RELIABLE))
      assert.same({ 1, 0, 1, 0 }, books(VOLATILE))
      assert.same({ 0, 0, 0, 2 }, dropped_by())
      land()
      assert.same({ 2, 1, 1, 0 }, books(RELIABLE))
      assert.equal(0, C.moon_outbox_bytes(outbox))
    end)

    it("have everything as dropped when it is abandoned", function()
      push "1"
      take()
      push "22"
      C.moon_outbox_abandon(outbox, post)
      assert.same({ 2, 0, 2, 0 }, books(RELIABLE))
      assert.same({ 0, 0, 0, 2 }, dropped_by())
      assert.equal(3, tonumber(post.dropped_bytes[RELIABLE]))
      land()
      assert.same({ 2, 0, 2, 0 }, books(RELIABLE))
      assert.equal(0, C.moon_outbox_bytes(outbox))
    end)

    it("say how many bytes are in flight in all outboxes of a post", function()
      local function in_flight_bytes() return tonumber(post.in_flight_bytes) end
      local other = ffi.new "struct moon_outbox"
      local tally = ffi.new "struct moon_tally"
      tally.messages[VOLATILE], tally.bytes[VOLATILE] = 1, 1000
      push "12"
      volatile "345"
      assert.equal(0, in_flight_bytes())
      take(2)
      assert.equal(2, in_flight_bytes())
      C.moon_outbox_fly(other, post, tally, 0)
      fly(RELIABLE, 1, 70)
      take()
      assert.equal(1075, in_flight_bytes())
      land()
      assert.equal(1000, in_flight_bytes())
      land()
      C.moon_outbox_clear(other, post)
      assert.equal(1000, in_flight_bytes())
      C.moon_outbox_abandon(other, post)
      assert.equal(0, in_flight_bytes())
    end)

    it("add up over all outboxes of a post", function()
      local other = ffi.new "struct moon_outbox"
      local letter = ffi.new("struct moon_letter", "four", 4, RELIABLE, 0)
      push "12"
      C.moon_outbox_push(other, post, limits, letter, 0)
      C.moon_outbox_abandon(other, post)
      assert.equal(2, tonumber(post.sent[RELIABLE]))
      assert.equal(6, tonumber(post.sent_bytes[RELIABLE]))
      assert.equal(1, tonumber(post.dropped[RELIABLE]))
      assert.equal("12", take())
    end)
  end)

  describe("shedding", function()
    it("drops the volatile messages that wait, and says how many bytes they were", function()
      volatile "gone"
      take()
      push "1,"
      volatile "22"
      latest("3,", 1)
      volatile "4444"
      push_control "5"
      assert.equal(6, C.moon_outbox_shed(outbox, post))
      assert.equal(0, C.moon_outbox_shed(outbox, post))
      assert.equal("1,3,5", take())
      assert.same({ 3, 0, 2, 1 }, books(VOLATILE))
      assert.same({ 0, 0, 2, 0 }, dropped_by())
    end)

    it("gives back the memory that the rest does not need", function()
      push "small"
      for _ = 1, 100 do volatile(("v"):rep(300)) end
      assert.is_true(taken_bytes() > 30000)
      assert.equal(30000, C.moon_outbox_shed(outbox, post))
      assert.is_true(taken_bytes() <= 1024)
      assert.equal("small", take())
    end)

    it("gives all memory back where nothing else waits", function()
      volatile "only"
      C.moon_outbox_shed(outbox, post)
      assert.is_true(is_empty())
      assert.equal(0, taken_bytes())
    end)

    it("by age drops the volatile messages that are older than allowed", function()
      limit(100000, 1000, 50)
      push("R", RELIABLE, 0, 100)
      volatile("1", 100)
      volatile("2", 101)
      volatile("3", 130)
      C.moon_outbox_expire(outbox, post, limits, 150)
      assert.equal("R123", peek())
      C.moon_outbox_expire(outbox, post, limits, 152)
      assert.equal("R3", peek())
      assert.same({ 0, 0, 2, 0 }, dropped_by())
      C.moon_outbox_expire(outbox, post, limits, 1000)
      assert.equal("R", take())
    end)
  end)

  describe("memory", function()
    it("goes back to the pool with the last frame", function()
      push(("x"):rep(400))
      push(("x"):rep(400))
      take(400)
      assert.is_true(taken_bytes() > 0)
      take(400)
      assert.equal(0, taken_bytes())
    end)

    it("in which frames are gathered is shared, and goes with the post", function()
      push "1"
      volatile(("v"):rep(100))
      push(("x"):rep(600))
      local letter = ffi.new("struct moon_letter", "five5", 5, RELIABLE, 0)
      limit(702, 100)
      assert.is_true(C.moon_outbox_push(outbox, post, limits, letter, 0) == C.MOON_OK)
      assert.equal("1" .. ("x"):rep(600) .. "five5", take())
      assert.equal(1024, taken_bytes())
      C.moon_post_fini(post)
      assert.equal(0, taken_bytes())
      C.moon_post_fini(post)
    end)

    it("stays bounded while a reader never reads, for hours", function()
      local random = core.random(77)
      local letters = {}
      for i = 1, 100 do
        local text = ("x"):rep(random(1, 600))
        local class = i % 2 == 0 and LATEST or VOLATILE
        letters[i] = { text, ffi.new("struct moon_letter", text, #text, class, i % 10) }
      end
      limit(8192, 64)
      push "a reader that never reads"
      local most = 0
      for i = 1, 100000 do
        C.moon_outbox_push(outbox, post, limits, letters[random(1, 100)][2], i)
        if i % 50 == 0 then peek() end
        most = math.max(most, taken_bytes())
      end
      -- The buffer at most three times what waits and a frame, the slots of 64 messages, the
      -- scratch: each rounded up to a power of two.
      assert.is_true(most <= 32768 + 8192 + 8192, "it held " .. most)
      assert.is_true(tonumber(post.dropped_by[C.MOON_DROP_FULL]) > 10000)
      assert.is_true(tonumber(post.dropped_by[C.MOON_DROP_REPLACED]) > 10000)
      books(VOLATILE)
    end)
  end)
end)
