local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/reach.h"

local PRIVATE = {
  "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255",
  "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8",
  "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255",
  "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
  "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
  "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::8.8.8.8",
  "64:ff9b:1::1", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "100::1", "2001::1",
  "2001:0:4136:e378::1", "2001:1ff::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1",
  "fc00::1", "fd12:3456:789a::1", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1",
}

local PUBLIC = {
  "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
  "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255",
  "172.32.0.0", "192.0.1.1", "192.0.3.1", "192.167.255.255", "192.169.0.0", "198.17.255.255",
  "198.20.0.0", "223.255.255.255", "::ffff:8.8.8.8", "2001:200::1", "2001:4860:4860::8888",
  "2003::1", "2606:4700::1111", "2a00:1450::1", "64:ff9b:2::1",
}

describe("reach", function()
  after_each(core.tidy)

  --- Whether the address may be fetched from; raises the element that is no network.
  local function reaches(allowed, text)
    local reach, address = ffi.new "struct moon_reach", ffi.new "struct moon_address"
    local bad = ffi.new "const char *[1]"
    if not C.moon_reach_parse(core.terminated(allowed), reach, bad) then
      error(ffi.string(bad[0]), 0)
    end
    assert(C.moon_address_parse(core.terminated(text), address), text)
    return C.moon_reach_has(reach, address)
  end

  it("has no address that is not public", function()
    for _, text in ipairs(PRIVATE) do assert.is_false(reaches("", text), text) end
  end)

  it("has all others", function()
    for _, text in ipairs(PUBLIC) do assert.is_true(reaches("", text), text) end
  end)

  it("has what is named, and nothing beside it", function()
    local allowed = "10.1.0.0/16, ::1"
    assert.is_true(reaches(allowed, "10.1.2.3"))
    assert.is_true(reaches(allowed, "::ffff:10.1.2.3"))
    assert.is_true(reaches(allowed, "::1"))
    assert.is_true(reaches(allowed, "8.8.8.8"))
    assert.is_false(reaches(allowed, "10.2.0.1"))
    assert.is_false(reaches(allowed, "127.0.0.1"))
    assert.is_false(reaches(allowed, "64:ff9b::10.1.2.3"))
  end)

  it("has no IPv4 address because all of IPv6 is named", function()
    assert.is_false(reaches("::/0", "127.0.0.1"))
    assert.is_true(reaches("::/0", "::1"))
  end)

  it("has everything with a star", function()
    for _, text in ipairs(PRIVATE) do assert.is_true(reaches("*", text), text) end
    for _, text in ipairs(PUBLIC) do assert.is_true(reaches("*", text), text) end
  end)

  it("says what is no network", function()
    assert.has_error(function() reaches("10.0.0.0/8, house", "8.8.8.8") end, "house")
    assert.has_error(function() reaches("10.0.0.1/8", "8.8.8.8") end, "10.0.0.1/8")
    assert.has_error(function() reaches("10.0.0.0/8, *", "8.8.8.8") end, "*")
  end)
end)
