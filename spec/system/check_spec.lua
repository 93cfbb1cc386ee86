local json = require "cjson"
local certificate = require "spec.support.certificate"
local file = require "spec.support.file"
local server = require "spec.support.server"

describe("moongate check", function()
  local folder

  before_each(function() folder = file.folder() end)
  after_each(function() file.run("rm -r " .. folder) end)

  --- Runs it on an app of these files.
  local function check(files, ...)
    for name, text in pairs(files) do file.write(("%s/%s.lua"):format(folder, name), text) end
    local arguments = { "check", ... }
    arguments[#arguments + 1] = folder
    local status, out, err = server.run_to_end(arguments)
    local pattern = folder:gsub("%p", "%%%0")
    return status, (out:gsub(pattern, "APP")), (err:gsub(pattern, "APP"))
  end

  local LIST = 'return { { "a", options = { rate = 2 } } }'
  local FINE = "return function(gate) gate:option('rate', 1) gate:on('say', print) end\n"
  local ODD = "return function(gate)\n  gate:option('rate', 1)\n  gate:before('say', print)\nend\n"

  it("shows an app that is fine", function()
    local status, out, err = check { init = LIST, a = FINE }
    assert.same({ 0, "" }, { status, err })
    assert.equal([[
APP: the plugins, needed ones first

a  APP/a.lua
  trust     guarded
  handles   say
  options   rate = 2  (default 1)

requests: filters > [handler] > those told after it
  say: [a]

APP: 2 files, 0 problems, 0 warnings
]], out)
  end)

  it("says what docs/operations.md shows", function()
    local app = folder .. "/my-app"
    file.run("mkdir " .. app)
    file.write(app .. "/init.lua", [[return { { "auth", trust = "trusted" },
      { "dice", options = { sides = 12 } } }]])
    file.write(app .. "/auth.lua", [[return function(gate)
  gate:before("*", function() return true end)
  gate:on("auth", function() return {} end)
  gate:after("closed", function() end)
end]])
    file.write(app .. "/dice.lua", [[return function(gate)
  gate:option("sides", 6)
  gate:before("syy", function() return true end)
end]])
    local binary = file.output("readlink -f " .. server.BINARY):match "[^\n]+"
    local status, out, err = server.run_to_end({ "-c",
      ("cd %s && exec %s check my-app"):format(folder, binary) }, "/bin/sh")
    assert.equal(0, status)
    local shown = file.read("docs/operations.md"):match "%$ moongate check my%-app\n(.-)```"
    assert.equal(shown, (out:gsub("[^\n]+\n$", err .. "%0")))
  end)

  it("does not wait for whoever might write into a FIFO", function()
    for _, name in ipairs { "a", "lib", "init" } do
      file.run("rm -rf " .. folder .. "/*")
      local files = { init = 'return { "a" }', a = "require 'lib' " .. FINE, lib = "return 1" }
      files[name] = nil
      file.run(("mkfifo %s/%s.lua"):format(folder, name))
      local status, _, err = check(files)
      assert.equal(1, status, err)
      assert.matches(("APP/%s.lua: is no regular file\n"):format(name), err, 1, true)
    end
  end)

  it("says when it was the memory that a script has exhausted while it loaded", function()
    if server.BINARY:find "tsan" then return end -- which keeps signals back
    local status, _, err = check({ init = 'return { "a" }', a = [[
      pcall(function()
        local kept
        while true do kept = { kept } end
      end)
      error "something else"]] }, "--script-memory-mb", "64")
    assert.equal(1, status)
    assert.matches("memory limit exceeded: 64 MB of all scripts", err, 1, true)
    assert.is_nil(err:find("time budget", 1, true))
  end)

  it("is content with what the repository brings along", function()
    for _, app in ipairs(file.list "scripts examples/*.lua") do
      local status, _, err = server.run_to_end { "check", "--strict", app }
      assert.same({ 0, "" }, { status, err }, app)
    end
  end)

  it("says all that is wrong, where it is, and ends with 1", function()
    local status, out, err = check { init = 'return { "a", "b", "c" }', a = "x x",
      b = "return function(gate)\n  gate:on(5)\nend", c = "return 5" }
    assert.equal(1, status)
    assert.equal("APP: 4 files, 3 problems, 0 warnings\n", out)
    assert.equal([[
APP/a.lua:1: '=' expected near 'x'
APP/b.lua:2: gate:on: expected a string, got number
APP/c.lua: a plugin returns a function of gate, this returned number
]], err)
  end)

  it("says all that is wrong with the list, and who need each other", function()
    local status, out, err = check { init = 'return { "b", "a", { "c", option = 1 } }', a = FINE }
    assert.equal(1, status)
    assert.matches("APP: %d files?, 2 problems, 0 warnings\n", out)
    assert.equal([[
APP/init.lua: plugin "b": there is no file APP/b.lua
APP/init.lua: plugin "c": there is no "option", there are: budget, capabilities, options, trust
]], err)
    local NEEDS = "return function(gate) gate:needs %q end"
    status, out, err = check { init = 'return { "a", "b" }', a = NEEDS:format "b",
      b = NEEDS:format "a" }
    assert.same({ 1, "APP: 3 files, 1 problem, 0 warnings\n",
      "APP/init.lua: a needs b needs a: a cycle\n" }, { status, out, err })
  end)

  it("is not ended by a script, nor is its report spoilt by one", function()
    local files = { init = 'print "list" return { { "a", trust = "trusted" }, "b" }',
      a = "io.write 'loading' io.stdout:write 'still' print(1, nil) " .. FINE, b = [[
      return function() print "guarded" end]] }
    local status, out, err = check(files, "--json")
    assert.equal(0, status)
    assert.is_true(json.decode(out).ok)
    for _, text in ipairs { "list\n", "loading", "still", "1\tnil\n", "guarded\n" } do
      assert.matches(text, err, 1, true)
    end
    files.a = "os.exit(0)"
    local _, _, problems = check(files)
    assert.equal(1, (check(files)))
    assert.matches("APP/a.lua:1: os.exit: the server would end here\n", problems, 1, true)
  end)

  it("does not say that luacheck is missing when there is no file to look at", function()
    local _, out = check { init = 'return { { "a", trust = "truster" } }', a = FINE }
    assert.is_nil(out:find("not installed", 1, true), out)
  end)

  it("takes as a warning what luacheck alone cannot read", function()
    local status, _, err = check { init = LIST, a = "local \195\164 = 1\n" .. FINE }
    assert.equal(0, status, err)
    assert.matches("warning: APP/a.lua:1:", err, 1, true)
  end)

  it("lets warnings pass, unless it is strict", function()
    local status, _, err = check({ init = LIST, a = ODD })
    assert.same({ 0, 'warning: APP/a.lua: gate:before "say": nothing handles it\n' },
      { status, err })
    assert.equal(1, (check({ init = LIST, a = ODD }, "--strict")))
  end)

  it("is one object for programs", function()
    local status, out, err = check({ init = LIST, a = ODD }, "--json", "--strict")
    assert.same({ 1, "" }, { status, err })
    local found = json.decode(out)
    assert.is_false(found.ok)
    assert.equal(1, #found.warnings)
    assert.equal("2", found.survey.plugins[1].options[1].value)
    status, out = check({ init = "return 5" }, "--json")
    assert.equal(1, status)
    assert.matches("expected a list of plugins", json.decode(out).problems[1])
  end)

  it("ends an endless loop as the server would", function()
    if server.BINARY:find "tsan" then return end
    local status, _, err = check { init = 'return { { "a", budget = { load_ms = 60 } } }',
      a = "return function()\n  while true do end\nend" }
    assert.equal(1, status)
    assert.matches("APP/a.lua:2: time budget exceeded: 60 ms without a pause\n", err, 1, true)
  end)

  it("moves no cursor by what a script raises", function()
    local status, _, err = check { init = 'return { "a" }', a =
      'return function() error "\\27[2J\\194\\155gone \195\164" end' }
    assert.same({ 1, "APP/a.lua:1: ?[2J?gone \195\164\n" }, { status, err })
  end)

  it("has the methods of strings that the server has", function()
    local status, _, err = check {
      init = 'return { "a", "b", "c" }',
      a = 'local long = ("x"):rep(2000000)\nreturn function() return long end',
      b = [[return function(gate)
  gate:option("x", { default = ("a"):rep(3000), pattern = "a-a-a-a-a-a-a-b" })
end]],
      c = "return function() (''):dump() end",
    }
    assert.equal(1, status)
    local a, b, c = err:match "^([^\n]*)\n([^\n]*)\n([^\n]*)\n$"
    assert.equal("APP/a.lua:1: string.rep: the result would have 2000000 bytes, at most 1048576", a)
    assert.equal('APP/b.lua:2: gate:option "x": default: string.find: pattern too expensive for a '
      .. 'text of 3000 bytes: "^a-a-a-a-a-a-a-b$"', b)
    assert.equal("APP/c.lua:1: attempt to call method 'dump' (a nil value)", c)
  end)

  it("says that a module is no Lua of its own, too", function()
    local status, _, err = check { init = LIST, a = "require 'lib'\n" .. FINE, lib = "x x" }
    assert.equal(1, status)
    assert.matches("^APP/lib.lua:1: '=' expected near 'x'\n", err)
  end)

  it("takes one file for an app, wherever it is", function()
    file.write(folder .. "/one.lua", "x = 1 " .. FINE)
    local binary = file.output("readlink -f " .. server.BINARY):match "[^\n]+"
    for app, shown in pairs { ["one.lua"] = "one.lua", ["./one.lua"] = "one.lua",
      [folder .. "/one.lua"] = folder .. "/one.lua" } do
      local status, _, err = server.run_to_end({ "-c",
        ("cd %s && exec %s check %s"):format(folder, binary, app) }, "/bin/sh")
      assert.same({ 0, ("warning: %s:1:1: (W111) setting non-standard global variable 'x'\n")
        :format(shown) }, { status, err })
    end
  end)

  it("takes the folder that it is in, if that is an app, and it is told of no other", function()
    file.write(folder .. "/init.lua", LIST)
    file.write(folder .. "/a.lua", FINE)
    local binary = file.output("readlink -f " .. server.BINARY):match "[^\n]+"
    local function within(words)
      return server.run_to_end({ "-c", ("cd %s && %s"):format(folder, words:format(binary)) },
        "/bin/sh")
    end
    local status, out, err = within "exec %s check"
    assert.same({ 0, "" }, { status, err })
    assert.matches("\n.: 2 files, 0 problems", out, 1, true)
    for _, words in ipairs { "exec %s check nowhere", "MOONGATE_APP=nowhere exec %s check" } do
      assert.same({ 2, "app nowhere: No such file or directory\n" }, { (within(words)),
        (select(3, within(words)):match "app nowhere.*") })
    end
    assert.equal(2, (within "mkdir scripts && exec %s check"))
    assert.equal(2, (within "rm -r scripts init.lua && exec %s check"))
  end)

  it("works without luacheck, and says so", function()
    local status, out = server.run_to_end({ "-c", ("PATH=/nowhere exec %s check %s"):format(
      server.BINARY, "scripts") }, "/bin/sh")
    assert.equal(0, status)
    assert.matches("0 warnings; luacheck is not installed\n$", out)
  end)

  it("reads options and environment as run does, and ends with 2 for what run refuses", function()
    for problem, words in pairs {
      ["--port x: expected a whole number from 0 to 65535"] = { "--port", "x" },
      ["option --fly: unknown"] = { "--fly" },
      ["--static nowhere: no such folder"] = { "--static", "nowhere" },
      ["argument scripts: one APP at most"] = { "scripts", "scripts" },
      ["app nowhere: No such file or directory"] = { "nowhere" },
    } do
      local status, out, err = server.run_to_end { "check", unpack(words) }
      assert.same({ 2, "" }, { status, out }, problem)
      assert.matches(problem, err, 1, true)
    end
    local status, _, err = server.run_to_end({ "-c", "MOONGATE_PORT=x exec " .. server.BINARY
      .. " check scripts" }, "/bin/sh")
    assert.equal(2, status)
    assert.matches("MOONGATE_PORT x: expected", err, 1, true)
  end)

  it("neither listens nor opens a store, a socket for operators or a port that is taken", function()
    local house = server.start()
    local store, admin = folder .. "/x.db", folder .. "/x.sock"
    local status = check({ init = LIST, a = FINE }, "--port", tostring(house.port), "--store",
      store, "--admin", admin)
    assert.equal(0, status)
    assert.is_nil(file.peek(store))
    assert.is_nil(file.peek(admin))
    house:stop()
  end)

  it("looks at the certificate", function()
    local cert, key = certificate.make { folder = folder, name = "house" }
    local files = { init = LIST, a = FINE }
    assert.equal(0, (check(files, "--tls-cert", cert, "--tls-key", key)))
    file.write(key, "none")
    local status, _, err = check(files, "--tls-cert", cert, "--tls-key", key)
    assert.equal(1, status)
    assert.matches(key:match "[^/]+$", err, 1, true)
  end)
end)
