local fake_gate = require "spec.support.fake_gate"

describe("gate", function()
  local gate, ann

  local function load(plugins, options)
    gate = fake_gate.load(type(plugins) == "string" and { a = plugins } or plugins, options)
    ann = gate:connect "ann"
  end

  local function problem_of(plugins, options)
    if type(plugins) == "string" then plugins = { a = plugins } end
    local ok, problem = pcall(fake_gate.load, plugins, options)
    assert.is_false(ok)
    return problem
  end

  local function state_of(plugin) return gate.world.state.of(plugin or "a") end

  it("refuses wrong arguments with file and line of the caller", function()
    local calls = {
      ["gate:on(7, print)"] = "gate:on: expected a string, got number",
      ["gate:on('say')"] = "gate:on: expected a function, got nil",
      ["gate:before('say', 1)"] = "gate:before: expected a function, got number",
      ["gate:after(nil, print)"] = "gate:after: expected a string, got nil",
      ["gate:raw('/ws')"] = "gate:raw: expected a table, got nil",
      ["gate:raw('ws', {})"] = "gate:raw: a path begins with /",
      ["gate:raw('/w s', {})"] = 'gate:raw: a path has no blanks: "/w s"',
      ["gate:raw('/a/b{c}', {})"] = "gate:raw: a name in braces takes a whole segment: /a/b{c}",
      ["gate:raw('/a', { recieved = print })"] = 'gate:raw: there is no "recieved", there are: ',
      ["gate:http(nil, '/a', print)"] = "gate:http: expected a string, got nil",
      ["gate:http('GET', nil, print)"] = "gate:http: expected a string, got nil",
      ["gate:http('GET', '/a')"] = "gate:http: expected a function, got nil",
      ["gate:http('GET', 'a', print)"] = "gate:http: a path begins with /",
      ["gate:http('HEAD', '/a', print)"] =
        'gate:http: there is no "HEAD", there are: DELETE, GET, PATCH, POST, PUT',
      ["gate:admission()"] = "gate:admission: expected a table, got nil",
      ["gate:admission { max = 1 }"] = 'gate:admission: there is no "max", there are: ',
      ["gate:option(nil)"] = "gate:option: expected a string, got nil",
      ["gate:migrate('1', print)"] = "gate:migrate: expected a number, got string",
      ["gate:migrate(1.5, print)"] =
        "gate:migrate: expected a whole number greater than 0, got 1.5",
      ["gate:provide(1, {})"] = "gate:provide: expected a string, got number",
      ["gate:provide('1', {})"] = 'gate:provide: expected a version like "1.2", got "1"',
      ["gate:use('b', '1.x')"] = 'gate:use: expected a version like "1.2", got "1.x"',
      ["gate:use('b', '1.0')"] = 'gate:use: there is no plugin "b" in the list',
      ["gate:cron('* * * *', print)"] = "gate:cron: expected five fields, minute hour day",
      ["gate:deadline(0)"] = "gate:deadline: expected at least 1 ms, got 0",
      ["gate:gather(print, 1)"] = "gate:gather, argument 2: expected a function, got number",
      ["gate:room(7)"] = "gate:room: expected a string, got number",
      ["gate:every('1', print)"] = "gate:every: expected a number, got string",
      ["gate:every(0, print)"] = "gate:every: expected at least 1 ms",
      ["gate:after_ms(print)"] = "gate:after_ms: expected a number, got function",
      ["gate:spawn()"] = "gate:spawn: expected a function, got nil",
      ["gate:sleep()"] = "gate:sleep: expected a number, got nil",
      ["gate:every(math.huge, print)"] = "gate:every: expected a finite number of ms, got inf",
      ["gate.counter('x')"] = "gate.counter: called with a dot, it is gate:counter(...)",
      ["gate.on('say', print)"] = "gate.on: called with a dot, it is gate:on(...)",
      ["gate.sleep(1)"] = "gate.sleep: called with a dot, it is gate:sleep(...)",
      ["gate.room('tea')"] = "gate.room: called with a dot, it is gate:room(...)",
      ["gate:needs(nil, 'nosuch')"] = "gate:needs: expected a string, got nil",
      ["gate:every(1, print, {})"] = "gate:every, name: expected a string, got table",
      ["gate:cron('* * * * *', print, 5)"] = "gate:cron, name: expected a string, got number",
      ["gate:request(nil, { type = 'a' }, print)"] =
        "gate:request: expected a connection, got nil",
      ["gate:request({ id = 1 }, { type = 'a' }, print, -1)"] =
        "gate:request, bytes: expected a number of at least 0, got -1",
      ["gate:http('GET', '/metrics', print)"] = "gate:http: /metrics is the gateway's own",
      ["gate.state = {}"] =
        "gate.state cannot be set: change what is in gate.state, or keep it in a local",
    }
    for call, problem in pairs(calls) do
      local text = problem_of("return function(gate)\n  " .. call .. "\nend")
      assert.is_truthy(text:find("a.lua:2: " .. problem, 1, true), text)
    end
  end)

  it("registers only while the plugin loads", function()
    load [[return function(gate)
      gate:on("try", function(_, message)
        local last = message.value and print or {}
        local ok, problem = pcall(gate[message.name], gate, "x",
          message.name == "http" and "/x" or last, last)
        return { ok = ok, problem = problem }
      end)
    end]]
    for name, value in pairs { on = true, before = true, after = true, raw = false,
      http = true, option = true, needs = true } do
      local reply = gate:deliver(ann, { type = "try", name = name, value = value })
      assert.is_false(reply.ok, name)
      assert.matches("gate:" .. name .. " is only possible while the plugin loads",
        reply.problem)
    end
  end)

  it("starts no interval after loading either", function()
    load [[return function(gate)
      gate:on("try", function() gate:every(1, print) end)
    end]]
    local _, code = gate:deliver(ann, { type = "try" })
    assert.equal("internal", code)
    assert.is_truthy(gate:logged "gate:every is only possible while the plugin loads")
  end)

  it("keeps the names of its own events from being requests", function()
    for _, name in ipairs { "opened", "closed", "slow", "drained" } do
      problem_of(("return function(gate) gate:on(%q, function() end) end"):format(name))
    end
  end)

  describe("option", function()
    local DECLARES = [[return function(gate)
      gate.state.value = gate:option("n", { default = 5, min = 1, max = 9 })
    end]]

    it("is its default, or what the list sets", function()
      load(DECLARES)
      assert.equal(5, state_of().value)
      load(DECLARES, { a = { n = 9 } })
      assert.equal(9, state_of().value)
    end)

    it("is refused when it is wrong, with list, plugin and what was expected", function()
      assert.matches('/init.lua: plugin "a": option "n": expected a number from 1 to 9, got 10$',
        problem_of(DECLARES, { a = { n = 10 } }))
    end)

    it("is refused when the plugin does not declare it", function()
      assert.matches('/init.lua: plugin "a" has no option "m"; it has n$',
        problem_of(DECLARES, { a = { m = 1 } }))
    end)

    it("is declared once, and its declaration checked, with file and line", function()
      assert.matches('/a.lua:1: gate:option: "n" is declared twice$', problem_of [[
        return function(gate) gate:option("n", 1) gate:option("n", 2) end]])
      assert.matches('/a.lua:1: gate:option: expected a name of 1 to 64 bytes', problem_of [[
        return function(gate) gate:option("a = 1\n  b", 1) end]])
      assert.matches('/a.lua:1: gate:option "n": type: expected string,', problem_of [[
        return function(gate) gate:option("n", print) end]])
    end)

    it("is read anew when the list changes", function()
      load(DECLARES)
      assert(gate:reload(nil, { a = { n = 7 } }))
      assert.equal(7, state_of().value)
    end)
  end)

  describe("provide and use", function()
    local PROVIDES = [[return function(gate)
      gate:provide("1.4", { double = function(n) return 2 * n end })
    end]]

    local function using(version)
      return ([[return function(gate)
        local b = gate:use("b", %q)
        gate.state.value = b.double(21)
      end]]):format(version)
    end

    it("give one plugin the API of another, whatever the order in the list", function()
      load { a = using "1.2", b = PROVIDES }
      assert.equal(42, state_of().value)
    end)

    it("compare versions", function()
      for version, problem in pairs {
        ["1.5"] = 'gate:use: "b" provides 1.4, 1.5 is wanted$',
        ["2.0"] = 'gate:use: "b" provides 1.4, 2.0 is wanted$',
      } do
        assert.matches("/a.lua:2: " .. problem, problem_of { a = using(version), b = PROVIDES })
      end
    end)

    it("say who provides nothing, or needs each other", function()
      assert.matches('/a.lua:2: gate:use: "b" provides nothing$',
        problem_of { a = using "1.0", b = "return function() end" })
      assert.matches('gate:use: "a" uses this plugin, too$', problem_of {
        a = using "1.0", b = [[return function(gate) gate:use("a", "1.0") end]] })
    end)
  end)

  describe("every", function()
    it("leaves a turn out while the one before still runs", function()
      load [[return function(gate)
        gate.state.begun = 0
        gate:every(10, function()
          gate.state.begun = gate.state.begun + 1
          gate:sleep(25)
        end)
      end]]
      gate:later(10)
      gate:later(20)
      assert.equal(1, gate.world.state.of("a").begun)
      gate:later(20)
      assert.equal(2, gate.world.state.of("a").begun)
    end)
  end)

  describe("rooms", function()
    it("lists the rooms that have members", function()
      load [[return function(gate)
        gate:on("enter", function(conn, message) gate:room(message.room):add(conn) end)
        gate:on("list", function()
          local sizes = {}
          gate:room "empty"
          for name, room in gate:rooms() do sizes[name] = room:size() end
          return sizes
        end)
      end]]
      assert.same({}, gate:deliver(ann, { type = "list" }))
      gate:deliver(ann, { type = "enter", room = "tea" })
      gate:deliver(gate:connect "bob", { type = "enter", room = "tea" })
      gate:deliver(ann, { type = "enter", room = "milk" })
      assert.same({ tea = 2, milk = 1 }, gate:deliver(ann, { type = "list" }))
    end)

    it("are the same for all plugins", function()
      load {
        a = [[return function(gate)
          gate:on("enter", function(conn) gate:room("tea"):add(conn) end)
        end]],
        b = [[return function(gate)
          gate:on("call", function(conn) gate:room("tea"):publish("hello", { except = conn }) end)
        end]],
      }
      local bob = gate:connect "bob"
      gate:deliver(ann, { type = "enter" })
      gate:deliver(bob, { type = "enter" })
      gate:deliver(ann, { type = "call" })
      assert.same({}, ann.heard)
      assert.same({ "hello" }, bob.heard)
    end)
  end)

  it("lists the open connections", function()
    load [[return function(gate)
      gate:on("who", function()
        local users = {}
        for id, conn in gate:conns() do users[conn.user] = id == conn.id end
        return users
      end)
    end]]
    local bob = gate:connect "bob"
    assert.same({ ann = true, bob = true }, gate:deliver(ann, { type = "who" }))
    gate:close(bob)
    assert.same({ ann = true }, gate:deliver(ann, { type = "who" }))
  end)

  it("carries out requests of plugins with an encoding of their own", function()
    load {
      a = [[return function(gate)
        gate:on("add", function(_, message)
          gate:sleep(5)
          return { sum = message.a + message.b }
        end)
      end]],
      codec = [[return function(gate)
        gate:raw("/sums", {
          received = function(conn, bytes)
            local a, b = bytes:match "(%d+) (%d+)"
            gate:request(conn, { type = a and "add" or "huh", a = a, b = b },
              function(data, code) conn:send(data and tostring(data.sum) or code) end)
          end,
        })
      end]],
    }
    local conn = gate:connect("bob", { path = "/sums" })
    gate:receive(conn, "2 3")
    gate:receive(conn, "what")
    assert.same({}, conn.heard)
    gate:later(5)
    assert.same({ "5", "unknown_type" }, conn.heard)
  end)

  it("does not carry out a request for a connection whose closed hooks have run", function()
    load [[return function(gate)
      gate:on("enter", function(conn) gate.state.ran = true end)
    end]]
    gate:close(ann)
    assert.is_nil((gate:deliver(ann, { type = "enter" })))
    assert.is_nil(state_of().ran)
  end)

  it("tells the time of the core", function()
    load [[return function(gate)
      gate:on("time", function() return { at = gate:now_ms() } end)
    end]]
    gate:later(1234)
    assert.same({ at = 1760000001234 }, gate:deliver(ann, { type = "time" }))
  end)

  it("tells text from bytes", function()
    load [[return function(gate)
      gate.state.text = gate:is_utf8 "h\195\169llo"
      gate.state.bytes = gate:is_utf8 "\255"
      gate.state.is_refused = not pcall(gate.is_utf8, gate, 7)
    end]]
    assert.same({ text = true, bytes = false, is_refused = true }, state_of())
  end)

  it("knows the facts of the process", function()
    load [[return function(gate) gate.state.facts = gate.facts end]]
    assert.same({ version = "0.0.0-fake", max_message_bytes = 65536, ping_interval_ms = 25000,
      auth_timeout_ms = 10000, has_store = false }, state_of().facts)
  end)

  it("lends its MessagePack to plugins", function()
    load [[return function(gate)
      gate.state.bytes = gate.msgpack.encode { word = gate.json.null }
      gate.state.word = gate.msgpack.decode(gate.state.bytes).word == gate.msgpack.null
    end]]
    assert.same({ bytes = "\129\164word\192", word = true }, state_of())
  end)

  it("lends its JSON to plugins", function()
    load [[return function(gate)
      gate.state.text = gate.json.encode { word = gate.json.null }
      gate.state.word = gate.json.decode('{"word":"tea"}').word
    end]]
    assert.same({ text = '{"word":null}', word = "tea" }, state_of())
  end)

  it("lends its empty list to plugins, for both", function()
    load [[return function(gate)
      local json, msgpack = gate.json, gate.msgpack
      gate.state.kept = { json.list {}, msgpack.empty_list }
      gate.state.text = json.encode { json.list {}, json.list { 1 }, {} }
      gate.state.bytes = msgpack.encode { json.empty_list, {} }
    end]]
    local none = require("moongate.json_count").empty_list
    assert.same({ kept = { none, none }, text = "[[],[1],{}]", bytes = "\146\144\128" }, state_of())
  end)

  it("takes names that can be read only, and says in which line one is not", function()
    local WHAT = { ["gate:on(%s, print)"] = "gate:on", ["gate:before(%s, print)"] = "gate:before",
      ["gate:after(%s, print)"] = "gate:after", ["gate:tells(%s)"] = "gate:tells",
      ["gate:room_kind(%s, {})"] = "gate:room_kind",
      ["gate:every(9, print, %s)"] = "gate:every, name",
      ["gate:after_ms(9, print, %s)"] = "gate:after_ms, name",
      ["gate:cron('* * * * *', print, %s)"] = "gate:cron, name" }
    for _, trust in ipairs { "trusted", "guarded" } do
      for code, what in pairs(WHAT) do
        local ok, problem = pcall(fake_gate.load, {
          init = ("return { { 'a', trust = '%s' } }"):format(trust),
          a = ("return function(gate)\n  %s\nend"):format(code:format "'a\\nb'") })
        assert.is_false(ok, code)
        assert.matches("/a.lua:2: " .. what .. ": expected a name of 1 to 64 bytes of UTF%-8, "
          .. "without control characters", problem)
      end
    end
  end)
end)
