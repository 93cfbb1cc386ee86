local client = require "spec.support.client"
local file = require "spec.support.file"
local server = require "spec.support.server"
local signal = require "posix.signal"

describe("the server", function()
  it("is the same size after a thousand connections have come and gone", function()
    local house = server.start()
    local function round(count)
      for i = 1, count do
        local guest = client.guest(house.port, "ann", "tea")
        if i % 2 == 0 then guest:close() else guest:cut() end
      end
    end
    round(10)
    local function count() return house:descriptors() end
    local before = count()
    round(1000)
    server.eventually("all descriptors to be closed", function() return count() <= before end)
    local ann = client.guest(house.port, "ann")
    assert.same({}, ann:asks({ type = "rooms" }).data.rooms)
    ann:cut()
    house:stop() -- under ASan this also reports leaks
  end)

  it("says goodbye with 1001 when it stops", function()
    local house = server.start()
    local guests = {}
    for i = 1, 20 do guests[i] = client.guest(house.port, "g" .. i, "tea") end
    house:signal(signal.SIGTERM)
    for _, guest in ipairs(guests) do
      assert.same({ 1001, "shutdown" }, { guest:is_closed() })
    end
    house:ends(0)
  end)

  it("stops although a client does not answer the Close", function()
    local house = server.start { arguments = { "--close-timeout-ms", "200" } }
    local mute = client.guest(house.port, "mute")
    house:stop()
    mute:cut()
  end)

  it("stops although the scripts say more than can be written", function()
    local house = server.start { plugins = { torrent = [[return function(gate)
      gate:every(1, function()
        for _ = 1, 200 do gate:room("tea"):publish(("x"):rep(10000)) end
        for _, conn in gate:conns() do
          if not conn.is_open then while gate:room("tea"):publish "more" do end end
        end
      end)
    end]] } }
    local ann = client.guest(house.port, "ann", "tea")
    ann:hears_bytes(100000)
    house:stop()
    ann:cut()
  end)

  it("goes on when descriptors run out, and takes newcomers again when there are some", function()
    local house = server.start { descriptors = 80, arguments = { "--threads", "1" } }
    local ann = client.guest(house.port, "ann", "tea")
    local waiting = {}
    for i = 1, 80 do waiting[i] = require("socket").connect("127.0.0.1", house.port) end
    house:logs "cannot accept: Too many open files"
    assert.is_true(ann:asks({ type = "say", room = "tea", data = 1 }).ok)
    for _, each in ipairs(waiting) do each:close() end
    server.eventually("the end of it to be said", function()
      client.guest(house.port, "bob", "tea"):close()
      return house:log():find("accepting again", 1, true)
    end)
    assert.equal(1, select(2, house:log():gsub("cannot accept", "")))
    ann:close()
    house:stop()
  end)

  it("frees a place for each connection that ends", function()
    local house = server.start { arguments = { "--max-connections", "1", "--threads", "1" } }
    local ann = client.guest(house.port, "ann")
    local refused = client.request(house.port, client.upgrade("/ws", house.port))
    assert.equal(503, refused.status)
    assert.is_truthy(refused.head:find "Retry%-After: %d")
    ann:close()
    server.eventually("a free place", function()
      local ok, bob = pcall(client.guest, house.port, "bob")
      if ok then bob:close() end
      return ok
    end)
    house:stop()
  end)
end)

describe("the command line", function()
  local function fails(arguments, words)
    local status, out, err = server.run_to_end(arguments)
    assert.equal(2, status)
    assert.equal("", out)
    assert.equal(1, select(2, err:gsub("\n", "")), err)
    for _, word in ipairs(words) do assert.is_truthy(err:find(word, 1, true), err) end
  end

  it("prints help and version", function()
    local status, out = server.run_to_end { "--help" }
    assert.equal(0, status)
    assert.is_truthy(out:find("--port", 1, true))
    status, out = server.run_to_end { "--version" }
    assert.equal(0, status)
    assert.is_truthy(out:find "^moongate %d+%.%d+%.%d+\n$")
  end)

  it("refuses what it does not understand in one line with status 2", function()
    fails({ "run", "--nonsense" }, { "--nonsense" })
    fails({ "run", "--port" }, { "--port", "value" })
    fails({ "run", "--port", "65536" }, { "--port 65536", "0 to 65535" })
    fails({ "run", "--port", "80a" }, { "--port 80a" })
    fails({ "run", "--log", "loud" }, { "--log loud", "debug" })
    fails({ "run", "--threads", "0" }, { "--threads 0" })
    fails({ "run", "-x" }, { "option -x" })
    fails({ "run", "--ping-interval-ms", "5000" }, { "--pong-timeout-ms", "10000 and 5000" })
    fails({ "run", "--threads", "5", "--memory-budget-mb", "19" },
      { "--memory-budget-mb 19", "at least 20" })
    fails({ "run", "--tls-cert", "x.pem" }, { "--tls-cert x.pem", "come together" })
    fails({ "run", "--proxies", "10.0.0.0/8, x/y" }, { "--proxies x/y", "192.0.2.0/24" })
    fails({ "run", "--flood", "weep" }, { "--flood weep", "pause refuse close" })
    fails({ "run", "--host", "localhost" }, { "--host localhost", "IP address" })
    fails({ "run", "--host", "nowhere" }, { "nowhere" })
    fails({ "run", "--static", "no/such" }, { "no/such" })
    fails({ "fly" }, { "unknown command" })
    fails({ "run", "a", "b" }, { "one APP" })
  end)

  it("says which folder or file of the app is missing or broken", function()
    fails({ "run", "no/such/app" }, { "no/such/app", "No such file" })
    fails({ "run", "docs" }, { "docs", "init.lua" })
    local name = file.free_path()
    file.write(name, "return 42")
    fails({ "run", "--port", "0", name }, { name, "a plugin returns a function" })
    os.remove(name)
  end)

  it("says that there are too few descriptors", function()
    local function start(limit)
      local command = ("ulimit -n %d; exec timeout 1 %s run --port 0 --threads 3"):format(
        limit, server.BINARY)
      return server.run_to_end({ "-c", command }, "/bin/sh")
    end
    for _, limit in ipairs { 40, 83 } do
      local status, _, err = start(limit)
      assert.equal(2, status)
      assert.equal(("moongate: %d descriptors allowed (ulimit -n), at least 84 are needed\n")
        :format(limit), err)
    end
    local _, out = start(84)
    assert.is_truthy(out:find "is ready") -- until timeout stops it
  end)

  it("says that the port is taken, also by another moongate", function()
    local house = server.start()
    fails({ "run", "--port", tostring(house.port) },
      { tostring(house.port), "Address already in use" })
    house:stop()
  end)
end)
