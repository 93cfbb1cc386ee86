local new_attempts = require "scripts.auth.attempts"

describe("auth attempts", function()
  local now_ms, attempts

  before_each(function()
    now_ms = 0
    attempts = new_attempts(function() return now_ms end, { window_ms = 100, max_keys = 3 })
  end)

  it("are so many in a window, which begins with the first", function()
    attempts.count "ann"
    now_ms = 60
    attempts.count "ann"
    assert.is_nil(attempts.wait_ms("ann", 3))
    assert.equal(40, attempts.wait_ms("ann", 2))
    assert.is_nil(attempts.wait_ms("bob", 2))
    now_ms = 100
    assert.is_nil(attempts.wait_ms("ann", 2))
    attempts.count "ann"
    assert.is_nil(attempts.wait_ms("ann", 2))
  end)

  it("are forgiven, the last one or all", function()
    for _ = 1, 3 do attempts.count "ann" end
    attempts.forgive "ann"
    assert.is_nil(attempts.wait_ms("ann", 3))
    assert.equal(100, attempts.wait_ms("ann", 2))
    attempts.forgive("ann", true)
    assert.is_nil(attempts.wait_ms("ann", 1))
    attempts.forgive "nobody"
  end)

  it("of those who have tried of late are not forgotten for those of others", function()
    for i = 1, 20 do
      attempts.count "ann"
      attempts.count("other " .. i)
    end
    assert.is_truthy(attempts.wait_ms("ann", 20))
    assert.is_nil(attempts.wait_ms("other 1", 1))
  end)
end)
