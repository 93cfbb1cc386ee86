local fake_gate = require "spec.support.fake_gate"

describe("gate.facts", function()
  local SHOWN = [[return function(gate)
    gate:on("facts", function() return gate.facts end)
    gate:on("change", function() gate.facts.version = "mine" end)
  end]]
  local FACTS = { version = "0.0.0-fake", max_message_bytes = 65536, ping_interval_ms = 25000,
    auth_timeout_ms = 10000, has_store = false }

  it("are what the process was started with", function()
    local gate = fake_gate.load { a = SHOWN }
    assert.same(FACTS, gate:deliver(gate:connect "ann", { type = "facts" }))
  end)

  it("are each plugin's own", function()
    local gate = fake_gate.load { a = SHOWN, b = SHOWN:gsub('"facts"', '"others"')
      :gsub('"change"', '"other"') }
    local ann = gate:connect "ann"
    gate:deliver(ann, { type = "change" })
    assert.same(FACTS, gate:deliver(ann, { type = "others" }))
  end)
end)
