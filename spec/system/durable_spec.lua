local client = require "spec.support.client"
local file = require "spec.support.file"
local server = require "spec.support.server"

local DIARY = [[return function(gate)
  gate:room_kind("diary", {
    durable = true, empty_ms = EMPTY_MS,
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
  gate:on("stored", function()
    local entry = gate.store:get "room:diary:d1"
    return { lines = entry and #entry.state.lines }
  end)
  gate:on("last", function()
    return { last = gate:room("d1").state.last, gone = gate:room("d1").state.gone }
  end)
end]]

describe("a durable room", function()
  local folder, house, ann

  local empty_ms, close_timeout_ms

  local function start()
    house = server.start { plugins = { diary = (DIARY:gsub("EMPTY_MS", empty_ms)) },
      arguments = { "--store", folder .. "/house.store", "--close-timeout-ms", close_timeout_ms } }
    ann = client.guest(house.port, "ann")
  end

  before_each(function()
    folder, empty_ms, close_timeout_ms = file.folder(), "60000", "100"
    start()
    assert.is_true(ann:asks({ type = "open" }).data.is_open)
  end)

  after_each(function()
    house:stop()
    file.run("rm -r " .. folder)
  end)

  local function restart()
    house:stop()
    start()
  end

  --- What the room says of those who left, when it is there again: who opens it waits for that.
  local function last()
    assert.is_false(ann:asks({ type = "open" }).data.is_open)
    return ann:asks({ type = "last" }).data
  end

  local function join() return ann:asks({ type = "join", room = "d1" }).data end
  local function write(line) return ann:asks({ type = "say", room = "d1", data = line }).data end

  it("is there again after a restart, as it was when the last member was told to go", function()
    join()
    write "one"
    restart()
    assert.equal("ann shutdown", last().last)
    join()
    assert.same({ lines = { "one", "two" }, restarts = 1 }, write "two")
    ann:asks { type = "close" }
    restart()
    assert.is_true(ann:asks({ type = "open" }).data.is_open)
  end)

  it("has after a restart what was written in the last moment, with nobody in", function()
    ann:asks { type = "scribble", gone = 7 }
    restart()
    assert.equal(7, last().gone)
  end)

  it("is there again with all others, also with more than the store takes at a time", function()
    ann:asks { type = "open_many", count = 5000 }
    restart()
    last()
    assert.equal(5001, ann:asks({ type = "count" }).data.count)
  end)

  it("has after a restart what was written for each of many who left at the stop", function()
    for n = 1, 20 do
      client.guest(house.port, "guest" .. n):asks { type = "join", room = "d1" }
    end
    restart()
    assert.equal(20, last().gone)
  end)

  it("does not close as empty while the server waits for one who answers no Close", function()
    house:stop()
    empty_ms, close_timeout_ms = "300", "1000"
    start()
    assert.is_false(ann:asks({ type = "open" }).data.is_open)
    join()
    write "one"
    restart() -- ann says nothing more
    assert.equal("ann shutdown", last().last)
  end)

  it("has after a sudden end what it had a second before, and nobody in", function()
    join()
    write "one"
    server.eventually("it to be saved", function()
      return ann:asks({ type = "stored" }).data.lines == 1
    end)
    house:kill()
    start()
    assert.is_nil(last().last)
    assert.same({ "ann" }, join().members)
    assert.same({ lines = { "one", "two" }, restarts = 1 }, write "two")
  end)
end)
