local ffi = require "ffi"
local core = require "spec.support.core"
local token = require "spec.support.token"
local C = core.load_apart("core/public_key.h", "crypto")

local function kind_of(pem)
  local bits = ffi.new("uint32_t[1]", 7)
  local kind = C.moon_public_key_kind(core.exact(pem), #pem, bits)
  return kind, bits[0]
end

local function bytes_of(text)
  local bytes = ffi.new("char[?]", #text)
  return ffi.string(bytes, C.moon_base64_decode(text, #text, bytes))
end

--- The PEM; nil when there is none.
local function made(fn, ...)
  local pem = core.exact(("?"):rep(C.MOON_MAX_PEM_BYTES))
  local arguments = { ... }
  arguments[#arguments + 1] = pem
  local status = fn(unpack(arguments))
  if status == C.MOON_OK then return ffi.string(pem) end
  assert.equal(C.MOON_EINVAL, status)
end

local function of_rsa(n, e)
  return made(C.moon_public_key_of_rsa, core.exact(n), #n, core.exact(e), #e)
end

local function of_ec(curve, point)
  return made(C.moon_public_key_of_ec, core.terminated(curve), core.exact(point), #point)
end

describe("a public key", function()
  after_each(core.tidy)

  it("is of a kind, and of so many bits", function()
    local KINDS = {
      ["RSA:1024"] = { C.MOON_KEY_RSA, 1024 }, ["RSA:2048"] = { C.MOON_KEY_RSA, 2048 },
      ["EC:P-256"] = { C.MOON_KEY_EC, 256 }, ["EC:P-384"] = { C.MOON_KEY_EC, 384 },
      ["EC:P-521"] = { C.MOON_KEY_EC, 521 }, ["EC:secp256k1"] = { C.MOON_KEY_OTHER, 256 },
      ED25519 = { C.MOON_KEY_OTHER, 256 },
    }
    for name, wanted in pairs(KINDS) do
      assert.same({ tonumber(wanted[1]), wanted[2] }, { kind_of(token.pair(name).public) }, name)
    end
  end)

  it("is none when it is private, cut off, or something else", function()
    local pair = token.pair "EC:P-256"
    for _, pem in ipairs { "", "x", pair.private, pair.public:sub(1, -30), ("-"):rep(100),
      "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n" } do
      assert.same({ C.MOON_KEY_NONE, 0 }, { kind_of(pem) })
    end
  end)

  it("is made of the numbers of RFC 7515", function()
    local rsa, ec = token.RFC.RS256.jwk, token.RFC.ES256.jwk
    local pem = of_rsa(bytes_of(rsa.n), bytes_of(rsa.e))
    assert.matches("^%-%-%-%-%-BEGIN PUBLIC KEY%-%-%-%-%-\n", pem)
    assert.same({ C.MOON_KEY_RSA, 2048 }, { kind_of(pem) })
    pem = of_ec("P-256", "\4" .. bytes_of(ec.x) .. bytes_of(ec.y))
    assert.same({ C.MOON_KEY_EC, 256 }, { kind_of(pem) })
  end)

  it("is as long as there may be one", function()
    local pem = of_rsa(("\255"):rep(1024), "\1\0\1")
    assert.same({ C.MOON_KEY_RSA, 8192 }, { kind_of(pem) })
    assert.is_true(#pem < C.MOON_MAX_PEM_BYTES)
    assert.is_nil(of_rsa(("\255"):rep(1025), "\1\0\1"))
  end)

  it("is not made of what no RSA key has", function()
    local n = ("\255"):rep(256)
    for _, numbers in ipairs { { "", "" }, { n, "" }, { "", "\3" }, { n, "\1" }, { n, "\2" },
      { n, "\0" }, { n:sub(2) .. "\254", "\3" }, { "\3", "\3" }, { n, ("\255"):rep(9) } } do
      assert.is_nil(of_rsa(numbers[1], numbers[2]))
    end
  end)

  it("is not made of a point that is not on the curve, or of no curve", function()
    local ec = token.RFC.ES256.jwk
    local x, y = bytes_of(ec.x), bytes_of(ec.y)
    for _, point in ipairs { "", "\0", "\4", "\4" .. x, "\4" .. x .. x, "\4" .. y .. x,
      "\4" .. x .. y .. "\0", "\4" .. ("\0"):rep(64), "\4" .. ("\255"):rep(64), "\5" .. x .. y } do
      assert.is_nil(of_ec("P-256", point), #point)
    end
    for _, curve in ipairs { "", "P-384", "P-999", "x" } do
      assert.is_nil(of_ec(curve, "\4" .. x .. y))
    end
  end)
end)
