local client = require "spec.support.client"
local file = require "spec.support.file"
local server = require "spec.support.server"

local LISTENER = [[return function(gate)
  gate:needs "presence"
  for _, event in ipairs { "online", "away", "offline" } do
    gate:after(event, function(user) gate:info("heard %s of %s", event, user) end)
  end
end]]

describe("presence", function()
  local house, ann

  --- Changes the list.
  local function set(pattern, by)
    local list, count = file.read(house.app .. "/init.lua"):gsub(pattern, by)
    assert(count == 1, pattern)
    house:save("init", list)
  end

  --- Who lost the connection is away for 200 ms.
  before_each(function()
    house = server.start { plugins = { listener = LISTENER } }
    set('"presence", ', '"presence", options = { grace_ms = 200 }, ')
    house:logs "generation 2: "
    ann = client.guest(house.port, "ann")
  end)

  after_each(function()
    ann:close()
    house:stop()
  end)

  --- The next change of Bob that Ann hears of.
  local function change()
    local push = ann:hears { type = "presence" }
    assert.equal("bob", push.changes[1].user)
    return push.changes[1].state
  end

  it("is what watchers hear: of a break, a return, a second one and a goodbye", function()
    local watched = ann:asks { type = "watch", users = { "bob" } }
    assert.same({ { user = "bob", state = "offline" } }, watched.data.users)
    local bob = client.guest(house.port, "bob")
    assert.equal("online", change())
    bob:cut()
    assert.equal("away", change())
    bob = client.guest(house.port, "bob")
    assert.equal("online", change())
    bob:asks { type = "status", data = { state = "busy" } }
    assert.equal("busy", change())
    bob:cut()
    assert.equal("away", change())
    assert.equal("offline", change())
    bob = client.guest(house.port, "bob")
    assert.equal("online", change())
    assert.equal(1000, bob:close())
    assert.equal("offline", change())
  end)

  it("is told to other plugins", function()
    client.guest(house.port, "bob"):cut()
    for _, event in ipairs { "online", "away", "offline" } do
      house:logs(("heard %s of bob"):format(event))
    end
  end)

  it("outlives a reload, with who is away and who watches", function()
    ann:asks { type = "watch", users = { "bob", "carl" } }
    local bob = client.guest(house.port, "bob")
    assert.equal("online", change())
    set("grace_ms = 200", "grace_ms = 3600000")
    house:logs "generation 3: "
    bob:cut()
    assert.equal("away", change())
    set("grace_ms = 3600000", "grace_ms = 200")
    assert.equal("offline", change())
  end)
end)

describe("limits", function()
  it("hold for a user of two connections, and are counted", function()
    local house = server.start { is_limited = true, arguments = { "--threads", "2" } }
    local first = client.guest(house.port, "ann", "tea")
    local second = client.guest(house.port, "ann", "tea")
    local granted, refused = 0, 0
    for n = 1, 30 do
      local who = n % 2 == 0 and first or second
      local reply = who:asks { type = "say", room = "tea", data = n }
      if reply.ok then
        granted = granted + 1
      else
        refused = refused + 1
        assert.same({ "rate_limited", true }, { reply.error.code, reply.error.temporary })
      end
    end
    assert.is_true(granted >= 10 and refused >= 1, ("%d and %d"):format(granted, refused))
    assert.is_true(first:asks({ type = "ping" }).ok)
    server.eventually("the metric", function()
      return house:metrics()['plugin_limits_refused_total{limit="type",type="say"}'] == refused
    end)
    first:close()
    second:close()
    house:stop()
  end)
end)
