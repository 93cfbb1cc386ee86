local core = require "spec.support.core"
local C = core.load "core/governor.h"

local WORD = {
  [tonumber(C.MOON_CALM)] = "calm",
  [tonumber(C.MOON_SHED)] = "shed",
  [tonumber(C.MOON_CULL)] = "cull",
  [tonumber(C.MOON_REFUSE)] = "refuse",
}

describe("governor", function()
  local governor

  local function create(budget_bytes, threads)
    governor = core.keep(C.moon_governor_create(budget_bytes, threads), C.moon_governor_destroy)
  end

  --- What each thread holds, thread 0 first.
  local function report(...)
    for i, bytes in ipairs { ... } do C.moon_governor_report(governor, i - 1, bytes) end
  end

  local function held() return tonumber(C.moon_governor_held_bytes(governor)) end

  local function pressure() return WORD[tonumber(C.moon_governor_pressure(governor))] end

  local function excess(held_bytes)
    return tonumber(C.moon_governor_excess_bytes(governor, held_bytes))
  end

  before_each(function() create(1000, 1) end)
  after_each(core.tidy)

  it("is calm as long as nobody has reported", function()
    assert.equal(0, held())
    assert.equal("calm", pressure())
    assert.equal(0, excess(0))
  end)

  it("knows its budget", function()
    create(2 ^ 40, 2)
    assert.equal(2 ^ 40, tonumber(C.moon_governor_budget_bytes(governor)))
  end)

  for _, at in ipairs {
    { 1, "calm" }, { 800, "calm" }, { 801, "shed" }, { 900, "shed" }, { 901, "cull" },
    { 950, "cull" }, { 951, "refuse" }, { 1000, "refuse" }, { 5000, "refuse" },
  } do
    it(("says %s when %d of 1000 bytes are held"):format(at[2], at[1]), function()
      report(at[1])
      assert.equal(at[2], pressure())
    end)
  end

  it("does not round a threshold between two bytes up", function()
    create(7, 1) -- 80, 90 and 95 % of it are 5.6, 6.3 and 6.65
    local words = {}
    for bytes = 0, 8 do
      report(bytes)
      words[bytes + 1] = pressure()
    end
    assert.same({ "calm", "calm", "calm", "calm", "calm", "calm", "shed", "refuse", "refuse" },
      words)
  end)

  it("is calm again as soon as enough has been let go", function()
    report(1000)
    assert.equal("refuse", pressure())
    report(800)
    assert.equal("calm", pressure())
  end)

  it("is exact with the largest budget there is", function()
    create(18446744073709551600ULL, 1)
    report(14757395258967641280ULL)
    assert.equal("calm", pressure())
    report(14757395258967641281ULL)
    assert.equal("shed", pressure())
    report(17524406870024074020ULL)
    assert.equal("cull", pressure())
    report(17524406870024074021ULL)
    assert.equal("refuse", pressure())
  end)

  describe("with several threads", function()
    before_each(function() create(1000, 3) end)

    it("adds up what they hold", function()
      report(100, 20, 3)
      assert.equal(123, held())
    end)

    it("forgets what a thread has reported before, and only that", function()
      report(100, 20, 3)
      C.moon_governor_report(governor, 1, 50)
      assert.equal(153, held())
      C.moon_governor_report(governor, 0, 0)
      assert.equal(53, held())
    end)

    it("looks at the sum, not at any one of them", function()
      report(400, 400, 0)
      assert.equal("calm", pressure())
      report(400, 400, 1)
      assert.equal("shed", pressure())
      report(0, 400, 1)
      assert.equal("calm", pressure())
    end)

    it("has a number for each, the last one too", function()
      create(1000, 64)
      for i = 0, 63 do C.moon_governor_report(governor, i, i) end
      assert.equal(63 * 64 / 2, held())
    end)
  end)

  describe("excess", function()
    before_each(function() create(1000, 3) end)

    it("is nothing up to 90 %", function()
      report(300, 300, 300)
      assert.equal(0, excess(300))
    end)

    it("is shared in proportion to what each holds", function()
      report(500, 300, 200) -- 100 too many
      assert.equal(50, excess(500))
      assert.equal(30, excess(300))
      assert.equal(20, excess(200))
      assert.equal(0, excess(0))
    end)

    it("is rounded up, so that the sum comes back to 90 %", function()
      report(301, 300, 300) -- one too many
      assert.equal(1, excess(301))
      assert.equal(1, excess(300))
    end)

    it("is all of it, and no more, for a thread alone with hardly any budget", function()
      create(1, 1) -- 90 % of it are no whole byte
      report(77)
      assert.equal(77, excess(77))
    end)

    it("goes by what a thread holds now, even if it has reported less", function()
      report(500, 500, 0)
      assert.equal(60, excess(600))
    end)

    it("brings any three threads to 90 %, and takes from nobody what it does not hold", function()
      local random = core.random(11)
      local over = 0
      for _ = 1, 2000 do
        create(random(1, 100000), 3)
        local budget = tonumber(C.moon_governor_budget_bytes(governor))
        local holds = { random(0, 100000), random(0, 100000), random(0, 3) }
        report(unpack(holds))
        local sum, left = held(), 0
        for _, bytes in ipairs(holds) do
          local gone = excess(bytes)
          assert.is_true(gone <= bytes)
          left = left + bytes - gone
        end
        local limit = math.floor(budget * 90 / 100)
        if sum <= limit then assert.equal(sum, left) else over = over + 1 end
        assert.is_true(left <= limit or sum <= limit)
        assert.is_true(sum <= limit or left > limit - 3) -- a byte each by rounding
      end
      assert.is_true(over > 200 and over < 1990)
    end)

    it("does not overflow with many terabytes", function()
      create(2 ^ 50, 2)
      report(2 ^ 49, 2 ^ 49)
      local limit = math.floor(2 ^ 50 * 9 / 10)
      assert.equal(math.ceil((2 ^ 50 - limit) / 2), excess(2 ^ 49))
    end)
  end)

  it("may be destroyed when there is none", function() C.moon_governor_destroy(nil) end)
end)
