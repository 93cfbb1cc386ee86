local certificate = require "spec.support.certificate"
local generator = require "spec.support.generator"
local json = require "cjson"
local server = require "spec.support.server"

local ERRORS = generator.ERRORS

describe("moongate bench", function()
  local house

  after_each(function()
    if house then house:stop() end
    house = nil
  end)

  local function url_of(path) return generator.url_of(house, path) end

  --- What it reports of the house when there is no fault.
  local function fine(...)
    local report, status, err = generator.run(house, ...)
    assert.same(ERRORS, report.errors)
    assert.equal(0, status)
    assert.equal("", err)
    assert.is_true(report.seconds > 0 and report.client_cpu_seconds > 0)
    return report
  end

  local function check_talk(report)
    assert.is_true(report.messages > 0 and report.deliveries > 0)
    assert.is_true(report.deliveries_per_second > 0)
    assert.is_true(report.server_cpu_seconds > 0 and report.deliveries_per_cpu_second > 0)
    assert.is_true(report.server_rss_bytes > 0 and report.server_rss_before_bytes > 0)
    local latency, last = report.latency_us, 0
    for _, key in ipairs { "p50", "p90", "p99", "p999", "max" } do
      assert.is_true(latency[key] >= last, key)
      last = latency[key]
    end
  end

  local function load_of(report)
    local keys = { "scenario", "protocol", "connections", "rooms", "members", "in_flight", "bytes",
      "rate" }
    for i, key in ipairs(keys) do keys[i] = report[key] end
    return keys
  end

  describe("with an echo", function()
    before_each(function() house = server.start { app = "examples/echo.lua" } end)

    it("hears what it says", function()
      local report = fine("echo", "/echo", "--connections", "5", "--in-flight", "3")
      check_talk(report)
      assert.same({ "echo", "relay", 5, 0, 0, 3, 64, 0 }, load_of(report))
    end)

    it("sends binary frames, and long ones", function()
      check_talk(fine("echo", "/echo", "--connections", "2", "--binary", "--bytes", "60000"))
    end)

    it("sends by a schedule", function()
      local report = fine("echo", "/echo", "--connections", "7", "--rate", "500")
      check_talk(report)
      assert.same({ "echo", "relay", 7, 0, 0, 0, 64, 500 }, load_of(report))
    end)

    it("comes from several addresses", function()
      check_talk(fine("echo", "/echo", "--connections", "6", "--source-addresses", "3"))
    end)
  end)

  describe("with a relay", function()
    before_each(function() house = server.start { app = "examples/relay.lua" } end)

    it("has one speak in each room", function()
      local report = fine("room", "/relay/{room}", "--rooms", "2", "--members", "4",
        "--in-flight", "2")
      check_talk(report)
      assert.same({ "room", "relay", 8, 2, 4, 2, 64, 0 }, load_of(report))
    end)

    it("has all speak in each room", function()
      local report = fine("chat", "/relay/{room}", "--rooms", "2", "--members", "4",
        "--bytes", "44")
      check_talk(report)
      assert.same({ "chat", "relay", 8, 2, 4, 1, 44, 0 }, load_of(report))
    end)

    it("has both by a schedule", function()
      for _, scenario in ipairs { "room", "chat" } do
        check_talk(fine(scenario, "/relay/{room}", "--rooms", "2", "--members", "3",
          "--rate", "600"))
      end
    end)

    it("holds connections and weighs them", function()
      for _, spread in ipairs { {}, { "--rooms", "4" }, { "--members", "10" } } do
        local report = fine("idle", "/relay/{room}", "--connections", "40", unpack(spread))
        assert.equal(40, report.connections)
        assert.equal(0, report.messages)
        assert.equal(json.null, report.latency_us.p50)
        local grown = report.server_rss_bytes - report.server_rss_before_bytes
        assert.is_true(math.abs(grown / 40 - report.rss_per_connection_bytes) <= 0.1)
      end
    end)

    it("comes and goes", function()
      for _, rate in ipairs { "0", "200" } do
        local report = fine("storm", "/relay/tea", "--connections-per-second", rate,
          "--concurrency", "4")
        assert.same({ "storm", "relay", 4, 0, 0, 0, 0, tonumber(rate) }, load_of(report))
        assert.is_true(report.upgrades > 0 and report.upgrades_per_second > 0)
        assert.is_true(report.upgrades_per_cpu_second > 0 and report.latency_us.p50 > 0)
      end
    end)
  end)

  describe("over TLS", function()
    local function start(app)
      house = server.start { app = ("examples/%s.lua"):format(app), tls = true }
      assert.is_truthy(url_of("/"):find "^wss://")
    end

    it("hears what it says", function()
      start "echo"
      check_talk(fine("echo", "/echo", "--connections", "5", "--in-flight", "3"))
    end)

    it("sends and hears many records at once", function()
      start "echo"
      check_talk(fine("echo", "/echo", "--connections", "2", "--in-flight", "20", "--bytes",
        "60000"))
    end)

    it("has one speak in each room", function()
      start "relay"
      check_talk(fine("room", "/relay/{room}", "--rooms", "2", "--members", "4",
        "--in-flight", "2"))
    end)

    it("comes and goes", function()
      start "relay"
      assert.is_true(fine("storm", "/relay/tea", "--concurrency", "4").upgrades > 0)
    end)

    --- What openssl's own server tells of one connection to it, and what the generator does.
    local function ask(host, options)
      local folder = certificate.run "mktemp -d":match "%S+"
      local cert, key = certificate.make { folder = folder, name = "house" }
      local pipe = io.popen(("timeout 30 openssl s_server -accept 127.0.0.1:0 -naccept 1 -www"
        .. " -tlsextdebug -cert '%s' -key '%s' %s 2>&1"):format(cert, key, options or ""))
      local port
      repeat port = assert(pipe:read "*l"):match "^ACCEPT .*:(%d+)$" until port
      local status, _, err = server.run_to_end { "bench", "echo", "--connections", "1", "--quiet",
        ("wss://%s:%d/"):format(host, port) }
      local told = pipe:read "*a"
      pipe:close()
      certificate.run("rm -r " .. folder)
      assert.equal(1, status) -- what answers is no WebSocket
      return told, err
    end

    it("tells the server its name, but no address", function()
      assert.is_truthy(ask("localhost"):find('"server name".-%.localhost\n'))
      assert.is_nil(ask("127.0.0.1"):find("server name", 1, true))
    end)

    it("insists on TLS 1.2", function()
      local old = "-cipher DEFAULT:@SECLEVEL=0 -%s"
      assert.is_truthy(select(2, ask("localhost", old:format "tls1_2")):find("WebSocket", 1, true))
      assert.is_truthy(select(2, ask("localhost", old:format "tls1_1")):find("TLS handshake failed",
        1, true))
    end)
  end)

  it("says that a server speaks TLS, or does not", function()
    for expected, is_tls in pairs { ["is it a wss:// server?"] = true,
      ["is it a ws:// server?"] = false } do
      house = server.start { app = "examples/echo.lua", tls = is_tls }
      for _, scenario in ipairs { "echo", "storm" } do
        local status, out, err = server.run_to_end { "bench", scenario, "--json", "--quiet",
          "--duration-s", "0.1", ("%s://127.0.0.1:%d/echo"):format(is_tls and "ws" or "wss",
          house.port) }
        assert.equal(1, status)
        assert.is_true(json.decode(out).errors.refused > 0)
        assert.is_truthy(err:find(expected, 1, true), err)
      end
      house:stop()
      house = nil
    end
  end)

  it("speaks the protocol of the default app", function()
    house = server.start()
    for _, protocol in ipairs { "moongate.v1.json", "moongate.v1.msgpack" } do
      local options = { "--protocol", protocol }
      check_talk(fine("echo", "/ws", "--connections", "3", unpack(options)))
      fine("idle", "/ws", "--connections", "3", unpack(options))
      for _, scenario in ipairs { "room", "chat" } do
        local report = fine(scenario, "/ws", "--rooms", "2", "--members", "3", "--pid",
          tostring(house.pid), unpack(options))
        check_talk(report)
        assert.equal(protocol, report.protocol)
        assert.is_true(report.main_thread_cpu_seconds <= report.server_cpu_seconds)
        assert.is_true(report.messages_per_main_thread_cpu_second > 0)
      end
    end
  end)

  it("says that no server is there", function()
    house = server.start()
    local port = house.port
    house:stop()
    house = nil
    for _, scenario in ipairs { "echo", "storm" } do
      local status, out, err = server.run_to_end { "bench", scenario, "--json", "--quiet",
        "--duration-s", "0.1", ("ws://127.0.0.1:%d/echo"):format(port) }
      assert.equal(1, status)
      assert.is_true(json.decode(out).errors.refused > 0)
      assert.is_truthy(err:find("refused", 1, true), err)
    end
  end)

  it("prints a table, and a line a second, unless told otherwise", function()
    house = server.start { app = "examples/echo.lua" }
    local status, out, err = server.run_to_end { "bench", "echo", "--connections", "2",
      "--duration-s", "1.2", url_of "/echo" }
    assert.equal(0, status, err)
    assert.is_truthy(out:find "\ndeliveries per second +%d")
    assert.is_truthy(out:find "\nlatency us p99 +%d")
    assert.is_truthy(out:find "\nerrors +none\n")
    assert.is_truthy(err:find "2 open, %d+ deliveries a second, p99 %d+%.%d us\n", err)
  end)

  it("says what the server uses, in that line, and answers pings", function()
    house = server.start { app = "examples/echo.lua",
      arguments = { "--ping-interval-ms", "300", "--pong-timeout-ms", "200" } }
    local status, out, err = server.run_to_end { "bench", "echo", "--connections", "2",
      "--duration-s", "1.2", "--json", "--pid", tostring(house.pid),
      url_of "/echo" }
    assert.equal(0, status, err)
    assert.is_truthy(err:find "us, server %d+ %% of a CPU\n", err)
    local report = json.decode(out)
    assert.is_true(report.pings_answered > 0)
    assert.is_true(report.server_rss_max_bytes >= report.server_rss_bytes)
  end)

  it("reports what it has when it is interrupted", function()
    house = server.start { app = "examples/echo.lua" }
    local status, out, err = server.run_to_end({ "--foreground", "--preserve-status", "-s", "INT",
      "1", server.BINARY, "bench", "echo", "--connections", "2", "--duration-s", "600",
      "--warmup-s", "0", "--json", "--quiet",
      url_of "/echo" }, "timeout")
    assert.equal(0, status, err)
    local report = json.decode(out)
    assert.same(ERRORS, report.errors)
    assert.is_true(report.seconds < 600)
  end)

  it("explains itself", function()
    for _, arguments in ipairs { { "bench", "--help" }, { "bench", "storm", "--help" } } do
      local status, out = server.run_to_end(arguments)
      assert.equal(0, status)
      for _, word in ipairs { "usage: moongate bench", "storm", "--in-flight", "--json",
        "not verified" } do
        assert.is_truthy(out:find(word, 1, true), word)
      end
    end
    assert.is_truthy(select(2, server.run_to_end { "--help" }):find("moongate bench", 1, true))
  end)

  it("says what is wrong with its arguments", function()
    local url = "ws://127.0.0.1:1/{room}"
    for expected, arguments in pairs {
      ["usage: moongate bench"] = {},
      ["scenario dance: expected one of: echo room chat idle storm"] = { "dance", url },
      ["URL is missing: expected ws://HOST:PORT/PATH"] = { "echo" },
      ["http://x/: expected ws://HOST:PORT/PATH"] = { "echo", "http://x/" },
      ["wss://: expected ws://HOST:PORT/PATH or wss://HOST:PORT/PATH"] = { "echo", "wss://" },
      ["ws://127.0.0.1:65536/: expected ws://HOST:PORT/PATH"] = { "echo", "ws://127.0.0.1:65536/" },
      ["--pid 1,: expected at most 16"] = { "echo", "--pid", "1,", url },
      ["argument b: one URL at most"] = { "echo", url, "b" },
      ["--connections 0: expected a whole number from 1"] = { "echo", "--connections", "0", url },
      ["--connections x: expected a whole"] = { "echo", "--connections", "x", url },
      ["--connections 9: not for this scenario"] = { "chat", "--connections", "9", url },
      ["--bytes 10: expected a whole number from 44"] = { "chat", "--bytes", "10", url },
      ["--duration-s soon: expected seconds"] = { "chat", "--duration-s", "soon", url },
      ["--protocol soap: expected one of: relay"] = { "chat", "--protocol", "soap", url },
      ["--in-flight and --rate : only one"] = { "chat", "--rate", "1", "--in-flight", "1", url },
      ["expected {room} in it"] = { "chat", "--rooms", "2", "ws://127.0.0.1:1/" },
      ["only one of them for idle"] = { "idle", "--rooms", "2", "--members", "2", url },
      ["--binary : only for --protocol relay"] =
        { "chat", "--binary", "--protocol", "socket.io", url },
      ["--pid 1,x: expected at most 16"] = { "echo", "--pid", "1,x", url },
      ["--pid 2147483647: no such process"] = { "echo", "--pid", "2147483647", url },
      ["option --dance: unknown"] = { "echo", "--dance", url },
      ["option --rate: a value is missing"] = { "echo", url, "--rate" },
      ["--source-addresses: only for"] = { "echo", "--source-addresses", "2", "ws://[::1]:1/" },
    } do
      local status, out, err = server.run_to_end { "bench", unpack(arguments) }
      assert.equal(2, status, expected)
      assert.is_truthy((err .. out):find(expected, 1, true), expected .. "\n" .. err)
    end
  end)
end)
