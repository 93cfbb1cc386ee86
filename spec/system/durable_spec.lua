local client = require "spec.support.client"
local file = require "spec.support.file"
local server = require "spec.support.server"

local DIARY = [[return function(gate)
  gate:room_kind("diary", {
    durable = true,
    opened = function(room) room.state.lines = {} end,
    restored = function(room) room.state.restarts = (room.state.restarts or 0) + 1 end,
    said = function(room, _, line)
      table.insert(room.state.lines, line)
      return { lines = room.state.lines, restarts = room.state.restarts }
    end,
    left = function(room, conn, reason)
      room.state.last = conn.user .. " " .. reason
      room.state.gone = (room.state.gone or 0) + 1
    end,
  })
  gate:on("open", function() return { is_open = gate:open_room("diary", "d1") ~= nil } end)
  gate:on("close", function() gate:room("d1"):close "over" end)
  gate:on("scribble", function(_, message) gate:room("d1").state.gone = message.gone end)
  gate:on("open_many", function(_, message)
    for n = 1, message.count do gate:open_room("diary", "many" .. n) end
  end)
  gate:on("count", function()
    local count = 0
    for _ in gate:rooms_of "diary" do count = count + 1 end
    return { count = count }
  end)
  gate:on("last", function()
    return { last = gate:room("d1").state.last, gone = gate:room("d1").state.gone }
  end)
end]]

describe("a durable room", function()
  local folder

  before_each(function() folder = file.folder() end)
  after_each(function() file.run("rm -r " .. folder) end)

  local function start()
    return server.start { plugins = { diary = DIARY },
      arguments = { "--store", folder .. "/house.store", "--close-timeout-ms", "100" } }
  end

  --- What the room says of those who left, when it is there again: who opens it waits for that.
  local function last(ann)
    assert.is_false(ann:asks({ type = "open" }).data.is_open)
    return ann:asks({ type = "last" }).data
  end

  local function write(ann, line)
    return ann:asks({ type = "say", room = "d1", data = line }).data
  end

  it("is there again after a restart, as it was when the last member was told to go", function()
    local house = start()
    local ann = client.guest(house.port, "ann")
    ann:asks { type = "open" }
    ann:asks { type = "join", room = "d1" }
    write(ann, "one")
    house:stop()
    house = start()
    ann = client.guest(house.port, "ann")
    assert.equal("ann shutdown", last(ann).last)
    ann:asks { type = "join", room = "d1" }
    assert.same({ lines = { "one", "two" }, restarts = 1 }, write(ann, "two"))
    ann:asks { type = "close" }
    house:stop()
    house = start()
    ann = client.guest(house.port, "ann")
    assert.is_true(ann:asks({ type = "open" }).data.is_open)
    house:stop()
  end)

  it("has after a restart what was written in the last moment, with nobody in", function()
    local house = start()
    local ann = client.guest(house.port, "ann")
    ann:asks { type = "open" }
    ann:asks { type = "scribble", gone = 7 }
    house:stop()
    house = start()
    ann = client.guest(house.port, "ann")
    ann:asks { type = "open" }
    assert.equal(7, ann:asks({ type = "last" }).data.gone)
    house:stop()
  end)

  it("is there again with all others, also with more than the store takes at a time", function()
    local house = start()
    local ann = client.guest(house.port, "ann")
    ann:asks { type = "open_many", count = 5000 }
    house:stop()
    house = start()
    ann = client.guest(house.port, "ann")
    ann:asks { type = "open" }
    assert.equal(5001, ann:asks({ type = "count" }).data.count)
    house:stop()
  end)

  it("has after a restart what was written for each of many who left at the stop", function()
    local house = start()
    local guests = {}
    for n = 1, 20 do guests[n] = client.guest(house.port, "guest" .. n) end
    guests[1]:asks { type = "open" }
    for n = 1, 20 do guests[n]:asks { type = "join", room = "d1" } end
    house:stop()
    house = start()
    local ann = client.guest(house.port, "ann")
    assert.equal(20, last(ann).gone)
    house:stop()
  end)
end)
