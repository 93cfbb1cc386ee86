local fake_gate = require "spec.support.fake_gate"

local OTHER = [[return function(gate)
  gate:on("say", function() return { said = true } end)
  for _, name in ipairs { "look", "create", "direct", "invite", "register", "role" } do
    gate:on(name, function() return {} end)
  end
  gate:before("*", function() gate.state.asked = (gate.state.asked or 0) + 1 end)
end]]

describe("limits", function()
  local gate, ann

  --- In an app whose other plugin comes before by name, and so in the list, if not said otherwise.
  local function load(options, list)
    gate = fake_gate.load("scripts/limits.lua", options)
    assert(gate:reload({ another = OTHER, init = list }, { limits = options or {} }))
    ann = gate:connect "ann"
    gate:later(100000) -- within a period, not at its end
  end

  local function ask(conn, type, room)
    return gate:deliver(conn, { type = type, room = room })
  end

  --- How many of so many are granted.
  local function granted(count, conn, type, room)
    local n = 0
    for _ = 1, count do
      if ask(conn, type, room) then n = n + 1 end
    end
    return n
  end

  local function waited_ms(conn, type, room)
    for wait_ms = 0, 60000, 50 do
      if ask(conn, type, room) then return wait_ms end
      gate:later(50)
    end
  end

  it("hold for a user, with all connections together, also new ones", function()
    load { user_per_second = 2, user_burst = 6, types = {} }
    local second = gate:connect "ann"
    assert.equal(4, granted(4, ann, "look"))
    assert.equal(2, granted(4, second, "look"))
    gate:close(ann)
    gate:close(second)
    assert.equal(0, granted(1, gate:connect "ann", "look"))
    assert.equal(6, granted(7, gate:connect "bob", "look"))
    gate:later(1000)
    assert.equal(2, granted(5, gate:connect "ann", "look"))
  end)

  it("hold for an address, as long as there is no name", function()
    load { address_per_second = 1, address_burst = 3, types = {} }
    local one = gate:connect(nil, { address = "192.0.2.1" })
    local other = gate:connect(nil, { address = "192.0.2.1" })
    assert.equal(2, granted(2, one, "look"))
    assert.equal(1, granted(2, other, "look"))
    assert.equal(3, granted(4, gate:connect(nil, { address = "192.0.2.2" }), "look"))
    gate.world.user.enter(one, "zoe")
    assert.equal(5, granted(5, one, "look"))
  end)

  it("hold for the /64 of an address of IPv6, as long as there is no name", function()
    load { address_per_second = 1, address_burst = 3, types = {} }
    local count = 0
    for n = 1, 9 do
      count = count + granted(1, gate:connect(nil, { address = "2001:db8::" .. n }), "look")
    end
    assert.equal(3, count)
    assert.equal(1, granted(1, gate:connect(nil, { address = "2001:db8:0:1::1" }), "look"))
  end)

  it("hold for a type, and leave others alone", function()
    load { types = { say = { per_minute = 60, burst = 2 } } }
    assert.equal(2, granted(4, ann, "say"))
    assert.equal(5, granted(5, ann, "look"))
    gate:later(1000)
    assert.equal(1, granted(2, ann, "say"))
  end)

  it("hold for a user in a room, and leave other rooms and users alone", function()
    load { types = {}, room = { per_second = 1, burst = 2 } }
    assert.equal(2, granted(4, ann, "look", "tea"))
    assert.equal(2, granted(4, ann, "say", "coffee"))
    assert.equal(2, granted(4, gate:connect "bob", "say", "tea"))
    assert.equal(5, granted(5, ann, "look"))
    gate:later(1000)
    assert.equal(1, granted(3, ann, "say", "tea"))
  end)

  it("hold for rooms without end together, and for names that are too long", function()
    load { types = {}, room = { per_second = 1, burst = 2 }, user_burst = 1000 }
    for n = 1, 256 do assert.is_truthy(ask(ann, "look", "room " .. n)) end
    local count = 0
    for n = 257, 300 do count = count + (ask(ann, "look", "room " .. n) and 1 or 0) end
    assert.equal(2, count)
    local bob = gate:connect "bob"
    assert.equal(1, granted(1, bob, "look", ("x"):rep(65)))
    assert.equal(1, granted(3, bob, "look", ("y"):rep(65)))
    assert.equal(2, granted(3, bob, "look", ("y"):rep(64)))
  end)

  it("leave alone what is no room", function()
    load { types = {}, room = { per_second = 1, burst = 1 } }
    for _, room in ipairs { 7, true, {} } do assert.equal(3, granted(3, ann, "look", room)) end
  end)

  describe("by address", function()
    for _, name in ipairs { "invite", "role" } do
      it(("hold for %s, of which strangers hear"):format(name), function()
        load()
        local count = 0
        for n = 1, 30 do
          count = count + granted(1, gate:connect("guest " .. n), name, "den")
          gate:later(100)
        end
        assert.equal(20, count)
        gate:later(60000)
        assert.equal(10, granted(15, gate:connect "bob", name, "den"))
      end)
    end

    it("hold for whoever makes something that stays, under however many names", function()
      load { types_by_address = { create = { per_minute = 60, burst = 5 } } }
      local count = 0
      for n = 1, 20 do
        local conn = gate:connect("guest " .. n)
        count = count + granted(2, conn, "create", "room " .. n)
        gate:close(conn)
      end
      assert.equal(5, count)
      assert.equal("rate_limited", (select(2, ask(ann, "create", "tea"))))
      local far = gate:connect("far", { address = "192.0.2.7" })
      assert.equal(1, granted(1, far, "create", "tea"))
      assert.equal(3, granted(3, ann, "look"))
      gate:later(1000)
      assert.equal(1, granted(2, ann, "create", "tea"))
    end)

    it("take the /64 of IPv6 for one, and who has no name yet, too", function()
      load { types_by_address = { register = { per_minute = 1, burst = 2 } } }
      local count = 0
      for n = 1, 5 do
        local conn = gate:connect(nil, { address = "2001:db8::" .. n, path = "/ws" })
        count = count + granted(1, conn, "register")
      end
      assert.equal(2, count)
    end)

    it("have create, direct and register when nothing is set", function()
      load { types = {}, user_burst = 1000, room = { per_second = 1000, burst = 1000 } }
      assert.equal(30, granted(100, ann, "create", "tea"))
      assert.equal(60, granted(100, ann, "direct"))
      assert.equal(20, granted(100, ann, "register"))
    end)
  end)

  it("are as told when nothing is set, for who types and who does not", function()
    load()
    assert.equal(10, granted(30, ann, "say"))
    local bob = gate:connect "bob"
    assert.equal(40, granted(50, bob, "look"))
    gate:later(2000)
    assert.equal(40, granted(50, bob, "look"))
  end)

  it("refuse with a text, and for a while", function()
    load { types = { say = { per_second = 5, burst = 1 } } }
    ask(ann, "say")
    local answer = gate:ask(ann, { type = "say" })
    assert.same({ nil, "rate_limited", "at most 5 per second", true },
      { answer.data, answer.code, answer.text, answer.temporary })
    assert.equal(200, waited_ms(ann, "say"))
  end)

  it("say when to come again", function()
    load { types = { say = { per_minute = 2, burst = 1 } } }
    local filter = gate.world.plugin.current().plugins.limits.before[1].fn
    local function refusal(type)
      local _, _, _, _, retry_after_ms = filter(ann, { type = type })
      return retry_after_ms
    end
    assert.is_nil(refusal "say")
    assert.equal(30000, refusal "say")
    gate:later(10000)
    assert.equal(20000, refusal "say")
  end)

  it("are asked before all other filters when they are first in the list", function()
    load({ user_burst = 1, user_per_second = 1 },
      'return { { "limits", options = { user_burst = 3, types = {} } }, "another", '
      .. 'trust = "trusted" }')
    assert.equal(3, granted(10, ann, "look"))
    assert.equal(3, gate.world.state.of("another").asked)
  end)

  it("forget nobody who could gain by it", function()
    load { types = { say = { per_minute = 1, burst = 2 } } }
    assert.equal(2, granted(3, ann, "say"))
    for _ = 1, 3 do
      gate:later(59000)
      granted(1, gate:connect "bob", "look")
      gate:later(1000)
      assert.equal(1, granted(2, ann, "say"))
    end
  end)

  it("count what they refuse, and not by types that clients make up", function()
    load { user_burst = 20, types = { say = { per_second = 1, burst = 1 } },
      room = { per_second = 1, burst = 2 } }
    granted(3, ann, "say")
    granted(4, ann, "look", "tea")
    for n = 1, 20 do ask(ann, "made up " .. n) end
    gate:later(5000)
    local reports = gate.core:issued "report"
    local text = reports[#reports].text
    for _, line in ipairs { '{limit="type",type="say"} 2', '{limit="room",type="other"} 2',
      '{limit="user",type="other"} 7' } do
      assert.is_truthy(text:find("plugin_limits_refused_total" .. line, 1, true), text)
    end
  end)

  it("say what is wrong with an option, with plugin and file", function()
    for text, options in pairs {
      ['limits.lua: option "types.say": expected either per_second or per_minute'] =
        { types = { say = { burst = 1 } } },
      ['limits.lua: option "room": burst: expected a number of at least 1'] =
        { room = { per_second = 1 } },
      ['option "user_per_second": expected a number from 0.001 to 1000000, got 0'] =
        { user_per_second = 0 },
      ['option "address_burst": expected a number from 1 to 1000000, got "9"'] =
        { address_burst = "9" },
    } do
      local ok, problem = pcall(fake_gate.load, "scripts/limits.lua", options)
      assert.is_false(ok)
      assert.is_truthy(problem:find(text, 1, true), problem)
    end
  end)
end)
