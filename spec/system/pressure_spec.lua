local client = require "spec.support.client"
local server = require "spec.support.server"

local PLUGIN = [[return function(gate)
  gate:raw("/echo", { received = function(conn, bytes) conn:send(bytes) end })
  gate:on("busy", function(_, message)
    local stop = os.clock() + message.seconds
    while os.clock() < stop do end
    return {}
  end)
end]]

describe("full rings", function()
  it("make clients wait and lose nothing", function()
    local house = server.start {
      is_patient = true,
      plugins = { pressure = PLUGIN },
      arguments = { "--threads", "2" },
    }
    local ann = client.guest(house.port, "ann")
    local echoes = {}
    for i = 1, 8 do echoes[i] = client.connect(house.port, "/echo") end
    ann:says { type = "busy", seconds = 1.5 }
    local messages, size = 30, 16000 -- 3.8 MB: the rings hold 2
    for n = 1, messages do
      for i, each in ipairs(echoes) do
        each:send_text(("%d.%d."):format(i, n) .. ("x"):rep(size))
      end
    end
    for i, each in ipairs(echoes) do
      for n = 1, messages do
        local text = assert(each:read(), "closed")
        assert.equal(("%d.%d."):format(i, n), text:match "^%d+%.%d+%.")
        assert.equal(size, #text:match "x+$")
      end
    end
    assert.is_true(house:metrics()['moongate_ring_overflows_total{direction="events"}'] >= 1)
    for _, each in ipairs(echoes) do each:close() end
    ann:close()
    house:stop()
  end)

  it("do not keep clients from being heard while a timer says more than can be written",
    function()
      local house = server.start { is_patient = true, plugins = { torrent = [[return function(gate)
        local text = ("x"):rep(400000)
        gate:every(1, function()
          for _ = 1, 20 do gate:room("nobody is here"):publish(text) end
        end)
      end]] } }
      local ann = client.guest(house.port, "ann", "tea")
      for n = 1, 20 do
        assert.is_true(ann:asks({ type = "say", room = "tea", data = n }).ok)
      end
      server.eventually("commands to have spilled", function()
        return house:metrics()['moongate_ring_overflows_total{direction="commands"}'] > 0
      end)
      ann:close()
      house:stop()
    end)

  it("of both kinds at once end in no deadlock, and no coming or going is lost", function()
    local house = server.start { is_patient = true, plugins = { both = [[return function(gate)
      local opened, closed = 0, 0
      local text = ("x"):rep(300000)
      gate:raw("/both", {
        opened = function() opened = opened + 1 end,
        received = function(conn, bytes)
          for _ = 1, 8 do gate:room("nobody is here"):publish(text) end
          conn:send(bytes)
        end,
        closed = function() closed = closed + 1 end,
      })
      gate:raw("/count", { received = function(conn) conn:send(opened .. " " .. closed) end })
      gate:on("busy", function(_, message)
        local stop = os.clock() + message.seconds
        while os.clock() < stop do end
      end)
    end]] }, arguments = { "--threads", "2" } }
    local ann, count = client.guest(house.port, "ann"), client.connect(house.port, "/count")
    local echoes = {}
    for i = 1, 40 do echoes[i] = client.connect(house.port, "/both") end
    ann:says { type = "busy", seconds = 1 }
    for i, each in ipairs(echoes) do
      for n = 1, 2 do each:send_text(("%d %d "):format(i, n) .. ("x"):rep(60000)) end
    end
    for i = 21, 40 do echoes[i]:cut() end -- while nobody can be told
    for i = 1, 20 do
      for n = 1, 2 do
        assert.equal(("%d %d"):format(i, n), assert(echoes[i]:read(), "closed"):match "^%d+ %d+")
      end
    end
    local now = house:metrics()
    assert.is_true(now['moongate_ring_overflows_total{direction="events"}'] > 0)
    assert.is_true(now['moongate_ring_overflows_total{direction="commands"}'] > 0)
    for i = 1, 20 do echoes[i]:close() end
    server.eventually("all to have come and gone", function()
      count:send_text "?"
      return count:read() == "40 40"
    end)
    count:close()
    ann:close()
    house:stop()
  end)

  it("are emptied although everybody is silent afterwards", function()
    local house = server.start { is_patient = true, plugins = { pressure = PLUGIN } }
    local ann = client.guest(house.port, "ann")
    local echoes = {}
    for i = 1, 60 do echoes[i] = client.connect(house.port, "/echo") end
    ann:says { type = "busy", seconds = 1 }
    for _, each in ipairs(echoes) do
      for n = 1, 2 do each:send_text(n .. ("x"):rep(60000)) end
    end
    for _, each in ipairs(echoes) do
      for n = 1, 2 do assert.equal(tostring(n), assert(each:read(), "closed"):sub(1, 1)) end
    end
    for _, each in ipairs(echoes) do each:close() end
    ann:close()
    house:stop()
  end)

  it("do not keep the answer to a Close from being read", function()
    local house = server.start { is_patient = true, plugins = { pressure = PLUGIN },
      arguments = { "--threads", "1" } }
    local ann, bob = client.guest(house.port, "ann"), client.connect(house.port, "/echo")
    local echoes = {}
    for i = 1, 8 do echoes[i] = client.connect(house.port, "/echo") end
    ann:says { type = "busy", id = 1, seconds = 1.5 }
    bob:send_text "\255"
    local opcode, payload = bob:read_frame()
    assert.same({ client.CLOSE, "\3\239" }, { opcode, payload:sub(1, 2) }) -- 1007
    for n = 1, 6 do -- 2.8 MB: the ring holds 1
      for _, each in ipairs(echoes) do each:send_text(n .. ("x"):rep(60000)) end
    end
    bob:send(client.CLOSE, "\3\239")
    assert.is_nil((bob.socket:receive(1)))
    ann.socket:settimeout(0)
    assert.is_nil((ann.socket:receive(1)), "the script was done before bob had his end")
    ann.socket:settimeout(30)
    for _, each in ipairs(echoes) do
      for n = 1, 6 do assert.equal(tostring(n), assert(each:read(), "closed"):sub(1, 1)) end
      each:close()
    end
    assert.is_true(house:metrics()['moongate_ring_overflows_total{direction="events"}'] > 0)
    house:stop()
  end)
end)
