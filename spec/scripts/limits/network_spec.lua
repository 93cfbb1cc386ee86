local network = require "limits.network"

describe("an address", function()
  it("of IPv4 stands for itself", function()
    assert.equal("192.0.2.7", network.of "192.0.2.7")
    assert.equal("192.0.2.7", network.of "::ffff:192.0.2.7")
  end)

  it("of IPv6 stands for its /64", function()
    for address, expected in pairs {
      ["2001:db8:1:2:3:4:5:6"] = "2001:db8:1:2::/64", ["2001:db8:1:2::"] = "2001:db8:1:2::/64",
      ["2001:db8::6"] = "2001:db8:0:0::/64", ["::1"] = "0:0:0:0::/64", ["::"] = "0:0:0:0::/64",
      ["2001:db8:1:2:3::6"] = "2001:db8:1:2::/64", ["2001:db8::3:4:5:6"] = "2001:db8:0:0::/64",
    } do
      assert.equal(expected, network.of(address), address)
    end
  end)
end)
