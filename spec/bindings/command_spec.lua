local fake_gate = require "spec.support.fake_gate"
local patterns = require "spec.support.patterns"

describe("gate:command", function()
  local gate, ann

  local ROLL = [[return function(gate)
    gate:command("roll", function(conn, words, message)
      if words[1] == "never" then return nil, "no_dice", "not today" end
      return { user = conn.user, first = words[1], count = #words, text = words.text,
        room = message.room }
    end, "throws a die")
    gate:on("say", function(_, message) return { said = message.data } end)
  end]]

  local function load(plugins)
    gate = fake_gate.load(plugins)
    ann = gate:connect "ann"
  end

  local function say(data)
    return gate:deliver(ann, { type = "say", room = "tea", data = data })
  end

  it("handles what begins with its name, with the words behind it", function()
    load { a = ROLL }
    local reply = { user = "ann", first = "2", count = 2, text = "2   x", room = "tea" }
    assert.same(reply, say "/roll 2   x ")
    assert.same(reply, say { text = "/ROLL  2   x" })
    assert.same({ "", 0 }, { say("/roll").text, say("/roll").count })
  end)

  it("refuses as a handler does", function()
    load { a = ROLL }
    assert.same({ nil, "no_dice", "not today" }, { say "/roll never" })
  end)

  it("is known to plugins that ask", function()
    load { a = ROLL, b = [[return function(gate)
      gate:before("say", function(_, message)
        local data = message.data
        return nil, "is", tostring(gate:has_command(data.name))
      end)
    end]] }
    for name, is in pairs { roll = true, help = true, Roll = false, rol = false } do
      assert.same({ nil, "is", tostring(is) }, { say { name = name } })
    end
    assert.equal("internal", (select(2, say { name = 7 })))
    assert.is_truthy(gate:logged "gate:has_command: expected a string, got number")
  end)

  it("leaves all else to who handles what is said", function()
    load { a = ROLL }
    for _, text in ipairs { "roll", " /roll", "/", "/ roll", "a /roll" } do
      assert.same({ said = text }, say(text))
    end
    assert.same({ said = { text = "hello", n = 1 } }, say { text = "hello", n = 1 })
    assert.same({ said = 7 }, say(7))
  end)

  it("takes two slashes for one that is meant", function()
    load { a = ROLL }
    assert.same({ said = "/roll" }, say "//roll")
    assert.same({ said = { text = "/roll" } }, say { text = "//roll" })
  end)

  it("says when there is no such command, and lists them all", function()
    load { a = ROLL, b = [[return function(gate) gate:command("afk", function() end) end]] }
    assert.same({ nil, "unknown_command", "/rol: see /help" }, { say "/rol" })
    assert.same({ commands = { { name = "afk" }, { name = "roll", about = "throws a die" } } },
      say "/help")
  end)

  it("means nothing when there are none", function()
    load { a = [[return function(gate) gate:on("say", function(_, m) return { m.data } end) end]] }
    assert.same({ "/help" }, say "/help")
    assert.same({ "//help" }, say "//help")
  end)

  it("takes no longer for many blanks", function()
    load { a = ROLL }
    local command, entry = gate.world.command, {}
    local blanks = (" "):rep(5000)
    local text = "/roll x" .. blanks .. "x"
    local expensive, count = patterns.of(function()
      entry.found, entry.words = command.find({ roll = {} }, { data = text .. blanks })
    end)
    assert.same({ {}, { "x", "x", text = text:sub(7) } }, { expensive, entry.words })
    assert.is_true(count < 10)
  end)

  it("comes after the filters", function()
    load { a = ROLL, b = [[return function(gate)
      gate:before("say", function() return nil, "muted" end) end]] }
    assert.same({ nil, "muted" }, { say "/roll" })
  end)

  it("belongs to one plugin, and has a name", function()
    local NO_LINE = "/b.lua:1: gate:command, about: expected one line of at most 200 bytes of "
      .. "UTF%-8"
    for problem, source in pairs {
      ['/b.lua:1: "roll" is already handled by a$'] = 'gate:command("roll", print)',
      ["/b.lua:1: gate:command: expected a name of at most 32 lower%-case letters, digits, _ and "
        .. '%-, got "Roll"$'] = 'gate:command("Roll", print)',
      ["/b.lua:1: gate:command, about: expected a string, got table$"] =
        'gate:command("abt", print, { x = print })',
      [NO_LINE] = 'gate:command("abt", print, "caf\\233")',
      [NO_LINE .. "$"] = 'gate:command("abt", print, "a\\nb")',
      ["^%S+" .. NO_LINE] = 'gate:command("abt", print, ("x"):rep(201))',
    } do
      source = ("return function(gate) %s end"):format(source)
      local ok, found = pcall(load, { a = ROLL, b = source })
      assert.is_false(ok)
      assert.matches(problem, found)
    end
  end)

  it("logs an error under its name", function()
    load { a = ROLL, b = [[return function(gate)
      gate:command("ouch", function() error "ouch" end) end]] }
    assert.same({ nil, "internal", "the handler failed", true }, { say "/ouch" })
    assert.is_truthy(gate:logged "b#1: command ouch: ")
  end)
end)
