local client = require "spec.support.client"
local json = require "cjson"
local server = require "spec.support.server"

-- "flood": more than sockets hold; else the figures of the connection with this number.
local PLUGIN = [[return function(gate)
  local all = {}
  gate:raw("/f", {
    opened = function(conn) all[#all + 1] = conn end,
    received = function(conn, bytes)
      if bytes == "flood" then
        for _ = 1, 300 do conn:send(("x"):rep(60000)) end
        return
      end
      gate:spawn(function()
        local figures, reason = all[tonumber(bytes)]:figures()
        conn:send(figures or { reason = reason })
      end)
    end,
  })
end]]

describe("the figures of a connection", function()
  local house, ann

  setup(function()
    house = server.start { plugins = { figures = PLUGIN }, arguments = {
      "--max-outbox-bytes", "30000000",
      "--ping-interval-ms", "1500", "--pong-timeout-ms", "1400" } }
    ann = client.connect(house.port, "/f")
  end)
  teardown(function()
    ann:close()
    house:stop()
  end)

  local function look(number)
    ann:send_text(tostring(number))
    return json.decode((ann:read()))
  end

  it("have the last round trip, once a ping was answered", function()
    local figures
    repeat figures = look(1) until figures.rtt_ms
    assert.is_true(figures.rtt_ms > 0 and figures.rtt_ms < 30000)
    assert.equal(0, figures.queued_bytes)
    assert.is_true(figures.sent.reliable > 0)
  end)

  it("have what waits for a client that does not read, and end with it", function()
    local deaf = client.connect(house.port, "/f")
    deaf:send_text "flood"
    local figures
    repeat figures = look(2) until figures.reason or figures.sent.reliable == 300
    assert.is_nil(figures.reason)
    assert.is_true(figures.queued_bytes > 60000)
    assert.equal(300, figures.delivered.reliable + figures.queued.reliable)
    deaf:cut()
    repeat figures = look(2) until figures.reason
    assert.equal("gone", figures.reason)
  end)
end)
