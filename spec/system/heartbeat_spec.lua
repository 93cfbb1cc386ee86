local client = require "spec.support.client"
local server = require "spec.support.server"
local socket = require "socket"

local BUSY = [[return function(gate)
  gate:on("busy", function(_, message)
    local stop = os.clock() + message.seconds
    while os.clock() < stop do end
    return {}
  end)
  gate:after("closed", function(conn, reason, code)
    gate:info("%s closed: %s %d", tostring(conn.user), reason, code)
  end)
end]]

describe("the heartbeat", function()
  local house

  setup(function()
    house = server.start {
      plugins = { busy = BUSY }, is_patient = true,
      arguments = { "--ping-interval-ms", "800", "--pong-timeout-ms", "400",
        "--close-timeout-ms", "200" },
    }
  end)
  teardown(function() house:stop() end)

  it("closes a client that answers no ping with 4009 while a script is busy", function()
    local mute = client.guest(house.port, "mute")
    local ann = client.guest(house.port, "ann")
    mute.is_mute = true
    ann:says { type = "busy", id = 99, seconds = 2 }
    local reply
    while not mute.closed do
      for _, ready in ipairs((socket.select({ mute.socket, ann.socket }))) do
        local who = ready == ann.socket and ann or mute
        reply = who:step() or reply
      end
    end
    assert.same({ code = 4009, reason = "no_pong" }, mute.closed)
    assert.is_nil(reply, "it had to wait for the script")
    assert.is_true(ann:hears({ type = "reply", id = 99 }).ok) -- ann answered pings meanwhile
    house:logs "mute closed: no_pong 4009"
    ann:close()
  end)

  it("takes anything that arrives for life", function()
    local ann = client.guest(house.port, "ann")
    ann.is_mute = true
    local stop = socket.gettime() + 2.5
    while socket.gettime() < stop do
      assert.is_true(ann:asks({ type = "ping" }).ok)
    end
    ann.is_mute = false
    ann:close()
  end)
end)
