local fake_core = require "spec.support.fake_core"
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"

describe("loader", function()
  local gate

  local function load(plugins, options) gate = fake_gate.load(plugins, options) end

  --- A plugin that counts how often it was loaded, and remembers a number of this load.
  local function counting(more)
    return ([[
      %s
      return function(gate)
        gate.state.loads = (gate.state.loads or 0) + 1
      end]]):format(more or "")
  end

  local function loads(name) return gate.world.state.of(name).loads end

  local function label(name) return gate.world.plugin.current().plugins[name].label end

  describe("loads again", function()
    it("only what has changed", function()
      load { a = counting(), b = counting() }
      assert(gate:reload { a = counting "--" })
      assert.same({ 2, 1 }, { loads "a", loads "b" })
      assert.same({ "a#2", "b#1" }, { label "a", label "b" })
      assert.equal("plugin: generation 2: a (changed), 1 as before; took 0.0 ms",
        gate:logged "generation 2")
    end)

    it("what requires a module that has changed, through others, too", function()
      load {
        a = counting 'require "lib.outer"', b = counting 'require "lib.other"',
        c = counting 'require "lib.inner"',
        ["lib/outer"] = 'return require "lib.inner"', ["lib/inner"] = "return {}",
        ["lib/other"] = "return {}",
      }
      assert(gate:reload { ["lib/inner"] = "return { 2 }" })
      assert.same({ 2, 1, 2 }, { loads "a", loads "b", loads "c" })
      assert.is_truthy(gate:logged
        "a (a module of it has changed), c (a module of it has changed), 1 as before")
    end)

    it("knows after that what the kept ones have required", function()
      load { a = counting 'require "lib.one"', b = counting(), ["lib/one"] = "return {}" }
      assert(gate:reload { b = counting "--" })
      assert(gate:reload { ["lib/one"] = "return { 2 }" })
      assert.same({ 2, 2 }, { loads "a", loads "b" })
    end)

    it("shares a module that has not changed between old and new", function()
      local notes = [[
        local one = require "lib.one"
        return function(gate) one[#one + 1] = gate.facts.version gate.state.n = #one end]]
      load { a = notes, b = notes, ["lib/one"] = "return {}" }
      assert(gate:reload { a = notes .. "\n" })
      assert.equal(3, gate.world.state.of("a").n)
    end)

    it("a plugin whose options have changed", function()
      local source = counting():gsub("gate.state.loads =", 'gate:option("n", 1) %0')
      load({ a = source, b = source }, { a = { n = 1 } })
      assert(gate:reload(nil, { a = { n = 2 } }))
      assert.same({ 2, 1 }, { loads "a", loads "b" })
      assert.is_truthy(gate:logged "a (its options have changed)")
    end)

    it("no plugin that has changed the options it was given", function()
      load({ a = [[return function(gate)
        gate:option("list", { type = "table" })[1] = 2
      end]] }, { a = { list = { 1 } } })
      gate:reload {}
      assert.equal("a#1", label "a")
      assert(gate:reload(nil, { a = { list = { 2 } } }))
    end)

    it("who uses the API of one that is loaded again", function()
      local provides = counting():gsub("gate.state.loads =", 'gate:provide("1.0", {}) %0')
      local uses = counting():gsub("gate.state.loads =", 'gate:use("c", "1.0") %0')
      load { a = uses, b = counting(), c = provides }
      assert(gate:reload { c = provides .. "\n" })
      assert.same({ 2, 1, 2 }, { loads "a", loads "b", loads "c" })
      assert.is_truthy(gate:logged "a (uses c), c (changed), 1 as before")
    end)

    it("nothing when nothing has changed", function()
      load { a = counting() }
      local before = gate.world.plugin.current()
      gate:reload {}
      assert.equal(before, gate.world.plugin.current())
      assert.is_truthy(gate:logged "nothing has changed, generation 1 goes on")
    end)

    it("nothing, but has a new generation, when only the order has changed", function()
      load { init = [[return { "a", "b" }]], a = counting(), b = counting() }
      assert(gate:reload { init = [[return { "b", "a" }]] })
      assert.same({ "b", "a" }, gate.world.plugin.current().names)
      assert.same({ 1, 1 }, { loads "a", loads "b" })
    end)
  end)

  describe("require, when the plugins are in force", function()
    local LATE = [[return function(gate)
      gate:on(%q, function() return { v = require "lib.m" } end)
    end]]
    local ann

    --- What it answers while the folder is there.
    local function asked(name)
      local folder = gate.folder .. "/lib"
      file.run("mkdir -p " .. folder)
      file.write(folder .. "/m.lua", gate.files["lib/m"].text)
      local data = gate:deliver(ann, { type = name })
      file.run("rm -r " .. gate.folder)
      return data and data.v
    end

    local function start(files)
      load(files)
      ann = gate:connect "ann"
    end

    it("makes who asks depend on the module, also of the generations after", function()
      start { a = LATE:format "a", b = counting(), ["lib/m"] = "return 1" }
      assert(gate:reload { b = counting "--" })
      assert.equal(1, asked "a")
      assert(gate:reload { b = counting "----" })
      assert.equal(1, asked "a")
      assert(gate:reload { ["lib/m"] = "return 2" })
      assert.equal("a#4", label "a")
      assert.equal(2, asked "a")
    end)

    it("gives the module that the generation in force has", function()
      local early = [[local m = require "lib.m" return function(gate)
        gate:on("b", function() return { v = m } end)
      end]]
      start { a = LATE:format "a", ["lib/m"] = "return 1" }
      assert(gate:reload { b = early, ["lib/m"] = "return 2" })
      assert.same({ 2, 2 }, { asked "a", asked "b" })
    end)

    it("is remembered when an older generation comes back", function()
      start { a = LATE:format "a", b = counting(), ["lib/m"] = "return 1" }
      assert(gate:reload { b = counting "--" })
      assert.equal(1, asked "a")
      gate.world.plugin.rollback()
      gate:reload {}
      assert.is_truthy(gate:logged "nothing has changed but what was rolled back")
      assert(gate:reload { ["lib/m"] = "return 2" })
      assert.equal(2, asked "a")
    end)

    it("is not led astray by code that is refused", function()
      start { a = LATE:format "a", b = counting(), ["lib/m"] = "return 1" }
      assert.is_nil(gate:reload { b = "require 'lib.m' error 'ouch'" })
      assert.equal(1, asked "a")
      assert(gate:reload { b = counting(), ["lib/m"] = "return 2" })
      assert.equal(2, asked "a")
    end)
  end)

  it("loads a plugin again when a module that it could not load has changed", function()
    local source = counting "pcall(require, 'lib.m')"
    load { a = source, b = counting "pcall(require, 'lib.none')", ["lib/m"] = ")" }
    assert(gate:reload { ["lib/m"] = "return 1" })
    assert.same({ 2, 1 }, { loads "a", loads "b" })
    assert(gate:reload { ["lib/none"] = "return 1" })
    assert.same({ 2, 2 }, { loads "a", loads "b" })
  end)

  it("does not keep the generations before", function()
    local function big(n) return ("return { function() end, ('%d'):rep(50000) }"):format(n + 10) end
    load { a = "return require 'lib.m' and function() end", ["lib/m"] = big(0) }
    local function kilobytes(first, last)
      for n = first, last do assert(gate:reload { ["lib/m"] = big(n) }) end
      collectgarbage() collectgarbage()
      return collectgarbage "count"
    end
    local before = kilobytes(1, 5)
    assert.is_true(kilobytes(6, 25) - before < 500)
  end)

  describe("checks", function()
    it("the list", function()
      load { a = counting() }
      assert.is_nil(gate:reload { init = [[return { "b" }]] })
      assert.is_truthy(gate:logged 'init.lua: plugin "b": there is no file')
      assert.is_nil(gate:reload { init = [[return {]] })
      assert.is_truthy(gate:logged "init.lua:1: ")
      gate.core:change()
      gate.core:settle() -- without a folder
      assert.is_truthy(gate:logged(gate.folder .. "/init.lua: the list of plugins is not there"))
    end)

    it("that files are source", function()
      load { a = counting() }
      assert.is_nil(gate:reload { a = string.dump(function() end) })
      assert.is_truthy(gate:logged "a.lua: is bytecode, expected Lua source")
    end)

    it("that no plugin has raised, whoever has caught it", function()
      local user = [[return function(gate) pcall(gate.use, gate, "b", "1.0") end]]
      load { a = counting(), b = counting() }
      assert.is_nil(gate:reload { a = user, b = [[return function(gate)
        gate:provide("1.0", {})
        error "halfway"
      end]] })
      assert.is_truthy(gate:logged "b.lua:3: halfway")
      assert.is_nil(gate:reload { a = user, b = "return function() error('halfway', 0) end" })
      assert.is_truthy(gate:logged "/b.lua: halfway")
      assert.equal("b#1", label "b")
    end)

    it("that a state is data", function()
      load { a = counting() }
      assert.is_nil(gate:reload {
        a = "return function(gate) gate.state.hooks = { print } end" })
      assert.is_truthy(gate:logged "a.lua: gate.state.hooks[1] is a function; a state holds")
      assert.same({ loads = 1 }, gate.world.state.of "a")
    end)
  end)

  describe("migrates", function()
    local function migrating(version, step)
      return ([[return function(gate)
        gate:migrate(%d, function(state) %s end)
      end]]):format(version, step)
    end

    it("what is older than the code, in place", function()
      load { a = counting() }
      local state = gate.world.state.of "a"
      assert(gate:reload { a = migrating(1, "state.count, state.loads = state.loads, nil") })
      assert.equal(state, gate.world.state.of "a")
      assert.same({ count = 1 }, state)
      assert(gate:reload { a = migrating(1, "error 'not again'") })
    end)

    it("not at all when a step fails, and says file, step and place", function()
      load { a = counting(), b = counting() }
      assert.is_nil(gate:reload {
        a = migrating(1, "state.loads = nil local name = 'tea' local x = state[name].x"),
        b = counting "--" })
      assert.is_truthy(gate:logged "a.lua: the migration to version 1 failed: ")
      assert.is_truthy(gate:logged '(with name = "tea")')
      assert.same({ { loads = 1 }, { loads = 1 } },
        { gate.world.state.of "a", gate.world.state.of "b" })
    end)
  end)

  describe("checks", function()
    local folder
    local loader = fake_core.world("moongate.loader").loader

    before_each(function() folder = file.folder() end)
    after_each(function() file.run("rm -r " .. folder) end)

    --- What it says of these files; paths without the folder.
    local function check(files)
      for name, text in pairs(files) do file.write(("%s/%s.lua"):format(folder, name), text) end
      local registry, problems, paths = loader.check(folder)
      for _, texts in ipairs { problems, paths } do
        for i, text in ipairs(texts) do
          texts[i] = text:match "^[^\n]*":gsub(folder:gsub("%p", "%%%0") .. "/", "")
        end
      end
      return registry, problems, paths
    end

    it("all plugins, whatever is wrong with one of them", function()
      local registry, problems, paths = check {
        init = 'return { "a", "b", "c", "d", { "e", options = { x = 1 } }, "f" }',
        a = "x x", b = "return function(gate) gate:on('say', print) end",
        c = "return function(gate)\n gate:on('say', print) end", d = "return 5",
        e = "return function() end", f = "return function(gate) local x = gate.a.b end",
      }
      assert.is_nil(registry)
      assert.same({ "a.lua:1: '=' expected near 'x'", 'c.lua:2: "say" is already handled by b',
        "d.lua: a plugin returns a function of gate, this returned number",
        'init.lua: plugin "e" has no option "x"; it has none',
        "f.lua:1: attempt to index field 'a' (a nil value)" }, problems)
      assert.same({ "a.lua", "b.lua", "c.lua", "d.lua", "e.lua", "f.lua", "init.lua" }, paths)
    end)

    it("and does not blame one that uses what is broken", function()
      local _, problems = check {
        init = 'return { "user", "through", "broken", "other" }',
        user = "return function(gate) gate:use('through', '1.0') end",
        through = "return function(gate) gate:use('broken', '1.0') end",
        broken = "return function(gate) error('ouch') end",
        other = "return function(gate) error 'of its own' end",
      }
      assert.same({ "broken.lua:1: ouch", "other.lua:1: of its own" }, problems)
    end)

    it("the list, and what only shows when all are loaded", function()
      local _, problems, paths = check { init = "return 5" }
      assert.equal(1, #problems)
      assert.matches("^init.lua: expected a list of plugins", problems[1])
      assert.same({}, paths)
      _, problems = check { init = "return { 'a' }",
        a = "return function(gate) gate:needs 'b' end" }
      assert.same({ 'a.lua: needs "b", which is not there' }, problems)
      _, problems = check { a = "return function(gate) gate.state.x = print end" }
      assert.matches("^a.lua: gate.state.x is a function", problems[1])
    end)

    it("what is fine, with its modules", function()
      local registry, problems, paths = check { init = "return { 'a' }", lib = "return {}",
        a = "require 'lib' return function(gate) gate:on('say', print) end" }
      assert.same({}, problems)
      assert.equal("a", registry.on.say.plugin.name)
      assert.same({ "a.lua", "init.lua", "lib.lua" }, paths)
    end)
  end)
end)
