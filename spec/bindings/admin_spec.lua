local fake_gate = require "spec.support.fake_gate"

local function answering(word)
  return ("return function(gate) gate:on('which', function() return { word = %q } end) end")
    :format(word)
end

local COMMANDS = "console, errors, help, leaks, off, on, plugins, profile, reload, rollback"

describe("admin", function()
  local gate, ann

  before_each(function()
    gate = fake_gate.load { a = answering "old", b = "return function() end" }
    ann = gate:connect "ann"
  end)

  local function which() return gate:deliver(ann, { type = "which" }).word end

  local function ctl(command, arguments, files)
    return gate:ctl({ command = command, arguments = arguments }, files)
  end

  local function refused(code, message, answer)
    assert.same({ ok = false, error = { code = code, message = message } }, answer)
  end

  --- A command of the spec's own.
  local function add(run, arguments)
    gate.world.admin.commands.try = { help = "tries", run = run, arguments = arguments }
  end

  describe("reload", function()
    it("loads what has changed", function()
      local answer = ctl("reload", nil, { a = answering "new" })
      assert.same({ ok = true, text = "generation 2: a (changed), 1 as before",
        data = { generation = 2 } }, answer)
      assert.equal("new", which())
    end)

    it("says that nothing has", function()
      assert.equal("nothing has changed, generation 1 goes on", ctl("reload").text)
    end)

    it("says why the old code goes on", function()
      local answer = ctl("reload", nil, { a = "error 'ouch'" })
      assert.equal("failed", answer.error.code)
      assert.matches("^not reloaded, generation 1 goes on: .*a.lua:1: ouch$", answer.error.message)
      assert.equal("old", which())
    end)

    it("is no task to the code that it loads, which must not wait", function()
      local answer = ctl("reload", nil, { a = "return function(gate) gate:sleep(1) end" })
      assert.matches("gate:sleep: only in a task", answer.error.message)
    end)
  end)

  describe("rollback", function()
    it("brings the generation before back", function()
      ctl("reload", nil, { a = answering "new" })
      local answer = ctl "rollback"
      assert.same({ ok = true, text = "generation 1 is in force again instead of 2",
        data = { generation = 1 } }, answer)
      assert.equal("old", which())
    end)

    it("says that there is none", function()
      refused("failed", "there is no generation before 1 to go back to", ctl "rollback")
    end)
  end)

  describe("leaks", function()
    it("says that there are none", function()
      assert.same({ ok = true, text = "nothing has outlived its generation",
        data = { count = 0 } }, ctl "leaks")
    end)

    it("lists tasks and timers of code that is no longer in force", function()
      gate:reload { a = [[return function(gate)
        gate:on("which", function() gate:after_ms(9000, function() end) gate:sleep(8000) end)
      end]] }
      gate:ask(ann, { type = "which" })
      gate:reload { a = answering "newer" }
      gate:later(1500)
      local answer = ctl "leaks"
      assert.equal(2, answer.data.count)
      assert.matches("a#2: on which: a task that has waited for 1500 ms", answer.text, 1, true)
      assert.matches("a#2: gate:after_ms: a timer that fires in 7500 ms", answer.text, 1, true)
      assert.equal("a#2", answer.data.leaks[1].plugin)
    end)
  end)

  describe("plugins", function()
    it("surveys all", function()
      local answer = ctl "plugins"
      assert.equal(1, answer.data.generation)
      assert.equal("a", answer.data.plugins[1].name)
      assert.equal("b", answer.data.plugins[2].name)
      assert.same({ { type = "which", handler = "a" } }, answer.data.requests)
      assert.matches("^generation 1 is in force\nthe scripts .-\n\na  generation 1  ", answer.text)
    end)

    it("surveys one, and the requests that it has to do with", function()
      gate:reload { b = [[return function(gate)
        gate:before("which", function() return true end)
        gate:on("other", function() return {} end)
      end]], c = "return function(gate) gate:on('third', function() return {} end) end" }
      local data = ctl("plugins", { name = "b" }).data
      assert.equal(1, #data.plugins)
      assert.equal("b", data.plugins[1].name)
      assert.same({ { type = "other", handler = "b" },
        { type = "which", handler = "a", filters = { "b" } } }, data.requests)
      data = ctl("plugins", { "c" }).data
      assert.equal("c", data.plugins[1].name)
      assert.same({ { type = "third", handler = "c" } }, data.requests)
    end)

    it("says which there are", function()
      refused("bad_argument", 'there is no plugin "c"; there are: a, b', ctl("plugins", { "c" }))
    end)
  end)

  for _, name in ipairs { "on", "off" } do
    it(name .. " needs the name of a plugin", function()
      refused("bad_argument", ('argument "name" is missing; expected: %s name'):format(name),
        ctl(name))
      refused("bad_argument", 'there is no plugin ""; there are: a, b', ctl(name, { "" }))
      assert.is_true(ctl(name, { "a" }).ok)
    end)
  end

  describe("help", function()
    it("shows every command", function()
      local answer, names = ctl "help", {}
      for i, command in ipairs(answer.data.commands) do names[i] = command.name end
      assert.equal(COMMANDS, table.concat(names, ", "))
      for line in answer.text:gmatch "[^\n]+" do assert.matches("^%l+ .*%l%l%l", line) end
    end)

    it("shows one with its arguments", function()
      local answer = ctl("help", { "plugins" })
      assert.matches("^plugins %[name%]", answer.text)
      assert.matches("\n  name  ", answer.text)
      assert.equal("plugins", answer.data.commands[1].name)
      assert.is_nil(answer.data.commands[2])
      refused("bad_argument", 'there is no command "fly"; there are: ' .. COMMANDS,
        ctl("help", { "fly" }))
    end)
  end)

  describe("a request", function()
    it("of a command that does not exist is told which there are", function()
      refused("unknown_command", 'there is no command "fly"; there are: ' .. COMMANDS, ctl "fly")
    end)

    it("that is none is told how one looks", function()
      for _, line in ipairs { "", "help", "[]", "12", '"help"', "{}", '{"command":7}',
        '{"command":"help"', "null" } do
        refused("bad_request", 'expected a line as {"command":"help","arguments":{}}',
          gate:ctl(line))
      end
    end)

    it("gives arguments by name or in their order", function()
      local seen
      add(function(arguments)
        seen = arguments
        return "done"
      end, { { name = "first", help = "1" }, { name = "second", help = "2" } })
      ctl("try", { first = "a", second = "b" })
      assert.same({ first = "a", second = "b" }, seen)
      ctl("try", { "c", "d" })
      assert.same({ first = "c", second = "d" }, seen)
      ctl("try", {})
      assert.same({}, seen)
      assert.same({ ok = true, text = "done" }, ctl "try")
    end)

    it("with wrong arguments is told what there is", function()
      add(error, { { name = "first", help = "1" } })
      local usage = "there is none; expected: try [first]"
      refused("bad_argument", 'argument "third": ' .. usage, ctl("try", { third = "x" }))
      refused("bad_argument", 'argument "2": ' .. usage, ctl("try", { "x", "y" }))
      refused("bad_argument", 'argument "first": expected a string, got a number',
        ctl("try", { first = 7 }))
      for _, given in ipairs { '{"first":null}', "[null]" } do
        refused("bad_argument", 'argument "first": expected a string, got null',
          gate:ctl('{"command":"try","arguments":' .. given .. "}"))
      end
      refused("bad_argument", 'argument "a": there is none; expected: reload',
        ctl("reload", { a = "b" }))
      for _, given in ipairs { "7", '"x"', "null", "true" } do
        refused("bad_argument", "arguments: expected an object or a list",
          gate:ctl('{"command":"try","arguments":' .. given .. "}"))
      end
    end)

    it("may wait, while others are answered", function()
      add(function()
        gate.world.task.sleep(1000)
        return "slept"
      end)
      local told = gate.core:ask '{"command":"try"}'
      gate:later(999)
      assert.is_false(told.is_given)
      assert.is_true(ctl("help").ok)
      gate:later(1)
      assert.same({ ok = true, text = "slept" }, gate.world.json.decode(told.bytes))
    end)

    it("that waits for too long is given up", function()
      add(function() gate.world.task.wait("try", function() end) end)
      local told = gate.core:ask '{"command":"try"}'
      gate:later(29999)
      assert.is_false(told.is_given)
      gate:later(1)
      refused("timeout", "not done within its deadline of 30000 ms",
        gate.world.json.decode(told.bytes))
    end)

    it("whose command raises fails, and the log has the reason", function()
      add(function() error "ouch" end)
      refused("internal", "the command failed; the log has the reason", ctl "try")
      assert.matches("admin_spec.lua:%d+: ouch\nstack traceback", gate:logged "ouch")
    end)

    it("is answered when the answer is too big, or cannot be encoded", function()
      add(function() return ("x"):rep(4194304) end)
      refused("too_big", "the answer would have more than 4194304 bytes in all", ctl "try")
      add(function() return ("x"):rep(4194290) end)
      refused("too_big", "the answer would have 4194311 bytes", ctl "try")
      add(function() return "data", { print } end)
      refused("internal", "the answer cannot be encoded", ctl "try")
      assert.is_truthy(gate:logged "an answer cannot be encoded")
    end)

    it("whose client has gone ends quietly", function()
      gate.core.answers.moon_tell = gate.core.C.MOON_EGONE
      assert.is_nil(ctl "help")
      local _, level = gate:logged "whoever has asked has gone"
      assert.equal("debug", level)
    end)

    it("leaves a line in the log", function()
      ctl "rollback"
      assert.equal("admin: asked for rollback", gate:logged "asked for")
    end)
  end)
end)
