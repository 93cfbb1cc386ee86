local network_of = require "scripts.auth.network"

describe("the network of an address", function()
  it("is an IPv4 address itself", function()
    for _, address in ipairs { "192.0.2.7", "127.0.0.1", "" } do
      assert.equal(address, network_of(address))
    end
  end)

  it("is the first half of an IPv6 address, however short that is written", function()
    for address, network in pairs {
      ["2001:db8:1:2:3:4:5:6"] = "2001:db8:1:2::/64",
      ["2001:db8:1:2::6"] = "2001:db8:1:2::/64",
      ["2001:db8:1:2:3::"] = "2001:db8:1:2::/64",
      ["2001:db8:1::6"] = "2001:db8:1:0::/64",
      ["2001:db8::3:4:5:6"] = "2001:db8:0:0::/64",
      ["2001:db8::2:3:4:5:6"] = "2001:db8:0:2::/64",
      ["2001::1:2:3:4:5:6"] = "2001:0:1:2::/64",
      ["::2:3:4:5:6:7:8"] = "0:2:3:4::/64",
      ["::1"] = "0:0:0:0::/64",
      ["::"] = "0:0:0:0::/64",
      ["64:ff9b::192.0.2.7"] = "64:ff9b:0:0::/64",
      ["1:2:3::4:5:192.0.2.7"] = "1:2:3:0::/64",
    } do
      assert.equal(network, network_of(address), address)
    end
  end)
end)
