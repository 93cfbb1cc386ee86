local client = require "spec.support.client"
local server = require "spec.support.server"

describe("a full house", function()
  local house

  setup(function() house = server.start { arguments = { "--threads", "2" } } end)
  teardown(function() house:stop() end)

  it("carries every message to every member of its room once and in order", function()
    local rooms, members, each = 20, 10, 5
    local guests = {} -- room -> list of clients
    for r = 1, rooms do
      guests[r] = {}
      for m = 1, members do
        guests[r][m] = client.guest(house.port, ("g%d-%d"):format(r, m), "room" .. r)
      end
    end
    for n = 1, each do
      for r = 1, rooms do
        for m = 1, members do
          guests[r][m]:says { type = "say", room = "room" .. r, data = { m, n } }
        end
      end
    end
    for r = 1, rooms do
      local order -- what the first member heard
      for m = 1, members do
        local heard, last = {}, {}
        for i = 1, members * each do
          local said = guests[r][m]:hears { type = "said" }
          assert.equal("room" .. r, said.room)
          assert.equal(("g%d-%d"):format(r, said.data[1]), said.from)
          assert.equal((last[said.from] or 0) + 1, said.data[2])
          last[said.from] = said.data[2]
          heard[i] = said.from .. ":" .. said.data[2]
        end
        order = order or heard
        assert.same(order, heard)
      end
    end
    for r = 1, rooms do
      for m = 1, members do
        local reply = guests[r][m]:asks { type = "ping" } -- nothing else is on the way
        assert.is_true(reply.ok)
        guests[r][m]:cut()
      end
    end
  end)

  it("keeps what is sent to one member in its place among what its room says", function()
    local ann = client.guest(house.port, "ann", "tea")
    for n = 1, 200 do ann:says { type = "say", id = n, room = "tea", data = n } end
    for n = 1, 200 do
      assert.equal(n, ann:hears({ type = "said" }).data)
      assert.equal(n, ann:hears({ type = "reply" }).id)
    end
    assert.equal(1000, ann:close())
  end)

  it("tells a room who comes and goes, and drops a broken connection from it", function()
    local ann = client.guest(house.port, "ann", "den")
    local bob = client.guest(house.port, "bob", "den")
    assert.equal("bob", ann:hears({ type = "joined" }).user)
    bob:cut()
    assert.equal("bob", ann:hears({ type = "left" }).user)
    assert.same({ "ann" }, ann:asks({ type = "members", room = "den" }).data.members)
    ann:close()
  end)
end)
