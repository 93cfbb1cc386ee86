local client = require "spec.support.client"
local file = require "spec.support.file"
local operator = require "spec.support.operator"
local server = require "spec.support.server"
local signal = require "posix.signal"

local MAX_LINE_BYTES = 65536
local MAX_CLIENTS = 8

local function answering(word)
  return ("return function(gate) gate:on('which', function() return { word = %q } end) end")
    :format(word)
end

describe("the admin socket", function()
  local house, path

  local function start(...)
    path = operator.free_path()
    house = server.start { plugins = { which = answering "old" },
      arguments = { "--admin", path, ... } }
  end

  after_each(function() if house then house:stop() end house = nil end)

  local function connect() return assert(operator.connect(path)) end

  --- Asks as soon as there is a place.
  local function ask_when_free(command)
    return server.eventually("a free place", function()
      local bob = connect()
      local answer = bob:asks(command)
      bob:close()
      return answer and answer.ok and answer
    end)
  end

  it("reloads and rolls back while clients talk", function()
    start()
    local ann, bob = client.guest(house.port, "ann"), connect()
    local function which() return ann:asks({ type = "which" }).data.word end
    assert.equal("failed", bob:asks("rollback").error.code)
    assert.equal("nothing has changed, generation 1 goes on", bob:asks("reload").text)
    house:save("which", answering "new")
    house:logs "generation 2: which (changed)"
    assert.equal("new", which())
    assert.same({ ok = true, text = "generation 1 is in force again instead of 2",
      data = { generation = 1 } }, bob:asks "rollback")
    assert.equal("old", which())
    assert.matches("^nothing has changed but what was rolled back %(.*/which.lua%), generation 1 ",
      bob:asks("reload").text)
    house:expects "not reloaded"
    house:save("which", "return nil +")
    house:logs "not reloaded"
    assert.matches("^not reloaded, generation 1 goes on: .*which.lua:1: ",
      bob:asks("reload").error.message)
    assert.equal("old", which())
    ann:close()
    bob:close()
  end)

  it("tells what there is, and what there is not", function()
    start()
    local bob = connect()
    assert.matches("rollback%s+brings", bob:asks("help").text)
    local plugins = bob:asks("plugins", { "which" }).data.plugins
    assert.same({ "which", house.app .. "/which.lua", 1, { "which" } }, { plugins[1].name,
      plugins[1].file, plugins[1].generation, plugins[1].handles })
    assert.equal(1, #plugins)
    assert.equal(0, bob:asks("leaks").data.count)
    assert.same({ code = "unknown_command", message =
      'there is no command "fly"; there are: console, errors, help, leaks, off, on, plugins, '
      .. "profile, reload, rollback" }, bob:asks("fly").error)
    bob:sends "what?\n"
    assert.equal("bad_request", bob:hears().error.code)
    bob:close()
  end)

  it("answers what is sent at once, in pieces or after the last word, one by one", function()
    start()
    local bob = connect()
    bob:sends '{"command":"leaks"}\n{"command":"fly"}\n{"comm'
    assert.equal(0, bob:hears().data.count)
    assert.equal("unknown_command", bob:hears().error.code)
    bob:sends 'and":"leaks"}\r\n{"command":"rollback"}\n'
    bob.socket:shutdown "send"
    assert.equal(0, bob:hears().data.count)
    assert.equal("failed", bob:hears().error.code)
    assert.same({ nil, "closed" }, { bob:hears() })
    bob:close()
  end)

  it("talks to several at once", function()
    start()
    local bob, eve = connect(), connect()
    bob:sends '{"command":"le'
    assert.equal(0, eve:asks("leaks").data.count)
    bob:sends 'aks"}\n'
    assert.equal("unknown_command", eve:asks("fly").error.code)
    assert.equal(0, bob:hears().data.count)
    bob:close()
    assert.is_true(eve:asks("help").ok)
    eve:close()
  end)

  it("has places for eight, and tells the ninth", function()
    start()
    local seated = {}
    for i = 1, MAX_CLIENTS do
      seated[i] = connect()
      assert.is_true(seated[i]:asks("help").ok)
    end
    local ninth = connect()
    assert.same({ code = "busy", message = "8 others are connected" }, ninth:hears().error)
    assert.same({ nil, "closed" }, { ninth:hears() })
    ninth:close()
    seated[3]:close()
    assert.equal(0, ask_when_free("leaks").data.count)
    for _, each in ipairs(seated) do each:close() end
  end)

  it("takes a line of 64 KiB and hangs up on a longer one", function()
    start()
    local bob = connect()
    local request = '{"command":"leaks","arguments":{}}'
    bob:sends(request .. (" "):rep(MAX_LINE_BYTES - #request) .. "\n")
    assert.equal(0, bob:hears().data.count)
    bob:sends(("x"):rep(MAX_LINE_BYTES + 1))
    assert.same({ code = "too_big", message = "a request is one line of at most 65536 bytes" },
      bob:hears().error)
    assert.is_nil(bob:hears())
    bob:close()
    assert.equal(0, ask_when_free("leaks").data.count)
  end)

  it("forgets who goes in the middle of a line, of an answer, or says nothing", function()
    start()
    local before = house:descriptors()
    for _ = 1, 30 do
      for _, words in ipairs { '{"command":"he', '{"command":"plugins"}\n', "",
        '{"command":"help"}\n{"command":"help"}\n{' } do
        local bob = connect()
        bob:sends(words)
        bob:close()
      end
    end
    server.eventually("all to be forgotten", function() return house:descriptors() <= before end)
    assert.equal(0, ask_when_free("leaks").data.count)
  end)

  it("has patience for a request, but not for ever", function()
    start("--admin-timeout-ms", "200")
    local bob, eve = connect(), connect()
    bob:sends '{"command"'
    for _, each in ipairs { bob, eve } do
      assert.same({ code = "timeout", message = "no whole request within 200 ms" },
        each:hears().error)
      assert.same({ nil, "closed" }, { each:hears() })
      each:close()
    end
  end)

  --- A plugin with as many handlers and options as may be: a survey of it has over 1 MB.
  local function many(name)
    return ([[return function(gate)
      for i = 1, 1000 do
        gate:on("%s" .. i, print)
        gate:option("%s" .. i, ("x"):rep(200))
      end
    end]]):format(name, name)
  end

  it("gives long answers whole, and says so when one is too long", function()
    start()
    house:save("many", many "t")
    house:logs "generation 2:"
    local bob = connect()
    local answer = bob:asks "plugins"
    assert.is_true(#answer.data.requests > 1000)
    assert.is_true(#answer.text > 400000)
    local status, out = server.run_to_end { "ctl", "--admin", path, "plugins" }
    assert.equal(0, status)
    local function lasting(text) -- costs go on
      return (text:gsub("\nthe scripts have [^\n]*", ""):gsub("\n  costs [^\n]*", "")
        :gsub("\n +[^\n]*: %d+ calls [^\n]*", ""))
    end
    assert.equal(lasting(answer.text .. "\n"), lasting(out))
    for place, name in ipairs { "more", "most", "all", "rest" } do
      house:save(name, many(name))
      house:logs(("generation %d:"):format(place + 2))
    end
    assert.matches("^the answer would have [%l ]*%d+ bytes", bob:asks("plugins").error.message)
    assert.equal(0, bob:asks("leaks").data.count)
    bob:close()
  end)

  it("hangs up on who does not take the answer", function()
    start("--admin-timeout-ms", "1000")
    house:save("many", many "t")
    house:logs "generation 2:"
    local bob = connect()
    assert.equal(0, bob:asks("leaks").data.count)
    local seated = house:descriptors()
    bob:sends '{"command":"plugins"}\n'
    server.eventually("it to hang up", function() return house:descriptors() < seated end)
    local line, problem, part = bob.socket:receive "*l"
    assert.same({ nil, "closed" }, { line, problem })
    assert.is_true(#part > 0)
    bob:close()
  end)

  it("takes one line for each ticket, once", function()
    start()
    house:save("tell", [[local C = require("ffi").C
      return function(gate)
        gate:on("tell", function()
          local long = string.rep("x", 4194305)
          return { C.moon_tell(99, "{}", 2), C.moon_tell(99, "{\n}", 3), C.moon_tell(99, "\n", 1),
            C.moon_tell(99, long, #long), C.moon_tell(99, long, #long - 1) }
        end)
      end]])
    house:logs "generation 2:"
    local ann = client.guest(house.port, "ann")
    assert.same({ -1, -5, -5, -3, -1 }, ann:asks({ type = "tell" }).data)
    ann:close()
  end)

  it("is its owner's alone, and gone when the server has ended", function()
    start()
    assert.equal("socket 600", operator.what_is(path))
    house:stop()
    house = nil
    assert.is_nil(operator.what_is(path))
  end)

  it("hangs up on those who are connected when the server ends", function()
    start()
    local bob, eve = connect(), connect()
    bob:sends '{"command"'
    assert.is_true(eve:asks("help").ok)
    house:stop()
    house = nil
    assert.same({ nil, "closed" }, { bob:hears() })
    assert.same({ nil, "closed" }, { eve:hears() })
    bob:close()
    eve:close()
  end)

  it("is not there unless it is asked for", function()
    house = server.start()
    assert.is_nil(house:log():find("admin", 1, true))
  end)

  describe("at a path where something is", function()
    --- What a server says that does not start.
    local function refusal(...)
      local status, out, err = server.run_to_end { "run", "--port", "0", "--admin", path, ... }
      assert.same({ 2, "" }, { status, out })
      return err
    end

    it("takes over from a process that died", function()
      start()
      local dead = path
      house:signal(signal.SIGKILL)
      pcall(house.stop, house)
      assert.equal("socket 600", operator.what_is(dead))
      assert.same({ nil, "connection refused" }, { operator.connect(dead) })
      house = server.start { arguments = { "--admin", dead } }
      assert.is_true(connect():asks("help").ok)
      assert.equal("socket 600", operator.what_is(dead))
    end)

    it("leaves a living server its socket", function()
      start()
      assert.equal(("moongate: --admin %s: a running process listens there\n"):format(path),
        refusal())
      assert.is_true(connect():asks("help").ok)
    end)

    it("touches nothing that is no socket", function()
      path = operator.free_path()
      file.write(path, "precious")
      assert.equal(("moongate: --admin %s: is there, and is no socket\n"):format(path), refusal())
      assert.equal("precious", file.read(path))
      os.remove(path)
    end)

    it("leaves at its end what has taken its place", function()
      start()
      os.remove(path)
      file.write(path, "another's")
      house:stop()
      house = nil
      assert.equal("other", operator.what_is(path):match "%l+")
      os.remove(path)
    end)

    it("does not look while another process does", function()
      local folder = file.free_path()
      path = folder .. "/admin.sock"
      local status, _, err = server.run_to_end({ "-c",
        ("mkdir %s && flock %s timeout 30 %s run --port 0 --admin %s"):format(folder, folder,
          server.BINARY, path) }, "/bin/sh")
      assert.equal(2, status)
      assert.matches("another process holds the lock of its folder", err)
      assert.is_nil(operator.what_is(path))
      os.remove(folder)
    end)

    it("says what is wrong with the path", function()
      path = "/no/such/folder/admin.sock"
      assert.matches("No such file or directory", refusal())
      path = "/tmp/" .. ("x"):rep(103)
      assert.matches("expected a path of 1 to 107 bytes", refusal())
    end)

    it("leaves nothing behind when the scripts do not load", function()
      local plugin = file.free_path()
      file.write(plugin, "return 42")
      path = operator.free_path()
      assert.matches("a plugin returns a function", refusal(plugin))
      assert.is_nil(operator.what_is(path))
      os.remove(plugin)
    end)
  end)
end)
