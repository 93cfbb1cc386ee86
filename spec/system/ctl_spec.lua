local operator = require "spec.support.operator"
local server = require "spec.support.server"
local signal = require "posix.signal"
local unix = require "socket.unix"

local MAX_LINE_BYTES = 65536
local MAX_CLIENTS = 8

describe("moongate ctl", function()
  local house, path

  before_each(function()
    path = operator.free_path()
    house = server.start { arguments = { "--admin", path },
      plugins = { which = "return function(gate) gate:on('which', print) end" } }
  end)
  after_each(function() house:stop() end)

  local function ctl(...) return server.run_to_end { "ctl", "--admin", path, ... } end

  it("prints what was done", function()
    assert.same({ 0, "nothing has changed, generation 1 goes on\n", "" }, { ctl "reload" })
    local status, out, err = ctl("plugins", "which")
    assert.same({ 0, "" }, { status, err })
    assert.matches("\nwhich  generation 1  ", out, 1, true)
    local _, again = ctl("plugins", "name=which")
    local FIGURE = "%d+%.%d" -- memory, which the question takes, too
    assert.equal((out:gsub(FIGURE, "n")), (again:gsub(FIGURE, "n")))
  end)

  it("prints what went wrong", function()
    assert.same({ 1, "", "moongate ctl: there is no generation before 1 to go back to\n" },
      { ctl "rollback" })
  end)

  it("ends with 2 when it was not asked as it should be", function()
    for problem, words in pairs {
      ['there is no command "fly"'] = { "fly", "away" },
      ['there is no command "hover"'] = { "help", "hover" },
      ['there is no plugin "what"'] = { "plugins", "what" },
      ['argument "2": there is none; expected: plugins [name]'] = { "plugins", "which", "what" },
      ['argument "fast": there is none; expected: reload'] = { "reload", "fast=yes" },
    } do
      local status, out, err = ctl(unpack(words))
      assert.same({ 2, "" }, { status, out })
      assert.matches(problem, err, 1, true)
    end
  end)

  it("explains a command that is asked for help", function()
    local _, help = ctl("help", "plugins")
    assert.matches("^plugins %[name%] ", help)
    for _, words in ipairs { { "--help" }, { "-h" }, { "which", "--help" } } do
      assert.same({ 0, help, "" }, { ctl("plugins", unpack(words)) })
    end
    local status, _, err = ctl("fly", "--help")
    assert.equal(2, status)
    assert.matches('there is no command "fly"', err, 1, true)
  end)

  it("prints the answer as it comes", function()
    local status, out, err = ctl("--json", "fly")
    assert.same({ 2, "" }, { status, err })
    assert.equal("unknown_command", require("cjson").decode(out).error.code)
    assert.equal(1, select(2, out:gsub("\n", "")))
  end)

  it("lets nothing in an answer move the cursor", function()
    local status, out, err = ctl("fly\27[2J\194\155x\r\n\228")
    assert.same({ 2, "" }, { status, out })
    assert.matches('"fly?[2J?x?\n\228"', err, 1, true)
  end)

  it("finds the server by the environment, too", function()
    local command = ("MOONGATE_ADMIN=%s exec %s ctl leaks"):format(path, server.BINARY)
    assert.same({ 0, "nothing has outlived its generation\n", "" },
      { server.run_to_end({ "-c", command }, "/bin/sh") })
  end)

  --- Status 2, nothing on stdout, one line with the words.
  local function fails(words, ...)
    local status, out, err = server.run_to_end { "ctl", ... }
    assert.same({ 2, "" }, { status, out })
    assert.equal(1, select(2, err:gsub("\n", "")), err)
    assert.matches("^moongate ctl: ", err)
    assert.matches(words, err, 1, true)
  end

  it("says what is wrong with its own command line", function()
    fails("no server is named: --admin PATH", "help")
    fails("usage", "--admin", path)
    fails("--admin: a value is missing", "--admin")
    fails("--fly: unknown option", "--fly", "help")
    fails("-x: unknown option", "-x", "help")
    fails("--timeout-ms", "--timeout-ms", "0", "help")
    fails("all name=value, or all values", "--admin", path, "help", "a=b", "c")
    fails("too long", "--admin", path, "help", ("x"):rep(MAX_LINE_BYTES))
    local status, out = server.run_to_end { "ctl", "--help" }
    assert.equal(0, status)
    assert.matches("--admin PATH", out, 1, true)
  end)

  it("says that there is no server", function()
    for _, command in ipairs { "help", "console", "profile" } do
      fails(path .. "x: No such file or directory", "--admin", path .. "x", command)
    end
    fails("/tmp: is no socket", "--admin", "/tmp", "help")
    fails(server.BINARY .. ": is no socket", "--admin", server.BINARY, "help")
    local dead = unix.stream()
    assert(dead:bind(path .. "x"))
    dead:close()
    fails("nobody listens there any more", "--admin", path .. "x", "help")
    os.remove(path .. "x")
  end)

  it("gives up on a server that does not answer", function()
    house:signal(signal.SIGSTOP)
    fails("no answer in time", "--admin", path, "--timeout-ms", "100", "help")
    house:signal(signal.SIGCONT)
  end)

  it("says that the server is busy", function()
    local seated = {}
    for i = 1, MAX_CLIENTS do
      seated[i] = assert(operator.connect(path))
      assert.is_true(seated[i]:asks("help").ok)
    end
    assert.same({ 1, "", "moongate ctl: 8 others are connected\n" }, { ctl "help" })
    for _, each in ipairs(seated) do each:close() end
  end)
end)
