local houses = require "spec.support.house"

local DAY_MS = 86400000
local HOUR_MS = 3600000

describe("rooms that nobody comes to", function()
  local house, gate, ann, guest

  local function load(options, plugins)
    house = houses.open(options, plugins)
    gate = house.gate
    ann, guest = gate:connect "ann", gate:connect "guest"
    guest.state.auth = { guest = true }
  end

  local function records() return gate.world.state.of("rooms").records end

  --- Time passes, all at once: a sweep comes at the end of it, and takes a while.
  local function pass(ms)
    gate.core.now_ms = gate.core.now_ms + ms
    gate:later(100)
  end

  it("are deleted after 30 days, those of guests after 7", function()
    load(nil, { hearer = [[return function(gate)
      gate.state.told = {}
      gate:after("room_deleted", function(name) table.insert(gate.state.told, name) end)
    end]] })
    house:ask(ann, "create", "tea")
    house:ask(ann, "direct", nil, { user = "bob" })
    house:ask(ann, "leave", "@ann,bob")
    house:ask(guest, "create", "milk")
    pass(7 * DAY_MS)
    assert.is_truthy(records().milk)
    pass(DAY_MS)
    assert.is_nil(records().milk)
    assert.same({ "milk" }, gate.world.state.of("hearer").told)
    assert.equal("no_such_room", house:refused(guest, "describe", "milk"))
    pass(22 * DAY_MS)
    assert.is_truthy(records().tea)
    pass(DAY_MS)
    assert.same({}, records())
    assert.same({}, house:ask(ann, "rooms", nil, {}).list)
    assert.matches("plugin_rooms_expired_total 3\n", gate.world.metric.text())
  end)

  it("stay while somebody is in, and for as long again after that", function()
    load { unused_ms = DAY_MS, guest_unused_ms = DAY_MS }
    house:ask(guest, "create", "tea")
    house:ask(ann, "join", "tea")
    pass(5 * DAY_MS)
    assert.is_truthy(records().tea)
    house:ask(ann, "leave", "tea")
    pass(DAY_MS)
    assert.is_truthy(records().tea)
    pass(6 * HOUR_MS)
    assert.is_nil(records().tea)
  end)

  it("stay when somebody looks in between two sweeps, however short", function()
    load { unused_ms = DAY_MS }
    house:ask(ann, "create", "tea")
    for _ = 1, 8 do
      pass(18 * HOUR_MS)
      house:ask(ann, "join", "tea")
      house:ask(ann, "leave", "tea")
    end
    assert.is_truthy(records().tea)
    pass(2 * DAY_MS)
    assert.is_nil(records().tea)
  end)

  it("stay when they are nobody's, or when the operator wants that", function()
    load({ unused_ms = 0, guest_unused_ms = DAY_MS })
    house:ask(ann, "create", "tea")
    house:ask(guest, "create", "milk")
    records().milk.owner = nil
    pass(60 * DAY_MS)
    assert.same({ true, true }, { records().tea ~= nil, records().milk ~= nil })
  end)

  it("have all their time when they are of code that did not know of it", function()
    load { unused_ms = DAY_MS }
    house:ask(ann, "create", "tea")
    records().tea.used_at, records().tea.created_at = nil, 1
    pass(DAY_MS)
    assert.is_truthy(records().tea)
    pass(DAY_MS + HOUR_MS)
    assert.is_nil(records().tea)
  end)

  it("are looked at however many there are", function()
    load { unused_ms = DAY_MS, max_owned = 1000 }
    for n = 1, 450 do house:ask(ann, "create", "r" .. n) end
    pass(2 * DAY_MS)
    assert.same({}, records())
    assert.is_truthy(house:ask(ann, "create", "tea"))
  end)
end)
