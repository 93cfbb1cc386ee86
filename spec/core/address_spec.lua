local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/address.h"

local MAPPED = ("\0"):rep(10) .. "\255\255"

local function of(bytes)
  assert(#bytes == 16)
  local address = ffi.new "struct moon_address"
  ffi.copy(address.bytes, bytes, 16)
  return address
end

local function bytes_of(address) return ffi.string(address.bytes, 16) end

--- The 16 bytes; nil when it is no address.
local function parse(text)
  local address = of(("\170"):rep(16))
  if C.moon_address_parse(core.terminated(text), address) then return bytes_of(address) end
  assert.equal(("\170"):rep(16), bytes_of(address))
end

local function format(bytes)
  local text = ffi.cast("char *", core.exact(("#"):rep(C.MOON_ADDRESS_TEXT)))
  C.moon_address_format(of(bytes), text)
  return ffi.string(text)
end

describe("address", function()
  after_each(core.tidy)

  it("is read from text of either kind", function()
    assert.equal(MAPPED .. "\192\0\2\1", parse "192.0.2.1")
    assert.equal("\32\1\13\184" .. ("\0"):rep(11) .. "\1", parse "2001:db8::1")
    assert.equal("\32\1\13\184" .. ("\0"):rep(11) .. "\1", parse "2001:0DB8:0:0:0:0:0:1")
    assert.equal(("\0"):rep(16), parse "::")
    assert.equal(MAPPED .. "\255\255\255\255", parse "255.255.255.255")
  end)

  it("of IPv4 is the same as its IPv4-mapped form", function()
    assert.equal(parse "192.0.2.1", parse "::ffff:192.0.2.1")
    assert.equal(parse "192.0.2.1", parse "::ffff:c000:201")
    assert.are_not.equal(parse "192.0.2.1", parse "::192.0.2.1")
  end)

  it("is not read from anything else", function()
    for _, text in ipairs {
      "", " ", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4",
      "1.2.3.4/8", "0x7f.1.1.1", "1.2.3.-4", "1.2.3.4:80", ":", ":::", "1::2::3", "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9", "12345::", "g::", "[::1]", "fe80::1%lo", "::1.2.3", "1.2.3.4::",
      "localhost", ("1"):rep(1000), (":"):rep(1000),
    } do
      assert.is_nil(parse(text), text)
    end
  end)

  it("becomes text in the short form", function()
    for _, text in ipairs {
      "192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1", "2001:db8:0:1:1:1:1:1",
      "2001:db8::1:0:0:1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    } do
      assert.equal(text, format(parse(text)))
    end
    assert.equal("192.0.2.1", format(parse "::ffff:192.0.2.1"))
    assert.equal("2001:db8::a", format(parse "2001:0DB8:0000::000A"))
  end)

  it("comes back from the text that it becomes", function()
    local random = core.random(3)
    for _ = 1, 2000 do
      local bytes = {}
      for i = 1, 16 do bytes[i] = string.char(random(0, 2) == 0 and random(0, 255) or 0) end
      local address = table.concat(bytes)
      if random(1, 3) == 1 then address = MAPPED .. address:sub(13) end
      assert.equal(address, parse(format(address)))
    end
  end)

  it("knows IPv4", function()
    local function is_v4(text) return C.moon_address_is_v4(of(parse(text))) end
    assert.is_true(is_v4 "0.0.0.0")
    assert.is_true(is_v4 "::ffff:192.0.2.1")
    assert.is_false(is_v4 "::")
    assert.is_false(is_v4 "::192.0.2.1")
    assert.is_false(is_v4 "1::ffff:192.0.2.1")
  end)

  it("is masked by the bits of its kind", function()
    local function masked(text, v4_bits, v6_bits)
      local address = of(parse(text))
      C.moon_address_mask(address, v4_bits, v6_bits)
      return format(bytes_of(address))
    end
    assert.equal("255.255.255.255", masked("255.255.255.255", 32, 0))
    assert.equal("255.255.255.254", masked("255.255.255.255", 31, 0))
    assert.equal("255.255.128.0", masked("255.255.255.255", 17, 0))
    assert.equal("255.255.0.0", masked("255.255.255.255", 16, 0))
    assert.equal("128.0.0.0", masked("255.255.255.255", 1, 0))
    assert.equal("0.0.0.0", masked("255.255.255.255", 0, 128))
    local all = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    assert.equal(all, masked(all, 0, 128))
    assert.equal("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", masked(all, 0, 127))
    assert.equal("ffff:ffff:ffff:ffff::", masked(all, 0, 64))
    assert.equal("ffff:ffff:ffff:8000::", masked(all, 0, 49))
    assert.equal("8000::", masked(all, 0, 1))
    assert.equal("::", masked(all, 32, 0))
  end)
end)

describe("networks", function()
  local networks = ffi.new "struct moon_networks"
  local bad = ffi.new "const char *[1]"

  after_each(core.tidy)

  --- True, or false and the rest of the text from the element that is bad.
  local function read(text)
    local copy = core.terminated(text)
    if C.moon_networks_parse(copy, networks, bad) then return true end
    return false, text:sub(bad[0] - copy + 1)
  end

  local function have(text) return C.moon_networks_have(networks, of(parse(text))) end

  local function list()
    local all = {}
    for i = 0, networks.count - 1 do
      all[i + 1] = format(bytes_of(networks.items[i].address)) .. "/" .. networks.items[i].bits
    end
    return all
  end

  it("are read from a list, an address alone being a network of one", function()
    assert.is_true(read "127.0.0.0/8, ::1,2001:db8::/32  192.0.2.1 ,")
    assert.same({ "127.0.0.0/104", "::1/128", "2001:db8::/32", "192.0.2.1/128" }, list())
  end)

  it("are none in an empty list", function()
    for _, text in ipairs { "", " ", ",", " , ,, " } do
      read "::1"
      assert.is_true(read(text))
      assert.same({}, list())
      assert.is_false(have "::1")
    end
  end)

  it("have what is in one of them, up to the last bit", function()
    read "10.0.0.0/8, 192.0.2.128/25, 2001:db8::/33"
    for text, is_in in pairs {
      ["10.0.0.0"] = true, ["10.255.255.255"] = true,
      ["9.255.255.255"] = false, ["11.0.0.0"] = false,
      ["192.0.2.127"] = false, ["192.0.2.128"] = true,
      ["192.0.2.255"] = true, ["192.0.3.128"] = false,
      ["2001:db8:7fff:ffff::1"] = true, ["2001:db8:8000::"] = false, ["::10.0.0.1"] = false,
      ["::ffff:10.0.0.1"] = true,
    } do
      assert.equal(is_in, have(text), text)
    end
  end)

  it("of IPv4 may be written in the mapped form, with the bits of that form", function()
    assert.is_true(read "::ffff:10.0.0.0/104, ::ffff:0:0/96")
    assert.same({ "10.0.0.0/104", "0.0.0.0/96" }, list())
    assert.same({ false, "::ffff:0:0/24" }, { read "::ffff:0:0/24" })
    assert.same({ false, "::ffff:10.0.0.0/8" }, { read "::ffff:10.0.0.0/8" })
  end)

  it("of everything are one of IPv4 and one of IPv6", function()
    read "0.0.0.0/0"
    assert.same({ true, false }, { have "192.0.2.1", have "2001:db8::1" })
    read "::/0"
    assert.same({ false, true }, { have "192.0.2.1", have "2001:db8::1" })
    assert.is_true(have "::192.0.2.1")
    read "::/80"
    assert.is_false(have "192.0.2.1")
    read "0.0.0.0/0, ::/0"
    assert.same({ true, true }, { have "192.0.2.1", have "2001:db8::1" })
  end)

  it("that are wrong are pointed at", function()
    for _, element in ipairs {
      "x", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8x", "10.0.0.0/8/8",
      "10.0.0.0/4294967304", "10.0.0.0/18446744073709551624", "/8", "/", "10.0.0.1/8", "10.0.0.0/6",
      "2001:db8::/129", "2001:db8::1/64", "2001:db8::/28", "10.0.0.0\t", ("1"):rep(1000),
      "10.0.0.0/" .. ("0"):rep(100) .. "8",
    } do
      assert.same({ false, element }, { read("127.0.0.1, " .. element) })
      assert.same({ false, element .. ",::1" }, { read(" " .. element .. ",::1") })
    end
  end)

  it("may be as long as the longest is written, and no longer", function()
    local longest = "2001:0db8:0000:0000:0000:0000:192.000.002.001" -- no address, for its zeros
    assert.equal(C.MOON_ADDRESS_TEXT - 1, #longest)
    local real = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"
    assert.equal(C.MOON_ADDRESS_TEXT - 1, #real)
    assert.is_true(read(real .. "/128"))
    assert.is_false((read(real .. "/0128")))
    assert.is_false((read(longest .. "/128")))
  end)

  it("are 64 at most", function()
    local all = {}
    for i = 1, 64 do all[i] = "10.0.0." .. i end
    assert.is_true(read(table.concat(all, ",")))
    assert.equal(64, networks.count)
    assert.is_true(have "10.0.0.64")
    assert.same({ false, "10.1.0.0" }, { read(table.concat(all, ",") .. ",10.1.0.0") })
  end)

  for seed = 1, 4 do
    it("have what a comparison bit by bit says, from seed " .. seed, function()
      local random = core.random(seed)

      local function bit_of(bytes, i)
        return math.floor(bytes:byte(math.floor(i / 8) + 1) / 2 ^ (7 - i % 8)) % 2
      end

      local function with_bits(bits)
        local bytes = {}
        for i = 0, 15 do
          local byte = 0
          for j = 0, 7 do byte = byte * 2 + bits[i * 8 + j] end
          bytes[i + 1] = string.char(byte)
        end
        return table.concat(bytes)
      end

      --- Begins as the bytes do for so many bits, and goes on at random.
      local function like(bytes, bits)
        local all = {}
        for i = 0, 127 do all[i] = i < bits and bit_of(bytes, i) or random(0, 1) end
        return all
      end

      local function any_address()
        return with_bits(like(MAPPED .. "1234", random(1, 2) == 1 and 96 or random(0, 4)))
      end

      local function any_network()
        local address = any_address()
        local is_v4 = address:sub(1, 12) == MAPPED
        local bits = is_v4 and random(96, 128) or random(0, 128)
        local all = like(address, 128)
        for i = bits, 127 do all[i] = 0 end
        address = with_bits(all)
        local text = format(address) .. "/" .. (is_v4 and bits - 96 or bits)
        return { address = address, bits = bits, text = text }
      end

      local function is_in(address, network)
        if address:sub(1, 12) == MAPPED and network.bits < 96 then return false end
        for i = 0, network.bits - 1 do
          if bit_of(address, i) ~= bit_of(network.address, i) then return false end
        end
        return true
      end

      local inside, outside = 0, 0
      for _ = 1, 30 do
        local all, texts = {}, {}
        for i = 1, random(1, 12) do
          all[i] = any_network()
          texts[i] = all[i].text
        end
        assert.same({ true }, { read(table.concat(texts, ", ")) })
        for _ = 1, 40 do
          local near = all[random(1, #all)]
          local address = with_bits(like(near.address, math.max(0, near.bits - random(0, 2))))
          if random(1, 5) == 1 then address = any_address() end
          local expected = false
          for _, network in ipairs(all) do expected = expected or is_in(address, network) end
          if C.moon_networks_have(networks, of(address)) ~= expected then
            error(format(address) .. " in " .. table.concat(texts, ", "))
          end
          inside, outside = inside + (expected and 1 or 0), outside + (expected and 0 or 1)
        end
        core.tidy()
      end
      assert.is_true(inside > 200 and outside > 200)
    end)
  end
end)
