local fake_gate = require "spec.support.fake_gate"

describe("the declaration of a room kind", function()
  it("is checked", function()
    for call, problem in pairs {
      ["{ jonied = print }"] = 'there is no "jonied", there are: ',
      ["{ joined = 7 }"] = "joined: expected a function, got number",
      ["{ tick_hz = 20 }"] = "tick and tick_hz: both or none",
      ["{ tick_hz = 61, tick = print }"] = "tick_hz: expected more than 0, at most 60, got 61",
      ["{ max_members = 0 }"] = "max_members and empty_ms: expected whole numbers from 1",
      ["{ migrations = { x = print } }"] = "migrations: expected functions by version, ",
      ["{ migrations = { 5 } }"] = "migrations: expected functions by version, ",
    } do
      local ok, found = pcall(fake_gate.load,
        { a = ("return function(gate) gate:room_kind('match', %s) end"):format(call) })
      assert.is_false(ok)
      assert.is_truthy(found:find("/a.lua:1: gate:room_kind: " .. problem, 1, true), found)
    end
  end)
end)
