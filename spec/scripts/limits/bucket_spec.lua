local bucket = dofile "scripts/limits/bucket.lua"

describe("a bucket", function()
  local rate = assert(bucket.rate { per_second = 5, burst = 3 })

  it("has its burst at once, then so many in a time", function()
    local held = bucket.new(rate, 0)
    for _ = 1, 3 do assert.equal(0, bucket.take(held, rate, 0)) end
    assert.equal(200, bucket.take(held, rate, 0))
    assert.equal(50, bucket.take(held, rate, 150))
    assert.equal(0, bucket.take(held, rate, 200))
    assert.equal(200, bucket.take(held, rate, 200))
    assert.equal(0, bucket.take(held, rate, 400))
  end)

  it("holds no more than its burst, however long nobody asks", function()
    local held = bucket.new(rate, 0)
    local taken = 0
    while bucket.take(held, rate, 3600000) == 0 do taken = taken + 1 end
    assert.equal(3, taken)
  end)

  it("goes on when the clock is set back", function()
    local held = bucket.new(rate, 3600000)
    for _ = 1, 3 do assert.equal(0, bucket.take(held, rate, 1000)) end
    assert.equal(200, bucket.take(held, rate, 1000))
    assert.equal(0, bucket.take(held, rate, 1200))
  end)

  it("says when there is a token: then there is, and not earlier", function()
    math.randomseed(7)
    for _ = 1, 300 do
      local its = assert(bucket.rate { per_second = 0.01 + math.random() * 100,
        burst = math.random(1, 20) })
      local held, now_ms = bucket.new(its, 0), 0
      for _ = 1, 100 do
        local wait_ms = bucket.take(held, its, now_ms)
        if wait_ms > 0 then
          if wait_ms > 1 then
            local early = { tokens = held.tokens, at_ms = held.at_ms }
            assert.is_true(bucket.take(early, its, now_ms + wait_ms - 1) > 0)
          end
          now_ms = now_ms + wait_ms
          assert.equal(0, bucket.take(held, its, now_ms))
        else
          now_ms = now_ms + math.random(0, 20)
        end
      end
    end
  end)

  it("lets through its burst and its rate, in any time, and no more", function()
    math.randomseed(8)
    local held, now_ms, taken = bucket.new(rate, 0), 0, 0
    for _ = 1, 10000 do
      now_ms = now_ms + math.random(0, 50)
      if bucket.take(held, rate, now_ms) == 0 then taken = taken + 1 end
    end
    assert.is_true(taken <= 3 + now_ms / 200, "too many: " .. taken)
    assert.is_true(taken >= now_ms / 200 - 1, "too few: " .. taken)
  end)
end)

describe("a rate", function()
  it("is per second or per minute, and says so", function()
    local per_minute = assert(bucket.rate { per_minute = 6, burst = 2 })
    assert.same({ "6 per minute", 2 }, { per_minute.text, per_minute.burst })
    assert.equal(20000, bucket.fill_ms(per_minute))
    assert.equal("0.5 per second", bucket.rate({ per_second = 0.5, burst = 1 }).text)
  end)

  it("is refused with what is wrong", function()
    local EITHER = "expected either per_second or per_minute"
    for _, case in ipairs {
      { 5, "expected { per_second = 5, burst = 10 }, got a number" },
      { { burst = 3 }, EITHER },
      { { per_second = 1, per_minute = 1, burst = 3 }, EITHER },
      { { per_second = 0, burst = 3 }, "per_second: expected a number greater than 0" },
      { { per_minute = "9", burst = 3 }, "per_minute: expected a number greater than 0" },
      { { per_second = 1 / 0, burst = 3 }, "per_second: expected a number greater than 0" },
      { { per_second = 1 }, "burst: expected a number of at least 1" },
      { { per_second = 1, burst = 0.5 }, "burst: expected a number of at least 1" },
      { { per_second = 1, bursts = 3 },
        'has no field "bursts", but per_second, per_minute and burst' },
    } do
      local rate, problem = bucket.rate(case[1])
      assert.is_nil(rate)
      assert.equal(case[2], problem)
    end
  end)
end)

describe("a shelf", function()
  local rate = assert(bucket.rate { per_second = 1, burst = 10 })
  local shelf

  before_each(function() shelf = bucket.shelf(3) end)

  it("has one bucket for each key", function()
    local ann = shelf:find("ann", rate, 0, 0)
    assert.equal(10, ann.tokens)
    assert.are_not.equal(ann, shelf:find("bob", rate, 0, 0))
    assert.equal(ann, shelf:find("ann", rate, 0, 0))
  end)

  it("keeps those that are asked for, and forgets others after a whole period", function()
    local ann, bob = shelf:find("ann", rate, 0, 0), shelf:find("bob", rate, 0, 0)
    for period = 1, 5 do assert.equal(ann, shelf:find("ann", rate, 0, period)) end
    assert.are_not.equal(bob, shelf:find("bob", rate, 0, 5))
    ann = shelf:find("ann", rate, 0, 5)
    assert.are_not.equal(ann, shelf:find("ann", rate, 0, 7))
  end)

  it("holds so many of a period, and one that the others share", function()
    for n = 1, 3 do shelf:find("u" .. n, rate, 0, 0) end
    local spare = shelf:find("u4", rate, 0, 0)
    assert.equal(spare, shelf:find("u5", rate, 0, 0))
    assert.equal(spare, shelf:shared(rate, 0))
    assert.are_not.equal(spare, shelf:find("u2", rate, 0, 0))
    assert.are_not.equal(spare, shelf:find("u4", rate, 0, 1))
  end)

  it("has no more than two periods of keys in memory", function()
    for period = 0, 50 do
      for n = 1, 3 do shelf:find(("%d.%d"):format(period, n), rate, 0, period) end
      local count = 0
      for _, side in ipairs { "young", "old" } do
        for _ in pairs(shelf[side]) do count = count + 1 end
      end
      assert.is_true(count <= 6)
    end
  end)
end)
