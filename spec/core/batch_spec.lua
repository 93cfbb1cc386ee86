local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/batch.h"

describe("batch", function()
  local pool, batch

  local function add(text, class, key)
    local letter = ffi.new("struct moon_letter", core.exact(text), #text, class, key or 0)
    C.moon_batch_add(batch, pool, letter)
  end

  --- Messages and bytes of each class, of all but the first so many messages.
  local function tally(skipped)
    local out = ffi.new "struct moon_tally"
    ffi.fill(out, ffi.sizeof(out), 0xAA)
    C.moon_batch_tally(batch, skipped, out)
    local messages, bytes = {}, {}
    for class = 0, C.MOON_CLASSES - 1 do
      messages[class + 1], bytes[class + 1] = out.messages[class], out.bytes[class]
    end
    return { messages, bytes }
  end

  before_each(function()
    pool = core.keep(C.moon_pool_create(1048576), C.moon_pool_destroy)
    batch = ffi.new "struct moon_batch"
    core.keep(batch, function(some) C.moon_batch_clear(some, pool) end)
  end)

  after_each(core.tidy)

  it("is empty at first", function()
    assert.equal(0, batch.messages)
    assert.same({ { 0, 0, 0, 0 }, { 0, 0, 0, 0 } }, tally(0))
    C.moon_batch_clear(batch, pool)
    assert.equal(0, tonumber(C.moon_pool_taken_bytes(pool)))
  end)

  it("holds its frames in one piece and a label beside each", function()
    add("one", C.MOON_RELIABLE)
    add("three", C.MOON_LATEST, 77)
    add("seven", C.MOON_VOLATILE)
    assert.equal("onethreeseven", ffi.string(batch.frames, batch.bytes))
    assert.equal(3, batch.messages)
    local labels = {}
    for i = 0, 2 do
      local label = batch.labels[i]
      labels[i + 1] = { tonumber(label.key), label.bytes, label.class }
    end
    assert.same({
      { 0, 3, C.MOON_RELIABLE }, { 77, 5, C.MOON_LATEST }, { 0, 5, C.MOON_VOLATILE },
    }, labels)
  end)

  it("tallies the whole and what comes after the first messages", function()
    add("12", C.MOON_RELIABLE)
    add("123", C.MOON_VOLATILE)
    add("1234", C.MOON_VOLATILE)
    add("12345", C.MOON_CONTROL)
    assert.same({ { 1, 0, 2, 1 }, { 2, 0, 7, 5 } }, tally(0))
    assert.same({ { 0, 0, 2, 1 }, { 0, 0, 7, 5 } }, tally(1))
    assert.same({ { 0, 0, 1, 1 }, { 0, 0, 4, 5 } }, tally(2))
    assert.same({ { 0, 0, 0, 0 }, { 0, 0, 0, 0 } }, tally(4))
  end)

  it("keeps frames and labels when it grows, and gives all back", function()
    local texts = {}
    for i = 1, 500 do
      texts[i] = ("%d;"):format(i)
      add(texts[i], i % C.MOON_CLASSES, i)
    end
    assert.equal(table.concat(texts), ffi.string(batch.frames, batch.bytes))
    for i = 1, 500 do
      assert.equal(i, tonumber(batch.labels[i - 1].key))
      assert.equal(#texts[i], batch.labels[i - 1].bytes)
    end
    assert.is_true(tonumber(C.moon_pool_taken_bytes(pool)) >= batch.bytes + 500 * 16)
    C.moon_batch_clear(batch, pool)
    assert.equal(0, tonumber(C.moon_pool_taken_bytes(pool)))
    assert.equal(0, batch.messages)
    assert.same({ { 0, 0, 0, 0 }, { 0, 0, 0, 0 } }, tally(0))
    add("again", C.MOON_RELIABLE)
    assert.equal("again", ffi.string(batch.frames, batch.bytes))
  end)
end)
