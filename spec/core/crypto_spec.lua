local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load_apart("core/crypto.h", "crypto")

local function digits_of(write)
  local digits = core.exact(("?"):rep(64))
  write(digits)
  return ffi.string(digits, 64)
end

local function sha256(bytes)
  return digits_of(function(digits) C.moon_crypto_sha256(core.exact(bytes), #bytes, digits) end)
end

local function hmac(key, bytes)
  return digits_of(function(digits)
    C.moon_crypto_hmac_sha256(core.exact(key), #key, core.exact(bytes), #bytes, digits)
  end)
end

local function is_same(one, other)
  return C.moon_crypto_is_same(core.exact(one), #one, core.exact(other), #other)
end

describe("crypto", function()
  after_each(core.tidy)

  it("has the SHA-256 of FIPS 180-4", function()
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sha256 "")
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", sha256 "abc")
    assert.equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
      sha256(("a"):rep(1000000)))
  end)

  it("has the HMAC of RFC 4231", function()
    assert.equal("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      hmac(("\11"):rep(20), "Hi There"))
    assert.equal("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      hmac("Jefe", "what do ya want for nothing?"))
    assert.equal("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      hmac(("\170"):rep(131), "Test Using Larger Than Block-Size Key - Hash Key First"))
  end)

  it("has an HMAC of nothing, by no key", function()
    assert.equal("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", hmac("", ""))
  end)

  it("compares by bytes and length", function()
    assert.is_true(is_same("", ""))
    assert.is_true(is_same("a\0b", "a\0b"))
    assert.is_false(is_same("a\0b", "a\0c"))
    assert.is_false(is_same("a", "a\0"))
    assert.is_false(is_same("", "a"))
    assert.is_false(is_same("secret", "secrets"))
  end)

  it("has random bytes that are others each time, of every value", function()
    local bytes, seen, count = core.exact(("\0"):rep(4096)), {}, 0
    C.moon_crypto_random(bytes, 4096)
    local first = ffi.string(bytes, 4096)
    C.moon_crypto_random(bytes, 4096)
    assert.are_not.equal(first, ffi.string(bytes, 4096))
    for byte in first:gmatch "." do
      if not seen[byte] then count = count + 1 end
      seen[byte] = true
    end
    assert.is_true(count > 240, count) -- of 256; fewer come once in 10^40 runs
  end)
end)
