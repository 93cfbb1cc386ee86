local client = require "spec.support.client"
local crowd = require "spec.support.crowd"
local server = require "spec.support.server"

-- Everybody is sent as much as their queues hold; who reads decides what that costs.
local PLUGIN = [[return function(gate)
  gate:raw("/fill", {
    opened = function(conn) gate:room("fill"):add(conn) end,
    received = function(conn, bytes)
      local class, count, size = bytes:match "(%a+) (%d+) (%d+)"
      if class == "ping" then return conn:send "pong" end
      local text = string.rep("x", tonumber(size))
      for _ = 1, tonumber(count) do gate:room("fill"):publish(text, { class = class }) end
    end,
  })
end]]

describe("the memory of the whole process", function()
  local house, many, ann

  before_each(function()
    house = server.start { tls = false, plugins = { fill = PLUGIN }, arguments = {
      "--memory-budget-mb", "24", "--max-outbox-bytes", "4000000", "--threads", "2",
      "--max-outbox-messages", "100000", "--close-timeout-ms", "500" } }
    ann = client.connect(house.port, "/fill")
    many = crowd.connect(house.port, 30, "/fill", { receive_bytes = 4096 }):enter()
    for _, member in ipairs(many) do member:set_deaf(true) end
  end)
  after_each(function()
    many:leave()
    ann:cut()
    house:stop()
  end)

  --- Has the server say more and more until its metrics say what is looked for; ann reads all.
  local function fill_until(class, is_done)
    server.eventually("memory to run short", function()
      ann:send_text(class .. " 20 20000")
      ann:send_text "ping 0 0"
      repeat until assert(ann:read(), "closed") == "pong"
      return is_done(house:metrics())
    end)
  end

  it("sheds volatile messages before it is short, and nobody is closed for them", function()
    fill_until("volatile", function(now)
      return now['moongate_dropped_by_total{cause="shed"}'] > 0
    end)
    house:logs "governor: memory is short"
    local now = house:metrics()
    server.eventually("memory to be within its budget", function()
      return house:metrics()["moongate_memory_held_bytes"] < 24 * 1048576
    end)
    assert.equal(0, now["moongate_culled_total"])
    assert.equal(31, now['moongate_connections{state="open"}'])
  end)

  it("closes those that hold the most with 4011, and the others go on", function()
    fill_until("reliable", function(now) return now["moongate_culled_total"] > 0 end)
    local now = house:metrics()
    assert.equal(now["moongate_culled_total"], now['moongate_closed_total{reason="overload"}'])
    server.eventually("memory to be free again", function()
      return house:metrics()["moongate_memory_held_bytes"] < 24 * 1048576 * 0.95
    end)
    ann:send_text "ping 0 0"
    repeat until assert(ann:read(), "closed") == "pong"
    local _, lines = house:log():gsub("memory is short", "")
    assert.is_true(lines <= 10) -- at most one a second and thread
  end)

  it("takes it from those who send messages without an end", function()
    local small = server.start { tls = false, arguments = { "--memory-budget-mb", "16",
      "--threads", "1" } }
    local half = "\1\254\250\0\0\0\0\0" .. ("x"):rep(64000) -- a first fragment of 64000
    local endless = crowd.connect(small.port, 300, "/ws"):enter()
    for _, member in ipairs(endless) do member:send_bytes(half) end
    endless:run(function() return endless.gone > 50 end, "some to be closed")
    local now = small:metrics()
    assert.is_true(now['moongate_closed_total{reason="overload"}'] > 50)
    client.guest(small.port, "ann"):close()
    endless:leave()
    small:stop()
  end)

  it("refuses newcomers with 503 when nothing else helps", function()
    local small = server.start { tls = false, arguments = { "--memory-budget-mb", "16",
      "--threads", "1" } }
    local silent = crowd.connect(small.port, 1000, "/ws", { request = "GET /ws HTTP/1.1\r\n" })
    local response
    silent:run(function()
      response = client.request(small.port, client.upgrade("/ws", small.port))
      response.socket:close()
      return response.status == 503
    end, "a refusal")
    assert.truthy(response.head:find "Retry%-After: %d")
    assert.is_true(small:metrics()["moongate_memory_held_bytes"] > 15 * 1048576)
    server.eventually("it to be counted", function()
      return small:metrics()['moongate_refused_total{reason="memory"}'] >= 1
    end)
    silent:leave()
    small:stop()
  end)
end)
