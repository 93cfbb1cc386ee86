local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/limit.h"

local ANY = 4294967295

describe("bucket", function()
  local bucket, rate, burst

  --- 0 when it was taken, else how many milliseconds to wait.
  local function take(amount, now_ms)
    return C.moon_bucket_take(bucket, rate, burst, amount, now_ms)
  end

  local function owe(amount) C.moon_bucket_owe(bucket, amount) end

  local function open(per_second, at_once, now_ms)
    bucket, rate, burst = ffi.new "struct moon_bucket", per_second, at_once
    C.moon_bucket_init(bucket, at_once, now_ms or 0)
  end

  it("is full at first, and gives so much and no more", function()
    open(10, 5, 7000)
    for _ = 1, 5 do assert.equal(0, take(1, 7000)) end
    assert.equal(1, take(1, 7000))
  end)

  it("gives all that is asked while anything is left, and waits for the debt", function()
    open(10, 5)
    assert.equal(0, take(25, 0))
    assert.equal(2001, take(1, 0))
    assert.equal(1, take(1, 2000))
    assert.equal(0, take(1, 2001))
  end)

  it("takes nothing when it refuses", function()
    open(10, 5)
    take(6, 0)
    for _ = 1, 100 do assert.equal(101, take(1000, 0)) end
  end)

  it("fills to the burst in a silence of any length, and not beyond", function()
    for _, silence_ms in ipairs { 500, 501, 100000, 2 ^ 52 } do
      open(10, 5)
      take(5, 0)
      for _ = 1, 5 do assert.equal(0, take(1, silence_ms)) end
      assert.equal(1, take(1, silence_ms))
    end
  end)

  it("counts each millisecond once, however often it is asked", function()
    open(1, 1)
    take(1, 0)
    take(2, 1) -- of the one thousandth that is there
    for now_ms = 1, 2000 do assert.equal(2001 - now_ms, take(1, now_ms)) end
    assert.equal(0, take(1, 2001))
  end)

  it("gives nothing for a clock that goes back, and nothing twice", function()
    open(1000, 1, 1000)
    take(101, 1000)
    assert.equal(101, take(1, 500))
    assert.equal(51, take(1, 1050))
    assert.equal(51, take(1, 900))
    assert.equal(51, take(1, 1050))
  end)

  it("follows a burst and a rate that change", function()
    open(10, 100)
    burst = 2
    assert.equal(0, take(2, 0))
    assert.equal(1, take(1, 0))
    burst = 100
    assert.equal(0, take(52, 1000))
    assert.equal(4201, take(1, 1000))
    rate = 4200
    assert.equal(11, take(1, 1000))
  end)

  it("says to the millisecond when there is something again", function()
    local random = core.random(11)
    local refused = 0
    for _ = 1, 3000 do
      open(random(1, 3000), random(1, 50))
      local now_ms = 0
      for _ = 1, random(1, 8) do
        now_ms = now_ms + random(0, 40)
        take(random(0, 90), now_ms)
      end
      local wait_ms = take(0, now_ms)
      if wait_ms > 0 then
        refused = refused + 1
        if wait_ms > 1 then assert.equal(1, take(0, now_ms + wait_ms - 1)) end
        assert.equal(0, take(0, now_ms + wait_ms))
      end
    end
    assert.is_true(refused > 1000)
  end)

  for seed = 1, 4 do
    it("lets no more pass in the long run than burst and rate, from seed " .. seed, function()
      local random = core.random(seed)
      open(random(1, 2000), random(1, 500))
      local now_ms, passed, refused, most = 0, 0, 0, random(1, 400)
      for _ = 1, 50000 do
        local amount = random(0, most)
        if take(amount, now_ms) == 0 then
          passed = passed + amount
        else
          refused = refused + 1
        end
        local allowed = burst + rate * now_ms / 1000 + most
        if passed > allowed then error(passed .. " after " .. now_ms .. " ms") end
        now_ms = now_ms + random(0, random(1, 100) == 1 and 5000 or 3)
      end
      assert.is_true(refused > 5000 and refused < 50000 - 1000)
    end)

    it("keeps nothing from those who wait as they are told, from seed " .. seed, function()
      local random = core.random(seed)
      open(random(1, 2000), random(1, 500))
      local now_ms, passed, most = 0, 0, random(1, 400)
      for _ = 1, 20000 do
        local amount = random(1, most)
        local wait_ms = take(amount, now_ms)
        passed = passed + (wait_ms == 0 and amount or 0)
        now_ms = now_ms + wait_ms
      end
      local allowed = burst + rate * now_ms / 1000
      assert.is_true(passed <= allowed + most)
      assert.is_true(passed >= allowed - rate / 1000 - most)
    end)
  end

  it("does not overflow with the largest numbers", function()
    open(ANY, ANY)
    assert.equal(0, take(ANY, 0))
    assert.equal(1, take(ANY, 0))
    assert.equal(0, take(ANY, 1))
    assert.equal(1000, take(ANY, 1))
    assert.equal(0, take(ANY, 2 ^ 53))
    assert.equal(1, take(ANY, 2 ^ 53))
  end)

  it("has a wait that ends where its type does", function()
    open(1, 1)
    assert.equal(0, take(4294968, 0))
    assert.equal(4294967001, take(1, 0))
    open(1, 1)
    take(4294969, 0)
    assert.equal(ANY, take(1, 704))
    assert.equal(ANY, take(1, 705)) -- 4294967296 ms are no 0 ms
    assert.equal(ANY, take(1, 706))
    assert.equal(ANY - 1, take(1, 707))
    open(1, 1)
    take(ANY, 0)
    assert.equal(ANY, take(1, 0))
  end)

  describe("that is owed something", function()
    it("waits for that, too", function()
      open(10, 5)
      take(5, 0)
      assert.equal(1, take(3, 0))
      owe(3)
      assert.equal(301, take(1, 0))
      owe(1)
      assert.equal(401, take(1, 0))
      assert.equal(0, take(1, 401))
    end)

    it("may be so before it is empty", function()
      open(10, 5)
      owe(4)
      assert.equal(0, take(1, 0))
      assert.equal(1, take(1, 0))
    end)

    it("forgets what is beyond 4294967295", function()
      open(ANY, ANY)
      take(ANY, 0)
      for _ = 1, 3 do
        owe(ANY)
        assert.equal(1001, take(1, 0))
      end
      assert.equal(1, take(1, 1000))
      assert.equal(0, take(1, 1001))
    end)

    for seed = 1, 4 do
      it("holds the rate of those who wait, though all passes, from seed " .. seed, function()
        local random = core.random(seed)
        open(random(1, 2000), random(1, 500))
        local now_ms, passed, most = 0, 0, random(1, 400)
        for _ = 1, 20000 do
          local amount = random(1, most)
          local wait_ms = take(amount, now_ms)
          if wait_ms > 0 then owe(amount) end
          passed = passed + amount
          local allowed = burst + rate * now_ms / 1000 + 2 * most
          if passed > allowed then error(passed .. " after " .. now_ms .. " ms") end
          now_ms = now_ms + wait_ms
        end
        assert.is_true(passed >= rate * now_ms / 1000)
      end)
    end
  end)
end)
