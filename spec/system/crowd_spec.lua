local client = require "spec.support.client"
local crowd = require "spec.support.crowd"
local server = require "spec.support.server"
local signal = require "posix.signal"
local unistd = require "posix.unistd"
local wait = require "posix.sys.wait"

local ECHO = [[return function(gate)
  gate:raw("/echo", { received = function(conn, bytes, binary)
    conn:send(bytes, { binary = binary })
  end })
end]]

describe("a crowd", function()
  local house, descriptors

  local function fresh_client_is_served()
    local ann = client.guest(house.port, "ann", "tea")
    assert.is_true(ann:asks({ type = "say", room = "tea", data = 1 }).ok)
    ann:close()
  end

  local function everything_is_given_back()
    server.eventually("tables and descriptors to be as before", function()
      local now = house:metrics()
      return now['moongate_connections{state="open"}'] == 0
        and now['moongate_connections{state="closing"}'] == 0
        and now['moongate_connections{state="greeting"}'] <= 1 -- who asks
        and now["moongate_queued_bytes"] == 0 and now["moongate_rooms"] == 0
        and house:descriptors() <= descriptors + 1
    end)
  end

  setup(function()
    house = server.start {
      plugins = { echo = ECHO }, tls = false,
      arguments = { "--threads", "2", "--handshake-timeout-ms", "3000", "--max-handshakes", "5000",
        "--ping-interval-ms", "2000", "--pong-timeout-ms", "1500", "--close-timeout-ms", "300",
        "--max-connections-per-address", "10000" },
    }
    fresh_client_is_served()
    descriptors = house:descriptors()
  end)
  teardown(function() house:stop() end)

  it("of 2,000 that come at once is let in, and every one is answered", function()
    local many = crowd.connect(house.port, 2000, "/echo"):enter()
    for _, member in ipairs(many) do member:send("hello") end
    local function all_have_heard()
      for _, member in ipairs(many) do
        if member.frames == 0 then return false end
      end
      return true
    end
    many:run(all_have_heard, "2,000 echoes")
    fresh_client_is_served()
    many:leave()
    everything_is_given_back()
  end)

  it("of 500 that do not finish their handshakes is cut at the deadline, nobody else", function()
    local before = house:metrics()['moongate_refused_total{reason="timeout"}']
    local slow = crowd.connect(house.port, 500, "/echo",
      { request = "GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: webso" })
    fresh_client_is_served()
    slow:run(function() return slow.gone == 500 end, "500 to be cut")
    server.eventually("500 to be counted", function()
      return house:metrics()['moongate_refused_total{reason="timeout"}'] == before + 500
    end)
    fresh_client_is_served()
    slow:leave()
    everything_is_given_back()
  end)

  it("of 1,000 that is cut with RST leaves no trace", function()
    local before = house:metrics()['moongate_closed_total{reason="lost"}']
    local many = crowd.connect(house.port, 1000, "/echo"):enter()
    many:leave(true)
    fresh_client_is_served()
    server.eventually("1,000 to be found lost", function()
      return house:metrics()['moongate_closed_total{reason="lost"}'] == before + 1000
    end)
    everything_is_given_back()
  end)

  it("of 200 whose process has stopped is found by the heartbeat", function()
    local before = house:metrics()['moongate_closed_total{reason="no_pong"}']
    local read_end, write_end = unistd.pipe()
    local pid = unistd.fork()
    if pid == 0 then
      crowd.connect(house.port, 200, "/echo"):enter()
      unistd.write(write_end, "x")
      signal.kill(unistd.getpid(), signal.SIGSTOP)
      unistd._exit(0)
    end
    unistd.read(read_end, 1)
    unistd.close(read_end)
    unistd.close(write_end)
    fresh_client_is_served()
    server.eventually("200 to be found dead", function()
      return house:metrics()['moongate_closed_total{reason="no_pong"}'] == before + 200
    end)
    everything_is_given_back() -- although the peers' kernels still hold their ends
    signal.kill(pid, signal.SIGKILL)
    wait.wait(pid)
  end)
end)
