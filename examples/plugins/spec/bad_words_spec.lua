local test = require "moongate.test"

describe("bad_words", function()
  local ann, bob

  before_each(function()
    local gate = test.gate { "rooms", { "bad_words", options = { words = { "Darn", "heck" } } } }
    ann, bob = gate:connect { user = "ann" }, gate:connect { user = "bob" }
    for _, conn in ipairs { ann, bob } do conn:ask("join", { room = "tea" }) end
  end)

  local function hears(data)
    ann:say("tea", data)
    local heard = bob:heard()
    return heard[#heard].data
  end

  it("puts stars for words, whatever their case, but not for parts of others", function()
    assert.same({ text = "**** it, what the **** is darning?" },
      hears { text = "Darn it, what the HECK is darning?" })
    assert.same({ text = "heck\195\169" }, hears { text = "heck\195\169" })
    assert.equal("****", hears "darn")
  end)

  it("leaves alone what is no text", function() assert.same({ 7, "darn" }, hears { 7, "darn" }) end)
end)
