local fake_gate = require "spec.support.fake_gate"

describe("plugin", function()
  local gate, ann

  local function load(plugins, options)
    gate = fake_gate.load(plugins, options)
    ann = gate:connect "ann"
  end

  local function problem_of(plugins, options)
    local ok, problem = pcall(fake_gate.load, plugins, options)
    assert.is_false(ok)
    return problem
  end

  local function state_of(plugin) return gate.world.state.of(plugin) end

  --- A plugin that answers "which" with this word.
  local function answering(word)
    return ([[return function(gate)
      gate:on("which", function() return { word = %q } end)
    end]]):format(word)
  end

  local function which()
    local data, code = gate:deliver(ann, { type = "which" })
    return data and data.word or code
  end

  describe("loading", function()
    it("names the plugins in the log, needed ones first", function()
      load {
        a = [[return function(gate) gate:needs "b" end]],
        b = "return function() end",
      }
      assert.equal("plugin: generation 1: b, a", gate:logged "generation 1")
    end)

    it("takes one file as an app", function()
      local world = require("spec.support.fake_core").world()
      assert.is_function(world.loop.start "examples/echo.lua")
      assert.is_truthy(world.plugin.current().route_of["/echo"])
      assert.same({ "ws /echo" }, { world.core:issued("route")[1].text })
    end)

    it("gives the core the routes", function()
      load { a = [[return function(gate)
        gate:raw("/a", { protocols = { "moongate.v1.json" } })
        gate:http("GET", "/a", function() end)
        gate:raw("/b/{c}", {})
      end]] }
      assert.equal("ws /a moongate.v1.json\nGET /a\nws /b/{c}",
        gate.core:issued("route")[1].text)
    end)

    it("stops at a syntax error, with file and line", function()
      assert.matches("/a.lua:2: unexpected symbol", problem_of { a = "local x = 1\n)" })
    end)

    it("stops at an error while a plugin runs, with file and line", function()
      local problem = problem_of { a = "return function()\n  error 'ouch'\nend" }
      assert.matches("/a.lua:2: ouch$", problem)
      assert.matches("/a.lua:1: no function$", problem_of { a = "error 'no function'" })
    end)

    it("stops when a file returns no function", function()
      assert.matches("/a.lua: a plugin returns a function of gate, this returned table$",
        problem_of { a = "return {}" })
      assert.matches("this returned nil$", problem_of { a = "" })
    end)

    it("compiles all before it runs the first", function()
      local marker = os.tmpname()
      os.remove(marker)
      problem_of { a = ("assert(io.open(%q, 'w')):close()"):format(marker), b = ")" }
      local file = io.open(marker)
      if file then os.remove(marker) end
      assert.is_nil(file)
    end)

    it("stops where a plugin acts on the world, which has to wait until it takes over", function()
      for _, call in ipairs { 'gate:open_room("match", "m1")',
        'gate:request({ id = 1 }, { type = "say" }, print)' } do
        assert.matches("/a.lua:1: gate:%w+_?%w*: not while a plugin is loaded or migrated: "
          .. "gate:spawn has it done when the code takes over",
          problem_of { a = "return function(gate) " .. call .. " end" })
      end
    end)

    it("stops when a plugin needs one that is not there", function()
      assert.matches('/a.lua: needs "b", which is not there$',
        problem_of { a = [[return function(gate) gate:needs "b" end]] })
    end)

    it("stops at a cycle", function()
      local source = [[return function(gate) gate:needs %q end]]
      assert.matches("/init.lua: a needs b needs a: a cycle$",
        problem_of { a = source:format "b", b = source:format "a" })
    end)

    it("stops when two handle the same", function()
      assert.matches('/b.lua:2: "which" is already handled by a$',
        problem_of { a = answering "a", b = answering "b" })
    end)

    it("stops when two serve the same path", function()
      local source = [[return function(gate) gate:raw("/ws", {}) end]]
      assert.matches('/b.lua:1: "/ws" is already served by a$',
        problem_of { a = source, b = source })
    end)

    it("loads in the order of the list, and only what is in it", function()
      local source = [[return function(gate) gate:info "here" end]]
      load { init = [[return { "b", "_z" }]], b = source, a = source, _z = source }
      local order = {}
      for _, line in ipairs(gate.log) do order[#order + 1] = line.text:match "^([%w_]+)#1: here" end
      assert.same({ "b", "_z" }, order)
    end)

    it("keeps the globals of plugins apart", function()
      load {
        a = [[word = "a's" return function(gate) gate.state.word = word end]],
        b = [[return function(gate) gate.state.word = tostring(word) end]],
      }
      assert.equal("a's", state_of("a").word)
      assert.equal("nil", state_of("b").word)
      assert.is_nil(rawget(_G, "word"))
    end)
  end)

  describe("require", function()
    local READER = [[
      local words = require "lib.words"
      return function(gate)
        gate.state.word = words.word
        gate.state.is_one = require "lib.words" == words
      end
    ]]

    it("finds modules in the app's folder, once a generation", function()
      load { a = READER, ["lib/words"] = "return { word = 'one' }" }
      assert.equal("one", state_of("a").word)
      assert.is_true(state_of("a").is_one)
      assert.is_nil(package.loaded["lib.words"])
    end)

    it("gives plugins of one generation the same module", function()
      load {
        a = [[return function(gate) require("lib.words").word = "from a" end]],
        b = [[return function(gate) gate.state.word = require("lib.words").word end]],
        ["lib/words"] = "return {}",
      }
      assert.equal("from a", state_of("b").word)
    end)

    it("gets fresh modules at a reload", function()
      load { a = READER, ["lib/words"] = "return { word = 'one' }" }
      assert(gate:reload { ["lib/words"] = "return { word = 'two' }" })
      assert.equal("two", state_of("a").word)
    end)

    it("works inside of such modules, and they may return nothing", function()
      load {
        a = [[return function(gate) gate.state.value = require "lib.outer" end]],
        ["lib/outer"] = "return { require 'lib.inner', (...) }",
        ["lib/inner"] = "word = 'kept here'",
      }
      assert.same({ true, "lib.outer" }, state_of("a").value)
      assert.is_nil(rawget(_G, "word"))
    end)

    it("finds the modules of the process as ever", function()
      load { a = [[return function(gate)
        gate.state.is_same = require "cjson" == package.loaded.cjson
      end]] }
      assert.is_true(state_of("a").is_same)
    end)

    it("names two modules that require each other", function()
      assert.matches('/lib/two.lua:1: require "lib.one": a cycle', problem_of {
        a = [[require "lib.one" return function() end]],
        ["lib/one"] = "local two = require 'lib.two' return two",
        ["lib/two"] = "local one = require 'lib.one' return one",
      })
    end)

    it("says which file is wrong", function()
      assert.matches("/lib/words.lua:1: unexpected symbol",
        problem_of { a = READER, ["lib/words"] = ")" })
      assert.matches('/a.lua:1: require "lib.words": there is no %S*/lib/words.lua, and no such '
        .. "module in package.path", problem_of { a = READER })
    end)

    it("says which plugin has raised what is no message", function()
      for code, said in pairs { ["error({})"] = "raised a table", ["error()"] = "raised nil",
        ["error(7)"] = ":2: 7", ["error('ouch', 0)"] = "/a.lua: ouch" } do
        local problem = problem_of { a = "return function()\n" .. code .. " end" }
        assert.matches("/a.lua:?2?: ", problem)
        assert.matches(said, problem, 1, true)
      end
    end)

    it("says where a plugin waits that cannot", function()
      for _, code in ipairs { "gate:sleep(1)", "gate:deadline(1)", "gate:gather(print)",
        "gate:fetch 'http://localhost/'", "gate.store:get 'a'" } do
        assert.matches("/a.lua:2: gate[:.][%w:]+: only in a task: .* not while a plugin is loaded",
          problem_of { a = "return function(gate)\n" .. code .. "\nend" })
      end
    end)
  end)

  describe("reload", function()
    it("takes the new code, and the log says which generation", function()
      load { a = answering "old" }
      assert.equal("old", which())
      assert.is_true(gate:reload { a = answering "new" })
      assert.equal("new", which())
      assert.equal("plugin: generation 2: a (changed), 0 as before; took 0.0 ms",
        gate:logged "generation 2")
    end)

    it("takes away what the new code does not register", function()
      load { a = [[return function(gate)
        gate:on("which", function() return { word = "old" } end)
        gate:before("which", function(conn) conn.state.filtered = true end)
        gate:after("which", function(conn) conn.state.told = true end)
        gate:raw("/old", {})
      end]] }
      assert(gate:reload { a = "return function() end" })
      assert.equal("unknown_type", which())
      assert.same({}, ann.state)
      local routes = gate.core:issued "route"
      assert.equal("", routes[#routes].text)
    end)

    it("takes new files and lets go of deleted ones", function()
      load { a = answering "a" }
      assert(gate:reload { a = false, b = answering "b" })
      assert.equal("b", which())
      assert.is_truthy(gate:logged "generation 2: b (new), a (removed), 0 as before")
    end)

    it("keeps connections, their state and their rooms", function()
      load { a = [[return function(gate)
        gate:on("enter", function(conn)
          conn.state.count = (conn.state.count or 0) + 1
          gate:room("tea"):add(conn)
          gate:room("tea").state.topic = "milk"
        end)
        gate:on("look", function(conn)
          local tea = gate:room "tea"
          return { count = conn.state.count, topic = tea.state.topic, is_in = tea:has(conn) }
        end)
      end]] }
      gate:deliver(ann, { type = "enter" })
      assert(gate:reload { b = "return function() end" })
      assert.same({ count = 1, topic = "milk", is_in = true },
        gate:deliver(ann, { type = "look" }))
      assert.equal("ann", ann.user)
      gate.world.room.find("tea"):publish "hello"
      assert.same({ "hello" }, ann.heard)
    end)

    it("keeps gate.state, the same table", function()
      load { a = "return function(gate) gate.state.list = { 1 } end" }
      local before = state_of "a"
      assert(gate:reload { a = "return function(gate) table.insert(gate.state.list, 2) end" })
      assert.equal(before, state_of "a")
      assert.same({ list = { 1, 2 } }, before)
    end)

    it("lets a handler that sleeps end in its own generation, the next is new", function()
      load { a = [[return function(gate)
        gate:on("which", function() gate:sleep(10) return { word = "old" } end)
      end]] }
      local first = gate:ask(ann, { type = "which" })
      local second = gate:ask(ann, { type = "which" })
      assert(gate:reload { a = answering "new" })
      gate:later(10)
      assert.same({ word = "old" }, first.data)
      assert.same({ word = "new" }, second.data)
    end)

    it("names the generation in the log", function()
      load { a = answering "old" }
      assert(gate:reload { a = [[return function(gate)
        gate:on("which", function() error "ouch" end)
      end]] })
      which()
      assert.is_truthy(gate:logged "a#2: on which: ")
    end)

    local BROKEN = {
      ["a syntax error"] = { ")", "/a.lua:1: unexpected symbol" },
      ["an error while the plugin runs"] = {
        "return function(gate) gate.state.n = 2 error 'ouch' end", "/a.lua:1: ouch" },
      ["an error at the end of a plugin that has registered"] = {
        answering("new"):gsub("end$", "error 'late' end"), "/a.lua:3: late" },
      ["a file that returns no function"] = { "return 7", "this returned number" },
      ["a plugin that is missing"] = {
        [[return function(gate) gate:needs "b" end]], 'needs "b", which is not there' },
      ["a bad option"] = {
        [[return function(gate) gate:option("n", { default = 0, min = 1 }) end]],
        'gate:option "n": default: expected a number of at least 1, got 0' },
    }
    for what, case in pairs(BROKEN) do
      it("keeps the old generation at " .. what, function()
        load { a = answering "old" }
        local loaded, problem = gate:reload { a = case[1] }
        assert.is_nil(loaded)
        assert.is_truthy(problem:find("plugin: not reloaded, generation 1 goes on: ", 1, true))
        assert.is_truthy(problem:find(case[2], 1, true), problem)
        assert.equal("old", which())
        assert.is_nil(state_of("a").n)
        assert.equal(1, #gate.core:issued "route")
      end)
    end

    it("restores gate.state in place when it fails", function()
      load { a = "return function(gate) gate.state.list = { 1 } end" }
      local state, list = state_of "a", state_of("a").list
      assert.is_nil(gate:reload { a = [[return function(gate)
        table.insert(gate.state.list, 2)
        gate.state.list = nil
        gate.state.extra = true
        error "ouch"
      end]] })
      assert.equal(list, state.list)
      assert.same({ list = { 1 } }, state)
    end)

    it("restores it also when another plugin is to blame", function()
      load { a = "return function(gate) gate.state.n = 1 end", b = "return function() end" }
      assert.is_nil(gate:reload { a = "return function(gate) gate.state.n = 2 end", b = ")" })
      assert.is_nil(gate:reload {
        a = "return function(gate) gate.state.n = 2 end", b = "error 'ouch'" })
      assert.equal(1, state_of("a").n)
    end)

    it("tries again when the file is right again", function()
      load { a = answering "old" }
      assert.is_nil(gate:reload { a = ")" })
      assert.is_true(gate:reload { a = answering "new" })
      assert.equal("new", which())
      assert.is_truthy(gate:logged "generation 2: a (changed)")
    end)

    it("keeps the old generation when the core does not take the routes", function()
      load { a = answering "old" }
      gate.core.answers.moon_route = gate.core.C.MOON_EFULL
      local ok, loaded = pcall(gate.reload, gate, { a = answering "new" })
      assert.is_true(ok, loaded)
      assert.is_nil(loaded)
      assert.equal("old", which())
    end)

    it("runs what a plugin begins while it loads once it takes over", function()
      load { a = "return function() end" }
      assert.is_true(gate:reload { a = [[return function(gate)
        gate:spawn(function(word)
          gate:info(word)
          gate:sleep(5)
          gate:info "slept"
        end, "begun")
      end]] })
      assert.is_truthy(gate:logged "begun")
      gate:later(5)
      assert.is_truthy(gate:logged "slept")
    end)

    it("does not run what a migration has begun and a later one fails", function()
      load { a = "return function() end" }
      assert.is_nil(gate:reload { a = [[return function(gate)
        gate:migrate(1, function()
          gate:after_ms(0, function() gate:info "I never was" end)
          gate:spawn(function() gate:info "I never was" end)
        end)
        gate:migrate(2, function() error "ouch" end)
      end]] })
      gate:later(0)
      assert.is_nil(gate:logged "I never was")
    end)

    it("does not run what a generation that failed has begun", function()
      load { a = "return function() end" }
      assert.is_nil(gate:reload { a = [[return function(gate)
        gate:after_ms(5, function() gate:info "I never was" end)
        gate:spawn(function() gate:info "I never was" end)
        error "ouch"
      end]] })
      gate:later(5)
      assert.is_nil(gate:logged "I never was")
    end)
  end)
end)
