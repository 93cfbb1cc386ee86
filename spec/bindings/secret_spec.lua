local fake_core = require "spec.support.fake_core"

describe("secret", function()
  local secret = fake_core.world("moongate.secret").secret

  it("is what is under a name that sounds like one", function()
    for _, name in ipairs { "password", "passwd", "pwd", "pass", "user_pass", "userPass",
      "passphrase", "passcode", "API_KEY", "api-key", "apiKey", "private_key", "access_key",
      "accessKeyId", "key", "AuthToken", "pin", "pin_code", "otp", "totp", "jwt", "bearer",
      "card", "card_number", "cvc", "IBAN", "session id" } do
      assert.is_true(secret.is_one(name), name)
    end
  end)

  it("is not what only looks like one", function()
    for _, name in ipairs { "keys", "spin", "pinned", "text", "passenger", "compass", "passed",
      "cards", "discard", "hotpot", "monkey", "sort_key", "", 1, true, {} } do
      assert.is_false(secret.is_one(name), tostring(name))
    end
  end)

  it("is masked in a copy, however deep it lies", function()
    local given = { user = "ann", inner = { token = "x", list = { 1, 2 } }, key = { "y" } }
    assert.same({ user = "ann", inner = { token = "***", list = { 1, 2 } }, key = "***" },
      secret.masked(given))
    assert.equal("x", given.inner.token)
    assert.equal(5, secret.masked(5))
  end)

  it("does not follow tables without end", function()
    local loop = { n = 1 }
    loop.again = loop
    assert.same({ n = 1, again = { n = 1, again = "..." } }, secret.masked(loop, 2))
  end)

  local function size(value)
    local count = 1
    if type(value) ~= "table" then return count end
    for _, inner in pairs(value) do count = count + size(inner) end
    return count
  end

  it("is a copy of a bounded number of values, however many there are", function()
    local wide = { "x" }
    for _ = 1, 3 do
      local inner = wide
      wide = {}
      for i = 1, 3000 do wide[i] = inner end
    end
    local copy = secret.masked(wide)
    assert.is_true(size(copy) <= 210) -- 200, and "..." for the rest at each depth
    assert.equal("...", copy[#copy])
    assert.equal(size(copy), size(secret.masked(wide)))
    local list = {}
    for i = 1, 200 do list[i] = i end
    assert.same(list, secret.masked(list))
  end)

  it("cuts long strings and names, between characters", function()
    local long = ("x"):rep(199)
    assert.equal(long .. "...", secret.masked(long .. "\195\169x"))
    assert.equal(long .. "x", secret.masked(long .. "x"))
    assert.same({ [long .. "x..."] = long .. "x..." },
      secret.masked { [long .. "xyz"] = long .. "xyz" })
  end)

  it("runs no code of what is masked", function()
    local raises = { __index = error, __tostring = error, __pairs = error, __len = error,
      __eq = error }
    local object = setmetatable({ 1 }, raises)
    assert.same({ inner = "...", n = 1 }, secret.masked { inner = object, n = 1 })
    local _, shown = next(secret.masked { [object] = 1 })
    assert.equal(1, shown)
  end)
end)
