local addresses = require "auth.addresses"

describe("addresses", function()
  it("are those of IPv4, each for itself", function()
    for _, text in ipairs { "10.0.0.1", "0.0.0.0", "255.255.255.255" } do
      assert.equal(text, addresses.read(text))
    end
  end)

  it("are the networks of IPv6, however they are written", function()
    for text, network in pairs { ["2001:DB8::1"] = "2001:db8::/64", ["::1"] = "::/64",
      ["2001:db8:0:0:ffff:1:2:3"] = "2001:db8::/64", ["2001:0db8::"] = "2001:db8::/64",
      ["2001:db8::/64"] = "2001:db8::/64", ["::"] = "::/64", ["::/64"] = "::/64",
      ["1:2:3:4:5:6:7:8"] = "1:2:3:4::/64", ["1:0:3::9"] = "1:0:3::/64",
      ["0:0:0:4::"] = "0:0:0:4::/64", ["1::3:4:5:6:7:8"] = "1:0:3:4::/64",
      ["fe80::1:2.3.4.5"] = "fe80::/64", ["::2:3:4:5:6:7:8"] = "0:2:3:4::/64" } do
      assert.equal(network, addresses.read(text), text)
      assert.equal(network, addresses.read(network))
    end
  end)

  it("of IPv4 in IPv6 are those of IPv4", function()
    for _, text in ipairs { "::ffff:10.0.0.1", "::FFFF:a00:1", "0:0:0:0:0:ffff:10.0.0.1" } do
      assert.equal("10.0.0.1", addresses.read(text))
    end
  end)

  it("are nothing else", function()
    for _, text in ipairs { "", ":", ":::", "999.999.1.1", "256.0.0.1", "10.0.0", "10.0.0.1.2",
      "10.0.0.01", "10..0.1", ".10.0.0.1", "10.0.0.1.", "10.0.0.1/24", "10.0.0.1/64", "1::2::3",
      "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "12345::", "g::", "1:2:3:4:5:6:7:",
      ":1:2:3:4:5:6:7", "::10.0.0.256", "::10.0.0.1:1", "::1.2", "2001:db8::/48", "::1%eth0",
      " ::1", "localhost", ("1"):rep(49), 7, {}, true } do
      assert.is_nil(addresses.read(text), tostring(text))
    end
    assert.is_nil(addresses.read(nil))
  end)

  it("of connections have a key, whatever they are", function()
    assert.equal("10.0.0.1", addresses.key_of "10.0.0.1")
    assert.equal("2001:db8::/64", addresses.key_of "2001:db8::7")
    assert.equal("2001:db8::/64", addresses.key_of "2001:db8::7")
    assert.equal("a socket", addresses.key_of "a socket")
    for n = 1, 20001 do addresses.key_of("10.0.0." .. n) end
    assert.equal("10.0.0.1", addresses.key_of "10.0.0.1")
  end)
end)
