local new_cache = require "scripts.auth.cache"

describe("auth cache", function()
  local now_ms, cache

  before_each(function()
    now_ms = 1000
    cache = new_cache(function() return now_ms end, 3)
  end)

  it("keeps an answer for its time", function()
    cache.keep("a", "one", 10)
    now_ms = 1009
    assert.equal("one", cache.find "a")
    now_ms = 1010
    assert.is_nil(cache.find "a")
    cache.keep("b", "two", -1)
    assert.is_nil(cache.find "b")
  end)

  it("keeps the youngest, at most twice as many as it is told", function()
    for i = 1, 6 do cache.keep("k" .. i, i, 10) end
    assert.is_nil(cache.find "k3")
    assert.equal(4, cache.find "k4")
    cache.keep("k7", 7, 10)
    cache.keep("k7", 8, 10) -- the same again
    cache.keep("k8", 8, 10)
    assert.equal(4, cache.find "k4")
    assert.equal(8, cache.find "k7")
  end)

  it("drops those that are meant, young and old", function()
    for i = 1, 5 do cache.keep("k" .. i, i, 10) end
    cache.drop(function(answer) return answer % 2 == 0 end)
    assert.same({ 1, nil, 3, nil, 5 }, { cache.find "k1", cache.find "k2", cache.find "k3",
      cache.find "k4", cache.find "k5" })
  end)
end)
