local names = require "scripts.auth.names"

describe("auth names", function()
  it("of users have 1 to 128 bytes, of guests 1 to 32 characters", function()
    local cases = {
      { "ann", true, true }, { ("a"):rep(32), true, true }, { ("a"):rep(33), true, false },
      { ("\195\169"):rep(32), true, true }, { ("a"):rep(128), true, false },
      { ("a"):rep(129), false, false }, { "", false, false }, { " ann", false, false },
      { "ann ", false, false }, { "a\nn", false, false }, { "a\194\133n", false, false },
      { "auth0|5f7c8ec7c33c6c004bbafe82", true, true },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[2], names.is_user(case[1]), case[1])
      assert.equal(case[3], names.is_guest(case[1]), case[1])
    end
    assert.is_false(names.is_user(7))
    assert.is_false(names.is_user(nil))
  end)

  it("of keys and devices may be missing, and have 1 to 64 bytes", function()
    for _, is_right in ipairs { names.is_key, names.is_device } do
      assert.is_true(is_right(nil))
      assert.is_true(is_right(("k"):rep(64)))
      assert.is_false(is_right(("k"):rep(65)))
      assert.is_false(is_right "")
      assert.is_false(is_right(7))
    end
  end)
end)
