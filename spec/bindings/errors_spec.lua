local fake_gate = require "spec.support.fake_gate"
local patterns = require "spec.support.patterns"

describe("errors", function()
  local FAILS = [[return function(gate)
    gate:on("fail", function(_, message)
      if message.here then error "here" end
      error("there " .. tostring(message.n))
    end)
    gate:on("placeless", function(_, message) error(message.text, 0) end)
    gate:on("say", function() error "said" end)
    gate:on("shared", function(_, message)
      local list = { ("x"):rep(1000) }
      for _ = 1, 28 do list = { list, list, list } end
      message.data = list
      error "shared"
    end)
    gate:http("GET", "/fail", function() error "ouch" end)
    gate:after("opened", function() error "no welcome" end)
  end]]

  local gate, ann

  before_each(function()
    gate = fake_gate.load { a = FAILS, b = [[return function(gate)
      gate:on("other", function() local t = nil return t.x end)
    end]] }
    ann = gate:connect "ann"
    gate:later(1)
  end)

  local function fail(more)
    local message = { type = "fail" }
    for key, value in pairs(more or {}) do message[key] = value end
    return gate:deliver(ann, message)
  end

  local function list(name) return gate.world.errors.list(name) end

  local function logged()
    local found = 0
    for _, line in ipairs(gate.log) do
      if line.text:find "on fail" then found = found + 1 end
    end
    return found
  end

  it("of one line are together, whatever they say, with the first that was asked", function()
    fail { n = 1, room = "tea" }
    gate:later(5000)
    fail { n = 2 }
    local group = list()[1]
    assert.matches("/a.lua:4: there 1$", group.text)
    assert.same({ "a#1", "on fail", 2, 5000 },
      { group.plugin, group.doing, group.count, group.last_ms - group.first_ms })
    assert.same({ type = "fail", n = 1, room = "tea" }, gate.world.json.decode(group.sample))
  end)

  it("of other lines, plugins and generations are apart, the latest first", function()
    fail { here = true }
    gate:later(1)
    gate:deliver(ann, { type = "other" })
    gate:later(1)
    assert(gate:reload { a = FAILS .. "\n" })
    fail { here = true }
    local found = {}
    for _, group in ipairs(list()) do
      if group.doing ~= "after opened" then
        found[#found + 1] = group.plugin .. group.text:match ":%d+: "
      end
    end
    assert.same({ "a#2:3: ", "b#1:2: ", "a#1:3: " }, found)
    assert.equal(1, #list "b")
  end)

  it("show no secrets", function()
    fail { n = 1, token = "t", Password = "p", pin = 7, ping = 8,
      deep = { { { { { secret = "s" } } } } } }
    assert.same({ type = "fail", n = 1, token = "***", Password = "***", pin = "***", ping = 8,
      deep = { { { "..." } } } }, gate.world.json.decode(list()[1].sample))
  end)

  it("show what was asked by HTTP, and nothing of hooks", function()
    gate:http("GET", "/fail?token=t")
    assert.same({ method = "GET", path = "/fail" }, gate.world.json.decode(list()[1].sample))
    assert.is_nil(list()[2].sample)
  end)

  it("are logged the first few times in ten seconds", function()
    for n = 1, 20 do fail { n = n } end
    assert.equal(5, logged())
    gate:later(10000)
    fail()
    assert.is_truthy(gate:logged "(and 15 times more, not logged)")
  end)

  it("without a place, or with an invented one, are of the line that the traceback has", function()
    for n = 1, 20 do
      gate:deliver(ann, { type = "placeless", text = "a" .. n })
      gate:deliver(ann, { type = "placeless", text = ("x%d.lua:%d: b\nstack traceback:\n\tx%d.lua:"
        .. "%d: in b"):format(n, n, n, n) })
    end
    assert.equal(2, #list()) -- with that of the hook
    assert.same({ "a1", 40 }, { list()[1].text, list()[1].count })
    local lines = 0
    for _, line in ipairs(gate.log) do
      if line.text:find "on placeless" then lines = lines + 1 end
    end
    assert.equal(5, lines)
  end)

  it("without a place and a traceback are those of what was done", function()
    local errors, plugin = gate.world.errors, { label = "c#1" }
    for n = 1, 3 do errors.note(plugin, "on x", "no " .. n) end
    errors.note(plugin, "on y", "no")
    assert.equal(2, #errors.list "c")
  end)

  it("are not those of the runtime's lines, also of long paths", function()
    local errors, plugin = gate.world.errors, { label = "c#1" }
    local folder = debug.getinfo(errors.note, "S").source:match "^@(.*/)"
    local TRACE = "%s\nstack traceback:\n\t[C]: in function 'error'\n\t%srun.lua:7: in function "
      .. "'run'\n\t%s: in function <c.lua:3>"
    local cut = "..." .. folder:sub(-9)
    errors.note(plugin, "on x", TRACE:format("a", folder, "c.lua:4"))
    errors.note(plugin, "on x", TRACE:format("b", cut, "c.lua:4"))
    assert.equal(1, #errors.list "c")
    errors.note(plugin, "on x", TRACE:format("a", folder, "c.lua:5"))
    errors.note(plugin, "on x", TRACE:format("a", "app/", "c.lua:5")) -- the app's run.lua
    assert.equal(3, #errors.list "c")
  end)

  it("show of commands the first word", function()
    local reloads = 1
    local function shown(data)
      gate:deliver(ann, { type = "say", data = data })
      local group = list()[1]
      assert.equal("on say", group.doing)
      gate:later(1)
      assert(gate:reload { a = FAILS .. ("\n"):rep(reloads) })
      reloads = reloads + 1
      return gate.world.json.decode(group.sample).data
    end
    for data, first in pairs {
      ["/login bob hunter9"] = "/login ...", ["/login:bob"] = "/login ...", ["/help"] = "/help",
      ["//not one"] = "//not one", ["and / or"] = "and / or",
    } do
      assert.equal(first, shown(data))
      assert.equal(first, shown({ text = data }).text)
    end
  end)

  it("show little of what is much", function()
    gate:deliver(ann, { type = "shared" })
    assert.equal("on shared", list()[1].doing)
    assert.is_true(#list()[1].sample <= 1024)
  end)

  it("run no code of what was asked", function()
    local raises = { __index = error, __tostring = error, __len = error, __metatable = false }
    local errors, plugin = gate.world.errors, { label = "c#1" }
    errors.note(plugin, "on x", "c.lua:1: a", setmetatable({ n = 1 }, raises))
    raises.__metatable = nil
    errors.note(plugin, "on x", "c.lua:2: b", setmetatable({ method = "GET" }, raises))
    assert.equal(2, #errors.list "c")
  end)

  local function note(name, from, to)
    for n = from, to do
      gate:later(1)
      gate.world.errors.note({ label = name .. "#" .. n % 3 }, "on x", ("c.lua:%d: no"):format(n))
    end
  end

  it("of one plugin are no more than 64 groups: its oldest goes", function()
    note("b", 1, 1)
    note("c", 1, 300)
    local all = list "c"
    assert.equal(64, #all)
    assert.equal("c.lua:300: no", all[1].text)
    assert.equal("c.lua:237: no", all[64].text)
    assert.equal(1, #list "b")
  end)

  it("are no more than 256 groups: the oldest of the plugin that has most goes", function()
    for name in ("bcdef"):gmatch "." do note(name, 1, name == "b" and 2 or 64) end
    assert.equal(256, #list())
    assert.equal(2, #list "b")
    note("g", 1, 64)
    assert.same({ 256, 2 }, { #list(), #list "b" })
    assert.is_true(#list "g" > 40)
  end)

  it("are placed in no more time when a name in the traceback looks like a long path", function()
    local name = "\n\t" .. ("a"):rep(5000) .. "/b:1: in "
    local expensive = patterns.of(gate.world.errors.note, { label = "z#1" }, "on x",
      "no\nstack traceback:\n\t[C]: in function '" .. name .. "'")
    assert.same({}, expensive)
    assert.equal(1, #list "z")
  end)

  it("are shown to an operator", function()
    gate:later(0)
    fail { n = 1 }
    local answer = gate:ctl { command = "errors", arguments = { "a" } }
    assert.matches("^a#1  on fail: [^\n]*/a.lua:4: there 1\n  once, 2025%-10%-09T%d+:%d+:%d+Z\n"
      .. "  asked: {", answer.text)
    assert.equal("on fail", answer.data.errors[1].doing)
    assert.equal("no errors", gate:ctl({ command = "errors", arguments = { "b" } }).text)
  end)

  it("of a plugin that has gone are shown by its name, and names of none are refused", function()
    gate:deliver(ann, { type = "other" })
    assert(gate:reload { b = false })
    local function asked(name) return gate:ctl { command = "errors", arguments = { name } } end
    assert.matches("^b#1  on other: ", asked("b").text)
    assert.same({ code = "bad_argument", message = 'there is no plugin "c"; there are: a' },
      asked("c").error)
  end)
end)
