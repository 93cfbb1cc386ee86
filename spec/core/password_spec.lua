local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load_apart("core/password.h", "crypto")

local function hash_of(password)
  local hash = core.exact(("?"):rep(C.MOON_MAX_HASH_BYTES))
  assert.equal(C.MOON_PASSWORD_DONE, C.moon_password_hash(core.exact(password), #password, hash))
  return ffi.string(hash)
end

local function check(password, hash)
  return C.moon_password_check(core.exact(password), #password, core.exact(hash), #hash)
end

describe("a password", function()
  after_each(core.tidy)

  it("has a hash of argon2id at the cost that OWASP asks for", function()
    assert.matches("^%$argon2id%$v=19%$m=19456,t=2,p=1%$[%w+/]+%$[%w+/]+$", hash_of "secret")
  end)

  it("is that of its hash, and no other is", function()
    local hash = hash_of "s\0ecret"
    assert.equal(C.MOON_PASSWORD_DONE, check("s\0ecret", hash))
    for _, other in ipairs { "", "s", "s\0ecrets", "S\0ecret" } do
      assert.equal(C.MOON_PASSWORD_WRONG, check(other, hash))
    end
    assert.equal(C.MOON_PASSWORD_DONE, check("", hash_of ""))
  end)

  it("has another hash each time", function()
    assert.are_not.equal(hash_of "secret", hash_of "secret")
  end)

  -- The library's own vectors, which are in its test.c
  it("is that of a hash made elsewhere, which is outdated", function()
    local HASHES = {
      "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
      "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
      "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
    }
    for _, hash in ipairs(HASHES) do
      assert.equal(C.MOON_PASSWORD_OUTDATED, check("password", hash))
      assert.equal(C.MOON_PASSWORD_WRONG, check("passworD", hash))
    end
  end)

  it("is not compared with what is no hash, or costs too much", function()
    local good = hash_of "secret"
    local function with(from, to) return (good:gsub(from, to, 1)) end
    for _, hash in ipairs { "", "x", "$argon2id$", good:sub(1, -50), good .. "$", good .. "\0",
      with("argon2id", "argon2i"), with("v=19", "v=16"), with("v=19%$", ""),
      with("m=19456", "m=65537"), with("m=19456", "m=4294967296"), with("m=19456", "m="),
      with("m=19456", "m=99999999999999999999"), with("t=2", "t=11"), with("t=2", "t=0"),
      with("p=1", "p=5"), with("p=1", "p=-1"), with("m=19456", "m=4"), with("%$[%w+/]+$", "$"),
      good .. ("A"):rep(300), ("$"):rep(255) } do
      assert.equal(C.MOON_PASSWORD_BAD_HASH, check("secret", hash), hash)
    end
  end)
end)
