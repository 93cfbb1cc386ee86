local guarded = require "spec.support.guarded"
local fake_gate = require "spec.support.fake_gate"

describe("sandbox", function()
  local a

  before_each(function() a = guarded.load() end)

  it("has no library that reaches out of it, and says so", function()
    for _, name in ipairs { "ffi", "io", "jit", "package", "getfenv", "setfenv", "module", "dofile",
      "loadfile", "newproxy", "gcinfo" } do
      assert.equal(name .. " is not for a guarded plugin: see Trust in docs/lua-api.md",
        a:problem("return " .. name))
      assert.equal("nil", a:run(("return rawget(_G, %q)"):format(name)))
    end
    assert.equal("nil", a:run "return no_such_name")
  end)

  it("has of some libraries what is harmless", function()
    for library, names in pairs {
      os = { "execute", "exit", "getenv", "remove", "rename", "tmpname", "setlocale" },
      debug = { "getinfo", "getlocal", "getupvalue", "setupvalue", "getregistry", "getmetatable",
        "setmetatable", "sethook", "getfenv", "setfenv", "upvaluejoin" },
      string = { "dump" }, math = { "randomseed" },
    } do
      for _, name in ipairs(names) do
        assert.equal("nil", a:run(("return %s.%s"):format(library, name)), name)
      end
    end
    assert.equal("number", a:run "return type(os.time())")
    assert.equal("string", a:run "return type(debug.traceback())")
    assert.equal("6", a:run "return bit.bor(2, 4)")
    assert.equal("number", a:run [[return type(collectgarbage "count")]])
    assert.equal('collectgarbage: only "count" is for a guarded plugin',
      a:problem "collectgarbage()")
  end)

  it("has no other modules than the app's files, and bit", function()
    for _, name in ipairs { "ffi", "jit", "jit.util", "debug", "io", "package", "moongate.loop",
      "moongate.ffi", "cjson", "string", "table.new" } do
      assert.matches("^require \"" .. name:gsub("%.", "%%.") .. '": there is no .*, and a guarded '
        .. "plugin has no other modules but bit", a:problem(("require %q"):format(name)))
    end
    assert.equal("1", a:run [[return require("bit").band(1, 3)]])
    for _, name in ipairs { "init", "/init", "//init", ".init" } do
      assert.matches("the list of plugins is not for a guarded plugin",
        a:problem(("require %q"):format(name)))
    end
    assert.matches("require: expected a string, got table", a:problem "require {}")
  end)

  it("loads texts in its own environment, and no bytecode", function()
    assert.equal("7", a:run [[seven = 7 return load("return seven")()]])
    assert.equal("7", a:run [[return loadstring("return ...")(7)]])
    assert.equal("8", a:run [[return load("return x", "n", "t", { x = 8 })()]])
    assert.equal("5", a:run [[local parts = { "return ", "5" }
      return load(function() return table.remove(parts, 1) end)()]])
    local code = ("%q"):format(string.dump(function() return 1 end)):gsub("\n", "n")
    for _, how in ipairs { "load(%s)", "loadstring(%s)", "load(%s, 'n', 'b')",
      "load(function() local t = text text = nil return t end)" } do
      assert.equal("load: bytecode is not for a guarded plugin",
        a:run(("text = %s return select(2, %s)"):format(code, how:gsub("%%s", "text"))))
    end
    assert.matches("getfenv is not for a guarded plugin", a:problem [[load "return getfenv"()]])
    for _, text in ipairs { "string.gmatch('aaa', 'a')", "print", "7" } do
      assert.matches("load: expected a string, or a function of yours, got a",
        (a:run(("return select(2, load(%s))"):format(text))))
    end
    for _, text in ipairs { "(' '):rep(65536) .. ' '", "function() return (' '):rep(65537) end" } do
      assert.equal("load: over 65536 bytes",
        (a:run(("return select(2, load(%s))"):format(text))))
    end
    assert.equal("true", a:run "return load((' '):rep(65536)) ~= nil")
    local own = a:run [[return select(2, pcall(load("error 'own'", "@moongate/loop.lua")))]]
    assert.matches("a.lua%(load%):1: own$", own)
  end)

  it("prints into the log, which blocks nobody, as gate:info does", function()
    local log, real = a.gate.log, print
    _G.print = function() error "printed" end -- luacheck: ignore
    local value = a:run [[
      print("a", 1, nil, true)
      print()
      print("%d", setmetatable({}, { __tostring = function() return "mine" end }))
      print(("x"):rep(5000), setmetatable({}, { __tostring = function() never = true end }))
      print(unpack({ ("y"):rep(3000), ("z"):rep(3000) }))
      return never]]
    _G.print = real -- luacheck: ignore
    assert.equal("nil", value)
    local lines = {}
    for _, line in ipairs(log) do
      if line.level == "info" then lines[#lines + 1] = line.text:match "^a#1: (.*)$" end
    end
    assert.same({ "a\t1\tnil\ttrue", "", "%d\tmine", ("x"):rep(4096),
      ("y"):rep(3000) .. "\t" .. ("z"):rep(1095) }, lines)
    assert.equal("print: __tostring has to return a string",
      a:problem "print(setmetatable({}, { __tostring = function() return {} end }))")
    assert.matches("expected a function of yours", a:problem "table.sort({ 2, 1 }, print)")
  end)

  it("prints under the plugin's name what it prints in the run of another one", function()
    local gate = fake_gate.load { init = [[return { "a", { "b", trust = "trusted" } }]],
      a = "return function(gate) gate:provide('1.0', { say = function() print 'hi' end }) end",
      b = "return function(gate) gate:use('a', '1.0').say() end" }
    assert.equal("a: hi", (gate:logged "hi"))
  end)

  it("loads in well under half a second what takes the parser longest", function()
    for _, code in ipairs { "('goto a '):rep(9361) .. '::a::'",
      "'return ' .. ('x and '):rep(10920) .. '1'", "'return ' .. ('x or '):rep(10900) .. '1'" } do
      local begun = os.clock()
      assert.equal("function", a:run(("return type(load(%s))"):format(code)))
      assert.is_true(os.clock() - begun < 0.5, code)
    end
  end)

  it("has libraries of its own in each file", function()
    local gate = fake_gate.load { init = [[return { "a", { "b", trust = "trusted" } }]],
      a = [[string.len = nil table.insert = nil
        return function(gate) gate.state.n = require("m")() end]],
      m = [[return function() return string.len "ab" end]],
      b = [[return function(gate)
        gate:needs "a"
        gate.state.n = string.len "abc"
        table.insert({}, 1)
      end]] }
    assert.equal(2, gate.world.state.of("a").n)
    assert.equal(3, gate.world.state.of("b").n)
  end)

  it("loads a module anew for each guarded plugin, and once for all trusted ones", function()
    local source = [[local m = require "m" return function(gate)
      gate:on(%q, function() m.n = (m.n or 0) + 1 return { n = m.n, has_io = m.has_io } end)
    end]]
    local gate = fake_gate.load {
      init = [[return { "a", "b", { "c", trust = "trusted" }, { "d", trust = "trusted" } }]],
      a = source:format "a", b = source:format "b", c = source:format "c", d = source:format "d",
      m = [[return { has_io = rawget(_G, "io") ~= nil }]],
    }
    local ann = gate:connect "ann"
    assert.same({ n = 1, has_io = false }, gate:deliver(ann, { type = "a" }))
    assert.same({ n = 1, has_io = false }, gate:deliver(ann, { type = "b" }))
    assert.same({ n = 1, has_io = true }, gate:deliver(ann, { type = "c" }))
    assert.same({ n = 2, has_io = true }, gate:deliver(ann, { type = "d" }))
    assert(gate:reload { m = "return { n = 10 }" })
    for _, name in ipairs { "a", "b", "c" } do
      assert.equal(11, gate:deliver(ann, { type = name }).n)
    end
    assert(gate:reload { a = source:format "a" .. "\n" })
    assert.equal(12, gate:deliver(ann, { type = "a" }).n)
  end)

  it("has metatables of tables of its own, and of none else", function()
    assert.equal("true", a:run [[local mt = { __index = { x = 1 } }
      local t = setmetatable({}, mt) return getmetatable(t) == mt and t.x == 1]])
    assert.equal("no", a:run [[return getmetatable(setmetatable({}, { __metatable = "no" }))]])
    for _, value in ipairs { "''", "gate", "conn", "_G", "string", "print", "gate.json",
      "gate:room('tea')", "conn.rooms" } do
      assert.equal("nil", a:run(("return getmetatable(%s)"):format(value)), value)
    end
    for _, value in ipairs { "gate", "conn", "_G", "gate.json", "gate:room('tea')" } do
      assert.equal("setmetatable: this is no table of yours",
        a:problem(("setmetatable(%s, {})"):format(value)), value)
      assert.matches("rawset: this is no table of yours",
        a:problem(("rawset(%s, 1, 2)"):format(value)), value)
    end
    assert.equal("setmetatable: the metatable is no table of yours",
      a:problem "setmetatable({}, conn)")
  end)

  it("tells the date by a format that is short", function()
    assert.equal("1970", a:run "return os.date('!%Y', 0)")
    assert.equal("1970", a:run "return os.date('!*t', 0).year")
    assert.equal("string", a:run "return type(os.date())")
    assert.equal("string", a:run "return type(os.date '%c')")
    assert.equal("os.date: the format has 4098 bytes, at most 4096",
      a:problem "return (os.date(('%c'):rep(2049)))")
    assert.equal("true", a:run "return #os.date(('%c'):rep(2048)) > 20000")
  end)

  it("lets a table that replaces run code of its plugin", function()
    assert.equal("aabb", a:run [[return (string.gsub("ab", ".",
      setmetatable({}, { __index = function(_, key) return key .. key end })))]])
  end)

  it("lets C call Lua that calls C only as deep as the stack is", function()
    local calls = { 'return string.gsub("a", "a", function() return "b" end)',
      "return coroutine.wrap(function() return 1 end)()",
      "return coroutine.resume(coroutine.create(function() return 1 end))" }
    for _, code in ipairs(calls) do assert.is_nil(tostring(a:run(code)):match "overflow") end
    a.gate.core.answers.moon_stack_is_deep = 1
    for _, code in ipairs(calls) do
      local ok, problem = pcall(a.run, a, "local x, y = " .. code:gsub("return ", "", 1)
        .. " return tostring(x) .. tostring(y)")
      assert.matches("C stack overflow", tostring(problem), 1, true, tostring(ok))
    end
    assert.equal("b", a:run 'return (string.gsub("a", "a", "b"))')
  end)

  it("does not hand out the coroutines of tasks, which others will have", function()
    assert.equal("nil", a:run "return coroutine.running()")
    assert.equal("true", a:run [[local co
      co = coroutine.create(function() return coroutine.running() == co end)
      return select(2, coroutine.resume(co))]])
    assert.equal("3", a:run [[return coroutine.wrap(function() coroutine.yield(3) end)()]])
  end)

  it("goes through tables as ever", function()
    assert.equal("6", a:run [[local sum = 0 for _, n in pairs { 1, 2, x = 3 } do sum = sum + n end
      return sum]])
    assert.equal("x", a:run "return next { x = 1 }")
    assert.equal("2", a:run [[local n = 0 for i in ipairs { 1, 2 } do n = i end return n]])
  end)
end)
