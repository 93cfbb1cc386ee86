--- moongate test as its users run it.
local file = require "spec.support.file"
local server = require "spec.support.server"

describe("moongate test", function()
  local folder

  before_each(function() folder = file.folder() end)
  after_each(function() file.run("rm -rf " .. folder) end)

  --- Runs it to its end.
  ---@return integer status
  ---@return string out
  ---@return string err
  local function run(...)
    return server.run_to_end { "test", ... }
  end

  --- An app of one plugin, with a spec of these tests.
  local function write(plugin, tests)
    file.run("mkdir -p " .. folder .. "/spec")
    file.write(folder .. "/shout.lua", "return function(gate)\n" .. plugin .. "\nend\n")
    file.write(folder .. "/spec/shout_spec.lua", 'local test = require "moongate.test"\n'
      .. 'describe("shout", function()\n' .. tests .. "\nend)\n")
  end

  local SHOUT = [[
    gate:on("shout", function(_, message)
      if not message.text then error "no text" end
      return { text = message.text:upper() }
    end)]]

  local PASSES = [[
    it("answers", function()
      local gate = test.gate { "shout" }
      local ann = gate:connect { user = "ann" }
      assert.same({ text = "HI" }, ann:ask("shout", { text = "hi" }))
    end)]]

  it("takes what a plugin may do, and its options, from a list that is a program", function()
    write([[local n = gate:option("n", 1)
      gate:on("shout", function() return { n = n, os = os.getenv "NONE" } end)]],
      [[it("may", function()
        local gate = test.gate { "shout" }
        assert.same({ n = 7 }, gate:connect():ask "shout")
      end)]])
    file.write(folder .. "/init.lua", 'local n = tonumber(os.getenv "NONE" or "7")\n'
      .. 'return { { "shout", trust = "trusted", options = { n = n } } }')
    local status, out = run("--app", folder)
    assert.equal(0, status, out)
    file.write(folder .. "/init.lua", 'error "no list"')
    status, out = run("--app", folder)
    assert.equal(1, status)
    assert.matches("init.lua:1: no list", out, 1, true)
  end)

  it("runs the specs of examples/plugins, without sockets", function()
    local status, out, err = run("--app", "examples/plugins")
    assert.same({ 0, "" }, { status, err }, out)
    assert.matches("1[0-9] successes / 0 failures / 0 errors", out)
  end)

  it("runs the same against a real server", function()
    local status, out, err = run("--live", "--app", "examples/plugins")
    assert.same({ 0, "" }, { status, err }, out)
    assert.matches("1[0-9] successes / 0 failures / 0 errors", out)
  end)

  for _, mode in ipairs { "fake", "live" } do
    local function fails(tests, ...)
      write(SHOUT, tests)
      local words = { "--app", folder }
      if mode == "live" then table.insert(words, 1, "--live") end
      local status, out, err = run(unpack(words))
      assert.equal(1, status, out .. err)
      for _, text in ipairs { ... } do
        assert.is_truthy(out:find(text, 1, true), ("%s is not in: %s"):format(text, out))
      end
      return out
    end

    it("fails when a test does, and names where: " .. mode, function()
      fails(PASSES .. [[
        it("is wrong", function()
          local gate = test.gate { "shout" }
          assert.same({ text = "hi" }, gate:connect():ask("shout", { text = "hi" }))
        end)]], "1 success / 1 failure / 0 errors", "shout is wrong", "shout_spec.lua:9:")
    end)

    it("fails when a test would end the process: " .. mode, function()
      fails('it("goes", function() os.exit(0) end)' .. PASSES, "1 success / 0 failures / 1 error",
        "shout_spec.lua:3: os.exit: it would end all tests")
    end)

    it("fails when an error was logged that was not expected: " .. mode, function()
      fails([[
        it("is loud", function()
          local gate = test.gate { "shout" }
          gate:connect():ask "shout"
        end)
        it("is expected", function()
          local gate = test.gate { "shout" }
          gate:expect_error "no text"
          gate:connect():ask "shout"
        end)
        it("never comes", function() test.gate { "shout" }:expect_error "another" end)]],
        "1 success / 0 failures / 2 errors", "shout is loud",
        "logged, and not expected: shout#1: on shout: " .. folder .. "/shout.lua:3: no text",
        "expected, and never logged: an error like another")
    end)

    it("fails when something else is fetched than was expected: " .. mode, function()
      local out = fails([[
        local FETCH = { { "shout", capabilities = { "fetch" } },
          shout = 'return function(gate) gate:on("shout", function()'
          .. 'return { code = select(2, gate:fetch("http://a.example/x")) } end) end' }
        it("is not expected", function() test.gate(FETCH):connect():ask "shout" end)
        it("comes late", function()
          test.gate({ { "shout", capabilities = { "fetch" } },
            shout = 'return function(gate) gate:on("shout", function() '
            .. 'gate:spawn(function() gate:fetch("http://late.example/") end) return {} end) end'
          }):connect():send "shout"
        end)
        it("is another", function()
          local gate = test.gate(FETCH)
          gate:expect_fetch { url = "http://b.example/", reply = {} }
        end)
        it("is expected", function()
          local gate = test.gate(FETCH)
          gate:expect_fetch { method = "GET", url = "http://a.example/x", error = "protocol" }
          assert.same({ code = "protocol" }, gate:connect():ask "shout")
        end)]],
        "an unexpected fetch: GET http://a.example/x", "shout comes late",
        "an unexpected fetch: GET http://late.example/",
        "expected, and never fetched: any method of http://b.example/")
      assert.matches("1 success / ", out)
    end)

    it("fails in before_each without spoiling the next test: " .. mode, function()
      fails([[
        local count = 0
        describe("first", function()
          before_each(function()
            test.gate { "shout" }:connect():ask "shout"
            error "not ready"
          end)
          it("does not run", function() count = count + 1 end)
        end)
        it("runs", function() assert.equal(0, count) end)]],
        "1 success / 0 failures / 1 error", "not ready")
    end)

    it("has the server's methods of strings for plugins, and all of Lua's for tests: " .. mode,
      function()
        write([[gate:on("shout", function() return { text = ("x"):rep(2000000) } end)]], [[
          it("fails", function()
            local gate = test.gate { "shout" }
            gate:expect_error "string.rep: the result would have 2000000 bytes"
            assert.equal("internal", select(2, gate:connect():ask "shout"))
            assert.is_truthy((("x"):rep(2000000) .. "y"):find ".-y")
          end)]])
        local words = { "--app", folder }
        if mode == "live" then table.insert(words, 1, "--live") end
        local status, out = run(unpack(words))
        assert.equal(0, status, out)
      end)

    it("has each test clean up, also one with a finally of its own: " .. mode, function()
      fails([[
        local gate, is_done
        it("is first", function()
          finally(function() is_done = true end)
          gate = test.gate { "shout" }
          gate:connect():ask "shout"
        end)
        it("is second", function()
          assert.is_true(is_done)
          gate:connect()
        end)]], "0 successes / 0 failures / 2 errors", "no text",
        "this gate ended with its test; make one in each, or in before_each")
    end)

    it("says why there can be no gate: " .. mode, function()
      fails([[it("is not", function() test.gate { "nobody" } end)]],
        'plugin "nobody": there is no file ' .. folder .. "/nobody.lua")
    end)
  end

  it("refuses with --live what no server does at once, or at all", function()
    write(SHOUT, [[
      it("raises", function()
        local gate = test.gate { "shout" }
        assert.has_error(function() gate:later(10001) end,
          "later(10001): with --live time really passes, at most 10000 ms at once")
        assert.has_error(function() gate:expect_fetch { url = "https://a/", reply = {} } end,
          "expect_fetch: with --live it cannot be https; give the plugin an http URL")
        assert.has_error(function() gate:expect_fetch { error = "dns" } end,
          'expect_fetch: with --live error = "dns" cannot be made to happen, only "protocol"')
      end)]])
    local status, out = run("--live", "--app", folder)
    assert.equal(0, status, out)
  end)

  it("mirrors the server: clients that read slowly, break, come back, and new code", function()
    write(SHOUT, [[
      it("is the same", function()
        local gate = test.gate { shout = [=[return function(gate)
          gate:on("flood", function(_, message)
            local bob = gate:user "bob"
            for n = 1, bob and message.count or 0 do
              bob:send { n = n, pad = ("x"):rep(60000) }
            end
            return { seen = gate.state.seen }
          end)
          gate:after("closed", function(conn, reason) gate.state.seen = reason end)
        end]=] }
        local ann = gate:connect { user = "ann" }
        local bob = gate:connect { user = "bob", codec = "msgpack" }
        bob:pause()
        for _ = 1, 20 do ann:ask("flood", { count = 20 }) end -- in short runs
        bob:resume()
        bob:heard()
        assert.equal(4008, bob.closed)
        bob:reconnect()
        assert.equal("slow", ann:ask("flood", { count = 2 }).seen)
        assert.equal(2, bob:heard()[2].n)
        bob:drop()
        bob:reconnect()
        assert.equal("lost", ann:ask("flood", { count = 0 }).seen)
        gate:save("shout", "return function(gate) gate:on('flood' end")
        assert.matches("shout.lua:1: '%)' expected", select(2, gate:reload()))
        gate:save("shout", "return function(gate) gate:on('flood', function() "
          .. "return gate.state end) end")
        assert.is_true(gate:reload())
        assert.same({ seen = "lost" }, ann:ask "flood")
      end)]])
    for _, words in ipairs { { "--app", folder }, { "--live", "--app", folder } } do
      local status, out = run(unpack(words))
      assert.equal(0, status, out)
    end
  end)

  it("takes paths, and hands options on to busted", function()
    write(SHOUT, PASSES)
    local status, out = run("--app", folder, folder .. "/spec/shout_spec.lua", "--", "-o", "TAP")
    assert.same({ 0, "ok 1 - shout answers" }, { status, out:match "ok 1[^\n]*" })
    status, out = run(folder .. "/spec", "--app=" .. folder, "--", "--filter", "nothing")
    assert.equal(0, status)
    assert.matches("\n0 successes", out)
  end)

  it("ends with 2 when it is not asked as it should be", function()
    write(SHOUT, PASSES)
    local function refuses(message, ...)
      local status, _, err = run(...)
      assert.equal(2, status, err)
      assert.is_truthy(err:find(message, 1, true), err)
    end
    refuses("moongate test: --fast: unknown option; see --help", "--fast")
    refuses("moongate test: --app: a value is missing", "--app")
    refuses("--app /no/such: there is no such folder", "--app", "/no/such")
    refuses("examples/spec: there are no specs", "--app", "examples")
    refuses("nowhere_spec.lua: there are no specs", "--app", folder, "nowhere_spec.lua")
    refuses("unknown/bad flag: --fast", "--app", folder, "--", "--fast")
    assert.matches("^usage: moongate test ", select(2, run "--help"))
  end)

  it("names the packages that are missing", function()
    write(SHOUT, PASSES)
    local function without(module, ...)
      local out = ("LUA_PATH='%s/?.lua' LUA_CPATH=none; export LUA_PATH LUA_CPATH; "):format(folder)
      if module == "socket" then
        out = ("LUA_CPATH='%s/?.so'; export LUA_CPATH; "):format(folder)
      end
      local words = table.concat({ server.BINARY, "test", "--app", folder, ... }, " ")
      return file.output(out .. words .. "; echo status $?")
    end
    assert.equal("moongate test: busted is not installed; on Debian it is the package lua-busted\n"
      .. "status 2\n", without "busted")
    file.run(("mkdir -p %s/busted"):format(folder))
    file.write(folder .. "/busted/runner.lua", "return true")
    local out = file.output(("LUA_PATH='%s/?.lua' LUA_CPATH=none %s test --live --app %s; "
      .. "echo status $?"):format(folder, server.BINARY, folder))
    assert.equal("moongate test: socket is not installed; on Debian it is the package lua-socket\n"
      .. "status 2\n", out)
  end)

  it("leaves nothing of itself in a running server", function()
    write([[
      for _, name in ipairs { "moongate.test", "moongate.test.core" } do
        local ok = pcall(require, name)
        gate:info("%s: %s", name, tostring(ok))
        assert(not package.loaded[name] and not package.preload[name], name)
      end]], PASSES)
    file.write(folder .. "/init.lua", 'return { { "shout", trust = "trusted" } }')
    local house = server.start { app = folder }
    local log = house:stop()
    for _, name in ipairs { "moongate.test", "moongate.test.core" } do
      assert.is_truthy(log:find(name .. ": false", 1, true), log)
    end
  end)

  it("leaves no server and no folder behind", function()
    write(SHOUT, PASSES)
    file.run("mkdir " .. folder .. "/tmp")
    file.output(("TMPDIR=%s/tmp %s test --live --app %s"):format(folder, server.BINARY, folder))
    assert.equal("", file.output(("ls %s/tmp"):format(folder)))
    assert.equal("", file.output(("grep -sla %s/[t]mp /proc/[0-9]*/cmdline || true")
      :format(folder)))
  end)

  -- The group, as timeout(1) and the end of a terminal do.
  for how, kill in pairs { ["is killed"] = "kill -KILL ", ["is ended"] = "kill -TERM ",
    ["and its group are ended"] = "kill -TERM -", ["hangs up"] = "kill -HUP -" } do
    it("leaves nothing behind when it " .. how, function()
      write(SHOUT, [[
        it("is killed", function()
          local gate = test.gate { "shout" }
          gate:http("GET", "/moongate_test/conns/1")
          io.open(os.getenv "TMPDIR" .. "/../ready", "w"):close()
          while true do gate:later(1000) end
        end)]])
      file.run("mkdir " .. folder .. "/tmp")
      file.run(("TMPDIR=%s/tmp setsid %s test --live --app %s >/dev/null 2>&1 & echo $! >%s/pid")
        :format(folder, server.BINARY, folder, folder))
      server.eventually("the test to begin", function() return file.peek(folder .. "/ready") end)
      assert.are_not.equal("", file.output(("ls %s/tmp"):format(folder)))
      file.run(kill .. "$(cat " .. folder .. "/pid)")
      server.eventually("the folder to go", function()
        return file.output(("ls %s/tmp"):format(folder)) == ""
      end)
      server.eventually("all processes to go", function()
        return file.output(("grep -sla %s/[t]mp /proc/[0-9]*/cmdline || true"):format(folder)) == ""
      end)
    end)
  end
end)
