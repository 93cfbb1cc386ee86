local new_breaker = require "scripts.auth.breaker"

describe("auth breaker", function()
  local now_ms, breaker

  before_each(function()
    now_ms = 0
    breaker = new_breaker(function() return now_ms end, 100)
  end)

  local function fail() return breaker.note(false) end

  it("is no wait before three failures in a row", function()
    assert.is_nil(fail())
    assert.is_nil(fail())
    assert.is_nil(breaker.note(true))
    fail()
    fail()
    assert.is_nil(breaker.wait_ms())
    assert.equal("down", fail())
    assert.equal(100, breaker.wait_ms())
  end)

  it("lets one try when the wait is over", function()
    for _ = 1, 3 do fail() end
    now_ms = 99
    assert.equal(1, breaker.wait_ms())
    now_ms = 100
    assert.is_nil(breaker.wait_ms())
    assert.equal(100, breaker.wait_ms())
    assert.equal("up", breaker.note(true))
    assert.is_nil(breaker.wait_ms())
    assert.is_nil(breaker.wait_ms())
  end)

  it("waits twice as long each time, five times", function()
    for _ = 1, 3 do fail() end
    for _, wait_ms in ipairs { 100, 200, 400, 800, 1600, 3200, 3200 } do
      assert.equal(wait_ms, breaker.wait_ms())
      now_ms = now_ms + wait_ms
      assert.is_nil(breaker.wait_ms())
      assert.is_nil(fail())
    end
  end)
end)
