local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/heartbeat.h"

local WORD = {
  [tonumber(C.MOON_BEAT_WAIT)] = "wait",
  [tonumber(C.MOON_BEAT_PING)] = "ping",
  [tonumber(C.MOON_BEAT_DEAD)] = "dead",
}

describe("heartbeat", function()
  local beat
  local wait_ms = ffi.new "uint32_t[1]"
  local times = ffi.new("struct moon_heartbeat_times", { 25000, 10000 })

  local function start(random, some_times)
    return C.moon_heartbeat_start(beat, some_times or times, random)
  end

  local function due()
    wait_ms[0] = 0xDEAD
    return WORD[tonumber(C.moon_heartbeat_due(beat, times, wait_ms))], wait_ms[0]
  end

  before_each(function()
    beat = ffi.new "struct moon_heartbeat"
    start(0)
  end)

  it("pings first in the second half of the interval, whatever the random number", function()
    local random = core.random(3)
    local lowest, highest = math.huge, 0
    for _ = 1, 20000 do
      local first_ms = start(random(0, 2147483645) * 2)
      lowest, highest = math.min(lowest, first_ms), math.max(highest, first_ms)
    end
    assert.is_true(lowest >= 12500 and lowest < 12600)
    assert.is_true(highest <= 25000 and highest > 24900)
    assert.equal(12500, start(0))
    assert.equal(25000, start(12500))
    assert.is_true(start(4294967295) <= 25000)
  end)

  it("spreads the first pings evenly", function()
    local random = core.random(5)
    local buckets = { 0, 0, 0, 0, 0 }
    for _ = 1, 10000 do
      local bucket = math.min(5, math.floor((start(random(0, 2147483645)) - 12500) / 2500) + 1)
      buckets[bucket] = buckets[bucket] + 1
    end
    for _, count in ipairs(buckets) do assert.is_true(count > 1700 and count < 2300) end
  end)

  it("accepts the shortest interval there is", function()
    local short = ffi.new("struct moon_heartbeat_times", { 1, 0 })
    assert.is_true(start(4294967295, short) <= 1)
  end)

  it("sends a ping first, and waits for an answer as long as it may take", function()
    assert.same({ "ping", 10000 }, { due() })
  end)

  it("waits for the rest of the interval when something has arrived", function()
    due()
    beat.heard = 1
    assert.same({ "wait", 15000 }, { due() })
  end)

  it("gives the connection up when nothing arrives after a ping", function()
    due()
    assert.equal("dead", (due()))
  end)

  it("does not count what arrived before the ping as an answer", function()
    beat.heard = 1
    due()
    assert.equal("dead", (due()))
  end)

  it("counts no answer twice", function()
    due()
    beat.heard = 1
    due()
    assert.equal("ping", (due()))
    assert.equal("dead", (due()))
  end)

  it("pings once an interval as long as there are answers", function()
    local now_ms, pings = start(0), {}
    for _ = 1, 20 do
      local word, wait = due()
      if word == "ping" then
        pings[#pings + 1] = now_ms
        beat.heard = 1
      end
      now_ms = now_ms + wait
    end
    assert.equal(10, #pings)
    for i = 2, #pings do assert.equal(25000, pings[i] - pings[i - 1]) end
  end)

  it("starts anew with no ping out", function()
    due()
    start(0)
    assert.equal("ping", (due()))
  end)
end)
