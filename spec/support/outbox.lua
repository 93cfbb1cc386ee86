--- One outbox with its post and its limits, for specs: made anew by open().
local assert = require "luassert"
local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/outbox.h"

local ANY = 4294967295

local pool, post, outbox, limits
local length = ffi.new "uint32_t[1]"

--- True when it was taken (or dropped and counted), false when there was no room.
local function push(text, class, key, now_ms)
  local letter = ffi.new("struct moon_letter", core.exact(text), #text, class or C.MOON_RELIABLE,
    key or 0)
  local status = C.moon_outbox_push(outbox, post, limits, letter, now_ms or 0)
  assert.is_true(status == C.MOON_OK or status == C.MOON_EFULL)
  return status == C.MOON_OK
end

local function latest(text, key, now_ms) return push(text, C.MOON_LATEST, key, now_ms) end
local function volatile(text, now_ms) return push(text, C.MOON_VOLATILE, 0, now_ms) end

local function push_control(text, now_ms)
  C.moon_outbox_push_control(outbox, post, core.exact(text), #text, now_ms or 0)
end

local function peek(max_bytes)
  local frames = C.moon_outbox_peek(outbox, post, max_bytes or ANY, length)
  if frames ~= nil then return ffi.string(frames, length[0]) end
  assert.equal(0, length[0])
end

--- Peeks and takes; what was taken.
local function take(max_bytes)
  local frames = peek(max_bytes)
  if frames ~= nil then C.moon_outbox_take(outbox, post, #frames) end
  return frames
end

local function fly(class, messages, bytes, now_ms)
  local tally = ffi.new "struct moon_tally"
  tally.messages[class], tally.bytes[class] = messages, bytes
  C.moon_outbox_fly(outbox, post, tally, now_ms or 0)
end

--- The same for what the kernel has accepted at once.
local function pass(class, messages, bytes)
  local tally = ffi.new "struct moon_tally"
  tally.messages[class], tally.bytes[class] = messages, bytes
  C.moon_outbox_pass(outbox, post, tally)
end

local function land() C.moon_outbox_land(outbox, post) end

local function limit(bytes, messages, age_ms)
  limits.outbox_bytes, limits.outbox_messages = bytes, messages
  limits.outbox_age_ms = age_ms or 15000
end

local function is_empty() return C.moon_outbox_is_empty(outbox) end
local function taken_bytes() return tonumber(C.moon_pool_taken_bytes(pool)) end

local function list(numbers)
  local out = {}
  for i = 0, 3 do out[i + 1] = tonumber(numbers[i]) end
  return out
end

--- { sent, delivered, dropped, queued } of one class. Checks that they balance, and that
--- those of the post are the same.
local function books(class)
  local all = ffi.new "struct moon_books"
  C.moon_outbox_books(outbox, post, all)
  assert.same({ list(all.sent), list(all.delivered), list(all.dropped) },
    { list(post.sent), list(post.delivered), list(post.dropped) })
  for one = 0, 3 do
    assert.is_true(all.sent[one] == all.delivered[one] + all.dropped[one] + all.queued[one])
  end
  assert.equal(C.moon_outbox_bytes(outbox), tonumber(all.queued_bytes))
  return {
    tonumber(all.sent[class]), tonumber(all.delivered[class]), tonumber(all.dropped[class]),
    tonumber(all.queued[class]),
  }
end

--- How many were dropped because: full, replaced, shed, gone.
local function dropped_by() return list(post.dropped_by) end

--- Begins with an empty one; what it holds in the end goes with core.tidy().
local function open()
  pool = core.keep(C.moon_pool_create(1048576), C.moon_pool_destroy)
  post = core.keep(ffi.new "struct moon_post", function(some)
    C.moon_post_fini(some)
    assert.equal(0, taken_bytes())
  end)
  post.pool = pool
  outbox = core.keep(ffi.new "struct moon_outbox", function(some)
    C.moon_outbox_clear(some, post)
  end)
  limits = ffi.new "struct moon_limits"
  limit(100000, 1000)
  return outbox, post, limits
end

return {
  ANY = ANY,
  push = push,
  latest = latest,
  volatile = volatile,
  push_control = push_control,
  peek = peek,
  take = take,
  fly = fly, pass = pass,
  land = land,
  limit = limit,
  is_empty = is_empty,
  taken_bytes = taken_bytes,
  books = books,
  dropped_by = dropped_by,
  open = open,
}
