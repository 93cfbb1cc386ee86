local fake_gate = require "spec.support.fake_gate"

local TEA = [[
count = 5
return function(gate)
  gate.state.rooms = { tea = { n = 1 } }
  function touch() gate.state.touched = true return "done" end
  function gate_is(other) return other == gate end
end]]

describe("console", function()
  local gate

  before_each(function() gate = fake_gate.load { tea = TEA } end)

  local function ask(code, mode, plugin)
    return gate.core:ask(gate.world.json.encode { command = "console",
      arguments = { code = code, mode = mode, plugin = plugin } })
  end

  local function answer(told)
    gate:later(0)
    return told.is_given and gate.world.json.decode(told.bytes) or nil
  end

  local function reads(code) return answer(ask(code)) end
  local function writes(code) return answer(ask(code, "write")) end

  local function audits()
    local lines = {}
    for _, line in ipairs(gate.log) do
      if line.text:find "^console: " then lines[#lines + 1] = line.text end
    end
    return lines
  end

  it("evaluates an expression or a statement where the plugin's globals are", function()
    assert.equal("6", reads("count + 1").text)
    assert.equal("5\n\"x\"\nnil", reads("return count, 'x', nil").text)
    assert.equal("", reads("local a = 1").text)
    assert.equal("{ tea = { n = 1 } }", reads("state.rooms").text)
    assert.equal("{ tea = { n = 1 } }", reads("gate.state.rooms").text)
    assert.equal("1\tx\n2", reads("print(1, 'x') return 2").text)
  end)

  it("shows numbers whole", function()
    for code, text in pairs { ["0.1 + 0.2"] = "0.30000000000000004", ["0.1"] = "0.1",
      ["2 ^ 53"] = "9007199254740992" } do
      assert.equal(text, reads(code).text)
      assert.equal(text, reads(("print(%s)"):format(code)).text)
    end
  end)

  it("changes nothing unless it may write", function()
    for _, code in ipairs { "count = 6", "state.rooms.tea.n = 2", "touch()", "gate.state.x = 1",
      "gate:spawn(print)", "gate:admission{}" } do
      local told = reads(code)
      assert.equal("failed", told.error.code)
      assert.matches("read-only: ", told.error.message, 1, true)
    end
    assert.equal("5", reads("count").text)
    assert.same({ rooms = { tea = { n = 1 } } }, gate.world.state.of "tea")
  end)

  it("calls no function of an app or of Lua, whatever its name", function()
    gate = fake_gate.load {
      other = [[return function(gate)
        local api = { get = function() gate.state.called = true end, size = print }
        gate:provide("1.0", api)
      end]],
      tea = [[return function(gate)
        used, gate.state.list = gate:use("other", "1.0"), {}
        sleep, has, encode, get = table.insert, rawset, os.execute, rawget
        trap = setmetatable({}, { __index = function() gate.state.trapped = true end })
        lua = { sleep = sleep, has = has, encode = encode }
      end]],
    }
    for _, code in ipairs { "used.get()", "used.size(1)", "sleep(state.list, 1)",
      "has(state, 'x', 1)", "encode 'true'", "get(state, 'x')", "lua.sleep(state.list, 1)",
      "lua.has(state, 'x', 1)", "lua.encode 'true'" } do
      local problem = answer(ask(code, "read", "tea")).error
      assert.matches("read-only: this function", problem and problem.message or "called", 1, true)
    end
    local problem = answer(ask("gate.room(trap, 'x')", "read", "tea")).error
    assert.matches("read-only: a table with a metatable", problem.message, 1, true)
    assert.same({ list = {} }, gate.world.state.of "tea")
    assert.same({}, gate.world.state.of "other")
  end)

  describe("of a guarded plugin", function()
    before_each(function()
      gate = fake_gate.load {
        init = 'return { { "tea", capabilities = { "store" } }, { "other", trust = "trusted" } }',
        other = [[return function(gate)
          gate:provide("1.0", { get = function() gate.state.called = true end, list = { 1 } })
        end]],
        tea = [[return function(gate)
          used = gate:use("other", "1.0")
          gate:after("opened", function(conn)
            whose, place = conn, gate:room "hall"
            place:add(conn)
          end)
        end]],
      }
      gate:connect "ann"
    end)

    local function ask_tea(code, mode)
      local told = answer(ask(code, mode, "tea"))
      return told.text or told.error.message
    end

    it("reads what the plugin could", function()
      assert.equal("hall\t1",
        ask_tea "for name, room in gate:rooms() do print(name, room:size()) end")
      assert.equal("true", ask_tea "place:has(whose)")
      assert.equal('"[1]"', ask_tea "gate.json.encode { 1 }")
      assert.equal("nil", ask_tea "(gate.store:get 'k')")
      assert.equal("1", ask_tea "used.list[1] * #used.list")
      assert.equal("1\n\"1\"", ask_tea "unpack(used.list), table.concat(used.list)")
      assert.equal("nil", ask_tea "gate.registry")
    end)

    it("changes nothing", function()
      for _, code in ipairs { "used.get()", "whose:close()", "place:remove(whose)",
        "gate.store:put('k', 1)" } do
        assert.matches("read-only: this function", ask_tea(code), 1, true)
      end
      assert.same({}, gate.world.state.of "other")
    end)

    it("shows what the membrane lets through, and nothing else", function()
      local text = ask_tea "gate"
      assert.matches("  rooms = <function .*gate_people.lua:%d+>", text)
      assert.matches("  state = {}", text, 1, true)
      for _, name in ipairs { "registry", "plugin" } do
        assert.is_nil(text:find("  " .. name .. " = ", 1, true), name)
      end
      assert.matches('name = "hall"', ask_tea "place", 1, true)
      assert.equal("{ get = <function ", ask_tea("used"):match "{ get = <function ")
      assert.equal("true", ask_tea [[local seen = {}
        for name in pairs(gate) do seen[name] = true end
        return seen.rooms and seen.facts and not seen.registry]])
    end)

    it("has what the plugin has capabilities for", function()
      gate = fake_gate.load { init = 'return { "tea" }', tea = "return function() end" }
      assert.matches('has not the capability "store"', ask_tea "gate.store:get 'k'", 1, true)
      assert.is_nil(ask_tea("gate"):find "%sstore = ")
      assert.same({ "gate.state" }, gate:ctl { command = "console",
        arguments = { plugin = "tea", complete = "gate.st" } }.data.words)
      assert.is_nil(gate:ctl { command = "console",
        arguments = { plugin = "tea", complete = "gate.store.g" } }.data.words)
    end)

    it("completes what the membrane lets through", function()
      local function complete(word)
        local told = gate:ctl { command = "console",
          arguments = { plugin = "tea", complete = word } }
        return told.data.words or {}
      end
      assert.same({ "gate:room", "gate:room_kind", "gate:rooms", "gate:rooms_of" },
        complete "gate:room")
      assert.same({ "gate.state", "gate.store" }, complete "gate.st")
      assert.same({ "gate.json.decode" }, complete "gate.json.dec")
      assert.same({}, complete "gate.reg")
      assert.same({}, complete "gate.fetch.x")
      assert.same({ "place:size" }, complete "place:si")
      assert.same({ "whose:send" }, complete "whose:se")
      assert.same({ "used.get" }, complete "used.g")
    end)

    it("has the functions of strings that the plugin has, with --write", function()
      assert.matches("pattern too expensive", ask_tea(
        'return string.find(("a"):rep(30000), (".-"):rep(20) .. "b")', "write"), 1, true)
      assert.matches("nil", ask_tea("string.dump", "write"), 1, true)
    end)

    it("has functions that are as good as the plugin's own, with --write", function()
      assert.equal("3, 2, 1", ask_tea([[local list = { 1, 3, 2 }
        table.sort(list, function(a, b) return a > b end)
        return table.concat(list, ", ")]], "write"):match '"(.*)"')
      assert.equal("1\ta\n2\tb", ask_tea("table.foreach({ 'a', 'b' }, print)", "write"))
      assert.equal("4", ask_tea([[return setmetatable({},
        { __index = function(_, key) return key + 1 end })[3] ]], "write"))
      assert.matches("expected a function of yours", ask_tea("table.sort({ 2, 1 }, rawequal)",
        "write"), 1, true)
    end)
  end)

  it("changes what is asked for when it may", function()
    assert.equal('"done"', writes("touch()").text)
    assert.is_true(gate.world.state.of("tea").touched)
    writes "count = 9"
    assert.equal("9", reads("count").text)
    assert.equal("true", writes("gate_is(gate)").text)
  end)

  it("waits, with a deadline", function()
    local told = ask "gate:sleep(100) return 1"
    assert.is_nil(answer(told))
    gate:later(100)
    assert.equal("1", answer(told).text)
    told = ask "gate:sleep(60000)"
    gate:later(20000)
    assert.equal("not done within its deadline of 20000 ms", answer(told).error.message)
  end)

  it("reads the store, and does not write it", function()
    writes "return gate.store:put('k', { n = 1 })"
    assert.equal("{ n = 1 }", (reads("return (gate.store:get 'k')").text))
    assert.matches("read-only", reads("gate.store:put('k', 1)").error.message, 1, true)
  end)

  it("is a run of the plugin, which is not blamed for it", function()
    local run, overrun = gate.world.run, gate.world.overrun
    local seen
    gate.world.plugin.current().plugins.tea.env.look = function()
      seen = { run.plugin.name, run.doing }
      overrun.late(2, "trace")
      overrun.late(2, "trace")
      overrun.late(2, "trace")
    end
    writes "look()"
    assert.same({ "tea", "console" }, seen)
    assert.is_nil(gate.world.plugin.current().plugins.tea.is_off)
    assert.same({}, gate.world.errors.list())
  end)

  it("says what went wrong", function()
    assert.equal("console:1: oh", reads("local a error 'oh'").error.message)
    assert.equal("{ a = 1 }", reads("error { a = 1 }").error.message)
    assert.matches("^console:1: .* near", reads("x = = 1").error.message)
    assert.equal("seen\nconsole:1: oh", reads("print 'seen' error 'oh'").error.message)
  end)

  it("takes text only", function()
    local bytecode = string.dump(function() return 1 end)
    local told = ask((bytecode:gsub("[\128-\255]", "?"))) -- as JSON carries it
    assert.matches("attempt to load chunk with wrong mode", answer(told).error.message, 1, true)
  end)

  it("has no functions of strings that nobody could stop", function()
    for _, mode in ipairs { "read", "write" } do
      local told = answer(ask('return string.find(("a"):rep(30000), (".-"):rep(20) .. "b")', mode))
      assert.matches("string.find: pattern too expensive", told.error.message, 1, true)
      told = answer(ask("return #string.rep('x', 2 ^ 30)", mode))
      assert.matches("string.rep: the result would have", told.error.message, 1, true)
      told = answer(ask("local t = { ('x'):rep(1e6), 'y' } return #table.concat(t, t[1])", mode))
      assert.matches("table.concat: the result would have", told.error.message, 1, true)
      for _, call in ipairs { "insert(t, 1, 1)", "remove(t, 1)", "sort(t)", "sort(t, print)" } do
        told = answer(ask([[local t, k = {}, 1
          for i = 1, 200 do t["k" .. i] = 1 end
          while k <= 2097152 do t[k], k = 1, k * 2 end
          table.]] .. call, mode))
        assert.matches("table.%l+: the list has 2097152 values", told.error.message)
      end
    end
    assert.matches("os.date: the format has", reads("os.date(('%c'):rep(2049))").error.message)
    assert.equal("2", writes("local t = {} table.insert(t, 1) return #t + #string.dump(touch) / "
      .. "#string.dump(touch)").text)
  end)

  it("says what is wrong with what was asked", function()
    assert.equal('there is no plugin "x"; there are: tea',
      answer(ask("1", nil, "x")).error.message)
    assert.equal('argument "mode": expected "read" or "write"',
      answer(ask("1", "both")).error.message)
    assert.equal('argument "code": there is none', answer(ask()).error.message)
    gate = fake_gate.load { a = "return function() end", b = "return function() end" }
    assert.equal("which plugin; there are: a, b", answer(ask "1").error.message)
  end)

  it("leaves a line in the log before it begins, and one when it has ended", function()
    reads "count"
    writes "local a\nerror 'oh'"
    local READ, WRITTEN = "console: uid 1000, pid 4711: tea#1, read-only: count: ",
      "console: uid 1000, pid 4711: tea#1, may write: local a error 'oh': "
    assert.same({ READ .. "begins", READ .. "done after 0.0 ms", WRITTEN .. "begins",
      WRITTEN .. "failed: console:2: oh after 0.0 ms" }, audits())
  end)

  it("has said what it begins with when it does", function()
    local env, seen = gate.world.plugin.current().plugins.tea.env, nil
    env.look = function() seen = audits() end
    writes "look()"
    assert.same({ "console: uid 1000, pid 4711: tea#1, may write: look(): begins" }, seen)
  end)

  it("keeps secrets out of the log", function()
    writes "token = 'abc' return \"d\", [[e]]"
    assert.matches("token = *** return ***, ***: begins", audits()[1], 1, true)
    assert.matches("token = *** return ***, ***: done", audits()[2], 1, true)
  end)

  it("hides all that is written about a secret, however it is written", function()
    local cases = {
      [ [[state.token = "abc\"TOPSECRET1\""]] ] = "state.token = ***: done",
      [ [[state.token = 'abc\\' .. "TOPSECRET1"]] ] = "state.token = *** .. ***: done",
      [ "state.token = [==[\nTOPSECRET1 ]] ]==] x = 1" ] = "state.token = *** x = ***: done",
      [ "--[[ TOPSECRET1\n]] state.token = 1" ] = "*** state.token = ***: done",
      [ "state.token = 2 -- isn't TOPSECRET1\nx = 'TOPSECRET1'" ] =
        "state.token = *** *** x = ***: done",
      [ "state.token = 1 -[[7]]" ] = "state.token = *** -***: done",
      [ "state.pin = 471123" ] = "state.pin = ***: done",
      [ "state.pin = -.5e10 - 0xABCull" ] = "state.pin = -*** - ***: done",
      [ "state.token = a1[ [[TOPSECRET1]] ]" ] = "state.token = a1[ *** ]: failed: ***",
      [ "state.token = 'TOPSECRET1" ] = "state.token = ***: failed: ***",
      [ "state.password = 'x' error('no ' .. state.password)" ] =
        "state.password = *** error(*** .. state.password): failed: ***",
    }
    for code, line in pairs(cases) do
      gate = fake_gate.load { tea = TEA }
      writes(code)
      local before, after = unpack(audits())
      assert.matches("may write: " .. line .. " after", after, 1, true)
      assert.matches("may write: " .. line:gsub(": [df]%a+.*", ": begins"), before, 1, true)
    end
    gate = fake_gate.load { tea = "function fail() error 'password TOPSECRET1' end "
      .. "return function() end" }
    writes "fail()"
    assert.matches("fail(): failed: *** after", audits()[2], 1, true)
  end)

  it("cuts what is long in the log", function()
    reads(("1 + "):rep(500) .. "1")
    assert.matches("1 + ... (2001 bytes): begins", audits()[1], 1, true)
    assert.matches("1 + ... (2001 bytes): done", audits()[2], 1, true)
    assert.is_true(#audits()[1] < 700 and #audits()[2] < 700)
  end)

  describe("completion", function()
    local function complete(word)
      local told = gate:ctl { command = "console", arguments = { complete = word } }
      return told.data.words or {}
    end

    it("knows globals and what is in tables", function()
      assert.same({ "count" }, complete "cou")
      assert.same({ "gate", "gate_is" }, complete "ga")
      assert.same({ "state.rooms" }, complete "state.")
      assert.same({ "state.rooms.tea.n" }, complete "state.rooms.tea.")
      assert.same({ "gate.state", "gate.store" }, complete "gate.st")
      assert.same({ "string.format" }, complete "string.form")
    end)

    it("knows methods behind a colon", function()
      assert.same({ "gate:user", "gate:users" }, complete "gate:user")
      assert.same({}, complete "gate:stat")
    end)

    it("knows nothing of what is not there", function()
      assert.same({}, complete "nothing.at.all")
      assert.same({}, complete "count.x")
    end)

    it("takes words of any length, in the server, too", function()
      local restore = require("moongate.strings").install()
      local told = { complete(("x"):rep(50000)), complete(("x."):rep(50000)) }
      restore()
      assert.same({ {}, {} }, told)
    end)

    it("leaves no line in the log", function()
      complete ""
      assert.same({}, audits())
    end)
  end)
end)
