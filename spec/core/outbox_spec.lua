local ffi = require "ffi"
local core = require "spec.support.core"
core.load "core/frame.h"
local C = core.load "core/outbox.h"

local TEXT = 1

describe("outbox", function()
  local pool, outbox, limits
  local length = ffi.new "uint32_t[1]"

  local function frame(payload, opcode)
    local header = ffi.new "char[10]"
    local header_bytes = C.moon_frame_header(header, opcode or TEXT, #payload)
    return ffi.string(header, header_bytes) .. payload
  end

  --- A frame of exactly so many bytes, header included.
  local function sized(bytes, letter)
    local header = bytes <= 127 and 2 or bytes <= 65539 and 4 or 10
    local made = frame((letter or "x"):rep(bytes - header))
    assert.equal(bytes, #made)
    return made
  end

  local function push(frames, messages)
    return C.moon_outbox_push(outbox, pool, limits, core.exact(frames), #frames, messages or 1)
  end

  local function push_control(text)
    C.moon_outbox_push_control(outbox, pool, core.exact(text), #text)
  end

  local function peek(max_bytes)
    local frames = C.moon_outbox_peek(outbox, max_bytes or 4294967295, length)
    if frames ~= nil then return ffi.string(frames, length[0]) end
  end

  --- Peeks and takes; what was taken.
  local function take(max_bytes)
    local frames = peek(max_bytes)
    if frames ~= nil then C.moon_outbox_take(outbox, pool, #frames) end
    return frames
  end

  local function limit(max_bytes, max_messages)
    limits.max_bytes, limits.max_messages = max_bytes, max_messages
  end

  before_each(function()
    pool = core.keep(C.moon_pool_create(1048576), C.moon_pool_destroy)
    outbox = ffi.new "struct moon_outbox"
    core.keep(outbox, function(some) C.moon_outbox_clear(some, pool) end)
    limits = ffi.new "struct moon_outbox_limits"
    limit(100000, 1000)
  end)

  after_each(core.tidy)

  it("is empty at first", function()
    assert.is_true(C.moon_outbox_is_empty(outbox))
    assert.is_nil(peek())
  end)

  it("gives frames out in the order they came in", function()
    push(frame "one")
    push(frame "two" .. frame "three", 2)
    push_control(frame("", C.MOON_FRAME_PING))
    assert.is_false(C.moon_outbox_is_empty(outbox))
    assert.equal(4, outbox.messages)
    assert.equal(frame "one" .. frame "two" .. frame "three" .. "\137\0", take())
    assert.is_true(C.moon_outbox_is_empty(outbox))
    assert.is_nil(peek())
  end)

  it("shows the same frames until they are taken", function()
    push(frame "one")
    assert.equal(frame "one", peek())
    assert.equal(frame "one", peek())
    push(frame "two")
    assert.equal(frame "one" .. frame "two", peek())
  end)

  describe("limit", function()
    it("lets exactly so many bytes in, headers counted, and not one more", function()
      limit(500, 1000)
      assert.is_true(push(sized(300)))
      assert.is_false(push(sized(201)))
      assert.is_true(push(sized(200)))
      assert.is_false(push(sized(2)))
    end)

    it("lets exactly so many messages in", function()
      limit(100000, 3)
      assert.is_true(push(frame "1" .. frame "2", 2))
      assert.is_false(push(frame "3" .. frame "4", 2))
      assert.is_true(push(frame "3"))
      assert.is_false(push(frame "4"))
    end)

    it("queues all of a batch or nothing of it", function()
      limit(20, 1000)
      push(frame "first")
      assert.is_false(push(frame "second" .. frame "third", 2))
      assert.equal(1, outbox.messages)
      assert.equal(frame "first", take())
      assert.is_nil(peek())
    end)

    it("counts what is in flight until it has landed", function()
      limit(100, 1000)
      push(sized(60))
      take()
      assert.is_true(C.moon_outbox_is_empty(outbox))
      assert.is_false(push(sized(41)))
      assert.is_true(push(sized(40)))
      C.moon_outbox_land(outbox)
      assert.is_true(push(sized(60)))
      assert.is_false(push(sized(2)))
    end)

    it("counts messages in flight until they have landed", function()
      limit(100000, 2)
      push(frame "1")
      take()
      assert.is_true(push(frame "2"))
      assert.is_false(push(frame "3"))
      C.moon_outbox_land(outbox)
      assert.is_true(push(frame "3"))
      assert.is_false(push(frame "4"))
    end)

    it("counts what flew past the queue", function()
      limit(100, 3)
      C.moon_outbox_fly(outbox, 80, 2)
      assert.is_false(push(sized(21)))
      assert.is_true(push(sized(20)))
      assert.is_false(push(frame ""))
      C.moon_outbox_land(outbox)
      assert.is_true(push(sized(80)))
    end)

    it("is no limit for a control frame, which comes after what is queued", function()
      limit(10, 1)
      push(frame "full")
      push_control "\136\2\3\232"
      push_control "\137\0"
      assert.is_false(push(frame ""))
      assert.equal(frame "full" .. "\136\2\3\232\137\0", take())
      limit(0, 0)
      assert.is_false(push(frame ""))
      push_control "\137\0"
      assert.equal("\137\0", take())
    end)

    it("does not overflow near 4 GiB", function()
      limit(4294967295, 4294967295)
      C.moon_outbox_fly(outbox, 4294967290, 4294967295)
      assert.is_false(push(frame "more"))
      limit(4294967295, 10)
      C.moon_outbox_land(outbox)
      assert.is_true(push(frame "more"))
    end)
  end)

  describe("peek", function()
    it("gives as many whole frames as fit", function()
      for _, letter in ipairs { "a", "b", "c", "d" } do push(sized(100, letter)) end
      assert.equal(sized(100, "a"), peek(100))
      assert.equal(sized(100, "a"), peek(199))
      assert.equal(sized(100, "a") .. sized(100, "b"), peek(200))
      assert.equal(sized(100, "a") .. sized(100, "b") .. sized(100, "c"), peek(399))
      assert.equal(400, #peek(400))
      assert.equal(400, #peek(401))
    end)

    it("gives at least one frame, even if it is longer than asked for", function()
      push(sized(300, "a"))
      push(sized(20, "b"))
      for _, max_bytes in ipairs { 0, 1, 20, 299, 300, 319 } do
        assert.equal(sized(300, "a"), peek(max_bytes))
      end
      assert.equal(320, #peek(320))
    end)

    it("gives a last frame that is longer than asked for, and nothing after it", function()
      push(sized(20, "a"))
      push(sized(300, "b"))
      assert.equal(sized(20, "a"), take(100))
      assert.equal(sized(300, "b"), take(100))
      assert.is_nil(take(100))
    end)

    it("reads no byte behind the last frame", function()
      push(sized(512)) -- fills its buffer to the end
      assert.equal(sized(512), peek(100))
    end)

    it("is not misled by what an earlier frame left behind in the memory", function()
      -- What follows the frame in its buffer looks like the header of a frame so long that, in
      -- 32 bits, 300 and its length make 100: less than is asked for.
      local capacity = ffi.new "uint32_t[1]"
      local buffer = C.moon_pool_take(pool, 512, capacity)
      ffi.fill(buffer, 512, 0xFF)
      ffi.copy(buffer + 300, "\129\127\0\0\0\0\255\255\255\46", 10)
      C.moon_pool_give(pool, buffer, 512)
      push(sized(300, "\255"))
      assert.is_true(outbox.bytes == buffer)
      assert.equal(300, #peek(200))
    end)

    it("cuts between frames of every length of header", function()
      local frames = { sized(2), sized(127), sized(130), sized(65539), sized(65546), sized(3) }
      limit(1000000, 1000)
      for _, one in ipairs(frames) do push(one) end
      for _, one in ipairs(frames) do assert.is_true(take(1) == one) end
      assert.is_true(C.moon_outbox_is_empty(outbox))
    end)
  end)

  describe("bookkeeping", function()
    local function books()
      return { outbox.messages, outbox.inflight_bytes, outbox.inflight_messages }
    end

    it("moves what is taken from the queue into the air", function()
      push(sized(100) .. sized(50), 2)
      push(sized(30))
      assert.same({ 3, 0, 0 }, books())
      take(150)
      assert.same({ 1, 150, 2 }, books())
      take()
      assert.same({ 0, 180, 3 }, books())
    end)

    it("adds up what flies, and forgets it when it has landed", function()
      push(sized(10))
      C.moon_outbox_fly(outbox, 70, 2)
      C.moon_outbox_fly(outbox, 5, 1)
      assert.same({ 1, 75, 3 }, books())
      C.moon_outbox_land(outbox)
      assert.same({ 1, 0, 0 }, books())
      assert.equal(sized(10), peek())
    end)

    it("drops what is queued when cleared, not what flies", function()
      push(sized(10))
      take()
      push(sized(20))
      C.moon_outbox_clear(outbox, pool)
      assert.same({ 0, 10, 1 }, books())
      assert.is_true(C.moon_outbox_is_empty(outbox))
      assert.is_nil(peek())
    end)
  end)

  describe("memory", function()
    it("goes back to the pool with the last frame", function()
      push(sized(400))
      push(sized(400))
      local buffer = outbox.bytes
      take(400)
      assert.is_false(outbox.bytes == nil)
      assert.is_false(core.is_in_pool(pool, buffer, 1024))
      take(400)
      assert.is_true(outbox.bytes == nil)
      assert.equal(0, outbox.capacity)
      assert.is_true(core.is_in_pool(pool, buffer, 1024))
    end)

    it("goes back to the pool when cleared", function()
      push(sized(600))
      local buffer = outbox.bytes
      C.moon_outbox_clear(outbox, pool)
      assert.is_true(core.is_in_pool(pool, buffer, 1024))
      C.moon_outbox_clear(outbox, pool)
      assert.is_true(push(frame "again"))
    end)

    it("is used again at the front before it grows", function()
      push(sized(400, "a"))
      push(sized(100, "b"))
      take(400)
      push(sized(400, "c"))
      assert.equal(512, outbox.capacity)
      assert.equal(sized(100, "b") .. sized(400, "c"), take())
    end)
  end)

  it("agrees with a plain queue through thousands of random turns", function()
    local random = core.random(19)
    local queue, first, last = {}, 1, 0
    local bytes, in_flight, in_flight_frames, refused = 0, 0, 0, 0
    limit(3000, 30)

    local function push_random()
      local batch, batch_bytes = {}, 0
      for i = 1, random(1, 3) do
        batch[i] = frame((random(0, 9) .. ""):rep(random(0, random(1, 8) == 1 and 900 or 60)))
        batch_bytes = batch_bytes + #batch[i]
      end
      local fits = bytes + in_flight + batch_bytes <= 3000
        and last - first + 1 + in_flight_frames + #batch <= 30
      assert.equal(fits, push(table.concat(batch), #batch))
      if not fits then
        refused = refused + 1
        return
      end
      for _, one in ipairs(batch) do
        last = last + 1
        queue[last] = one
      end
      bytes = bytes + batch_bytes
    end

    local function push_ping()
      last = last + 1
      queue[last] = frame("", C.MOON_FRAME_PING)
      bytes = bytes + 2
      push_control(queue[last])
    end

    local function take_some()
      local max_bytes = random(950, 3000) -- more than one frame can be
      local expected, count, size = {}, 0, 0
      while first + count <= last and size + #queue[first + count] <= max_bytes do
        expected[count + 1] = queue[first + count]
        size = size + #queue[first + count]
        count = count + 1
      end
      local taken = take(max_bytes)
      if (taken or "") ~= table.concat(expected) then error "taken in another order" end
      first, bytes = first + count, bytes - size
      in_flight, in_flight_frames = in_flight + size, in_flight_frames + count
    end

    for _ = 1, 5000 do
      local kind = random(1, 12)
      if kind <= 7 then
        push_random()
      elseif kind == 8 then
        push_ping()
      elseif kind <= 10 then
        take_some()
      else
        C.moon_outbox_land(outbox)
        in_flight, in_flight_frames = 0, 0
      end
      assert.equal(last - first + 1, outbox.messages)
      assert.equal(in_flight, outbox.inflight_bytes)
      assert.equal(in_flight_frames, outbox.inflight_messages)
      assert.equal(bytes == 0, C.moon_outbox_is_empty(outbox))
    end
    assert.is_true(refused > 200 and last > 3000)
  end)
end)
