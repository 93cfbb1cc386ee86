local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/proxy.h"

local SIGNATURE = "\r\n\r\n\0\r\nQUIT\n"
local LOCAL, PROXY = "\32", "\33"
local UNSPEC, TCP4, UDP4, TCP6, UNIX = "\0", "\17", "\18", "\33", "\49"
local MORE, BAD = tonumber(C.MOON_PROXY_MORE), tonumber(C.MOON_PROXY_BAD)

local V4 = "\192\0\2\1" .. "\198\51\100\7" .. "\48\57" .. "\1\187"
local V6 = "\32\1\13\184" .. ("\0"):rep(11) .. "\1" .. ("\170"):rep(16) .. "\48\57" .. "\1\187"

local function text_of(address)
  local text = ffi.new("char[?]", C.MOON_ADDRESS_TEXT)
  C.moon_address_format(address, text)
  return ffi.string(text)
end

local function header(command, family, rest, length)
  length = length or #rest
  local high, low = math.floor(length / 256), length % 256
  return SIGNATURE .. command .. family .. string.char(high, low) .. rest
end

describe("PROXY header", function()
  after_each(core.tidy)

  --- The result, and for a whole header the address that it gives, or "none".
  local function parse(bytes)
    local said = ffi.new "struct moon_proxied"
    said.has_address, said.address.bytes[0] = true, 170
    local result = C.moon_proxy_parse(core.exact(bytes), #bytes, said)
    if result > 0 then return result, said.has_address and text_of(said.address) or "none" end
    assert.same({ true, 170 }, { said.has_address, said.address.bytes[0] })
    return result
  end

  it("gives the client's address, and not the server's", function()
    assert.same({ 28, "192.0.2.1" }, { parse(header(PROXY, TCP4, V4)) })
    assert.same({ 52, "2001:db8::1" }, { parse(header(PROXY, TCP6, V6)) })
  end)

  it("gives an IPv4-mapped address as IPv4", function()
    local mapped = ("\0"):rep(10) .. "\255\255\192\0\2\1" .. V6:sub(17)
    assert.same({ 52, "192.0.2.1" }, { parse(header(PROXY, TCP6, mapped)) })
  end)

  it("ends where it says, and leaves what is behind", function()
    assert.same({ 28, "192.0.2.1" }, { parse(header(PROXY, TCP4, V4) .. "GET /") })
    assert.same({ 35, "192.0.2.1" }, { parse(header(PROXY, TCP4, V4 .. "\4\0\4tlvs") .. "GET /") })
    assert.same({ 16, "none" }, { parse(header(LOCAL, UNSPEC, "") .. "GET /") })
  end)

  it("gives none for LOCAL of any family, nor for families other than TCP over IP", function()
    for byte = 0, 255 do
      assert.same({ 20, "none" }, { parse(header(LOCAL, string.char(byte), "tlvs")) })
    end
    for _, family in ipairs { UNSPEC, UDP4, "\34", UNIX, "\50", "\1", "\16", "\32", "\48" } do
      assert.same({ 16, "none" }, { parse(header(PROXY, family, "")) })
      assert.same({ 232, "none" }, { parse(header(PROXY, family, ("u"):rep(216))) })
    end
  end)

  it("is bad with a family or a protocol that version 2 has not", function()
    for byte = 0, 255 do
      local result = parse(SIGNATURE .. PROXY .. string.char(byte))
      local is_known = math.floor(byte / 16) <= 3 and byte % 16 <= 2
      assert.equal(is_known and MORE or BAD, result, "family " .. byte)
    end
  end)

  it("is bad when it is too short for its addresses", function()
    for length = 0, 11 do
      assert.equal(BAD, parse(header(PROXY, TCP4, V4:sub(1, length))))
      assert.equal(BAD, parse(header(PROXY, TCP4, "", length))) -- known before they have come
    end
    for length = 0, 35 do
      assert.equal(BAD, parse(header(PROXY, TCP6, V6:sub(1, length))))
      assert.equal(BAD, parse(header(PROXY, TCP6, "", length)))
    end
  end)

  it("is bad when it is longer than the longest taken", function()
    local most = C.MOON_PROXY_MAX_BYTES - C.MOON_PROXY_FIXED_BYTES
    for _, kind in ipairs { { PROXY, TCP4 }, { PROXY, UNSPEC }, { LOCAL, UNSPEC } } do
      local command, family = unpack(kind)
      assert.equal(C.MOON_PROXY_MAX_BYTES, (parse(header(command, family, ("x"):rep(most)))))
      assert.equal(MORE, parse(header(command, family, "", most)))
      assert.equal(BAD, parse(header(command, family, "", most + 1)))
      assert.equal(BAD, parse(header(command, family, ("x"):rep(most + 1))))
      assert.equal(BAD, parse(header(command, family, "", 65535)))
      assert.equal(MORE, parse(SIGNATURE .. command .. family .. "\2"))
      assert.equal(BAD, parse(SIGNATURE .. command .. family .. "\3")) -- 768 at least
    end
  end)

  local WHOLE = {
    header(PROXY, TCP4, V4), header(PROXY, TCP6, V6), header(PROXY, TCP4, V4 .. ("t"):rep(508)),
    header(LOCAL, UNSPEC, ""), header(LOCAL, TCP4, V4), header(PROXY, UNIX, ("u"):rep(216)),
  }

  it("is incomplete at every length but its own", function()
    for _, whole in ipairs(WHOLE) do
      for length = 0, #whole - 1 do
        assert.equal(MORE, parse(whole:sub(1, length)), length .. " of " .. #whole)
      end
      assert.equal(#whole, (parse(whole)))
    end
  end)

  it("is bad with any other byte among its first 13, as soon as that is there", function()
    for _, whole in ipairs(WHOLE) do
      for at = 1, 13 do
        for byte = 0, 255 do
          local other = string.char(byte)
          local is_command = at == 13 and (other == LOCAL or other == PROXY)
          if other ~= whole:sub(at, at) and not is_command then
            local corrupt = whole:sub(1, at - 1) .. other .. whole:sub(at + 1)
            if parse(corrupt) ~= BAD or parse(corrupt:sub(1, at)) ~= BAD then
              error(("byte %d as %d is taken"):format(at, byte))
            end
          end
        end
      end
      core.tidy()
    end
  end)

  it("of version 1, or a plain request, is bad", function()
    assert.equal(BAD, parse "PROXY TCP4 192.0.2.1 198.51.100.7 12345 443\r\n")
    assert.equal(BAD, parse "GET / HTTP/1.1\r\n\r\n")
    assert.equal(BAD, parse "\22\3\1")
  end)

  it("of random bytes never gives more than was there", function()
    local random = core.random(9)
    local taken = 0
    for _ = 1, 5000 do
      local rest = {}
      for i = 1, random(0, 60) do rest[i] = string.char(random(0, 255)) end
      local family = string.char(random(0, 3) * 16 + random(0, 2))
      local command = random(1, 2) == 1 and LOCAL or PROXY
      local bytes = header(command, family, table.concat(rest), random(0, 70))
      local result = parse(bytes)
      assert.is_true(result >= BAD and result <= #bytes)
      taken = taken + (result > 0 and 1 or 0)
      core.tidy()
    end
    assert.is_true(taken > 500)
  end)
end)

describe("X-Forwarded-For", function()
  local trusted = ffi.new "struct moon_networks"

  before_each(function()
    local bad = ffi.new "const char *[1]"
    assert(C.moon_networks_parse("10.0.0.0/8, 2001:db8:1::/48", trusted, bad))
  end)
  after_each(core.tidy)

  --- The address; nil when it gives none.
  local function client(value)
    local address = ffi.new "struct moon_address"
    address.bytes[0] = 170
    if C.moon_forwarded_for(core.terminated(value), trusted, address) then
      return text_of(address)
    end
    assert.equal("aa00::", text_of(address))
  end

  it("gives the last address that is no trusted proxy's", function()
    assert.equal("192.0.2.1", client "192.0.2.1")
    assert.equal("192.0.2.2", client "192.0.2.1, 192.0.2.2")
    assert.equal("192.0.2.2", client "192.0.2.1, 192.0.2.2, 10.0.0.1, 10.0.0.2")
    assert.equal("2001:db8::1", client "192.0.2.1,2001:db8::1,2001:db8:1::1")
  end)

  it("gives the first when all are trusted", function()
    assert.equal("10.0.0.1", client "10.0.0.1, 10.0.0.2,10.0.0.3")
    assert.equal("10.0.0.1", client "10.0.0.1")
  end)

  it("does not look at what the client itself has put in front", function()
    for _, forged in ipairs { "10.0.0.9", "junk", "", ",,", "127.0.0.1:x", "[", ("9"):rep(1000) } do
      assert.equal("192.0.2.2", client(forged .. ", 192.0.2.2, 10.0.0.1"))
    end
  end)

  it("gives none when an element on the way is no address", function()
    for _, value in ipairs {
      "", " ", ",", "unknown", "192.0.2.1,", "192.0.2.1, ,10.0.0.1", "192.0.2.1, unknown, 10.0.0.1",
      "192.0.2.1 192.0.2.2", ",10.0.0.1", "192.0.2.1\n", "_hidden, 10.0.0.1", '"192.0.2.1"',
      "1.2.3.4/32", ("1"):rep(55), ("1"):rep(10000), (","):rep(10000),
    } do
      assert.is_nil(client(value), value)
    end
  end)

  it("may have spaces and tabs around its elements, or none", function()
    assert.equal("192.0.2.1", client " \t192.0.2.1\t ,\t10.0.0.1 ")
    assert.equal("192.0.2.1", client "192.0.2.1,10.0.0.1")
  end)

  it("may have ports, and brackets", function()
    assert.equal("192.0.2.1", client "192.0.2.1:8080")
    assert.equal("2001:db8::1", client "[2001:db8::1]:65535, 10.0.0.1:1")
    assert.equal("2001:db8::1", client "[2001:db8::1]")
    assert.equal("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      client "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535")
  end)

  it("gives none when what stands behind the address is no port", function()
    for _, value in ipairs {
      "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:8080x", "192.0.2.1:-1", "192.0.2.1: 80",
      "192.0.2.1:65536", "192.0.2.1:000080",
      "192.0.2.1:99999999999999999999", "[2001:db8::1]:65536",
      "[2001:db8::1]:", "[2001:db8::1]:x", "[2001:db8::1]80", "[2001:db8::1", "2001:db8::1]",
      "[]", "[",
      "[192.0.2.1]", "[192.0.2.1]:80", "[[2001:db8::1]]", "[2001:db8::1]]", ":80", "[]:80",
    } do
      assert.is_nil(client(value), value)
    end
  end)

  it("without trusted proxies gives the last", function()
    trusted.count = 0
    assert.equal("10.0.0.2", client "10.0.0.1, 10.0.0.2")
  end)
end)
