local console = require "moongate.ctl_console"

describe("moongate ctl console", function()
  local asked, said, complaints, lines, prompts, complete

  before_each(function() asked, said, complaints, lines, prompts = {}, {}, {}, {}, {} end)

  --- A server whose plugin is "tea": code that is "bad" fails, "gone" has no server.
  local ctl = {
    ask = function(_, arguments)
      if arguments.complete then
        return { text = "", data = { plugin = "tea",
          words = arguments.complete ~= "" and { arguments.complete .. "m" } or nil } }
      end
      asked[#asked + 1] = arguments
      if arguments.code == "bad" then return nil, { code = "failed", message = "oh" } end
      return { text = arguments.code == "nothing" and "" or "did " .. arguments.code }
    end,
    say = function(text) said[#said + 1] = text end,
    complain = function(problem)
      complaints[#complaints + 1] = problem.message or problem
      return 1
    end,
    say_problem = function(text) complaints[#complaints + 1] = text end,
    line = function(prompt, fn)
      prompts[#prompts + 1], complete = prompt, fn
      return table.remove(lines, 1)
    end,
  }

  it("evaluates one thing, and ends", function()
    assert.equal(0, console({ "--plugin", "tea", "--eval", "1 + 1" }, ctl))
    assert.same({ { plugin = "tea", code = "1 + 1", mode = "read" } }, asked)
    assert.same({ "did 1 + 1" }, said)
    assert.equal(1, console({ "--eval", "bad", "--write" }, ctl))
    assert.equal("write", asked[2].mode)
    assert.same({ "oh" }, complaints)
  end)

  it("goes on from line to line, also after what has failed", function()
    lines = { "bad", "", "nothing", "x" }
    assert.equal(0, console({}, ctl))
    assert.same({ "did x" }, said)
    assert.same({ "oh" }, complaints)
    assert.equal("tea", asked[1].plugin)
    assert.same({ "tea> ", "tea> ", "tea> ", "tea> ", "tea> " }, prompts)
  end)

  it("reads on until a statement is whole", function()
    lines = { "for i = 1, 2 do", "f(i)", "end", "1 +", "2", "x = {", "}" }
    console({ "--write" }, ctl)
    assert.same({ "did for i = 1, 2 do\nf(i)\nend", "did 1 +\n2", "did x = {\n}" }, said)
    assert.same({ "tea (write)> ", "          >> ", "          >> " },
      { unpack(prompts, 1, 3) })
  end)

  it("fails when it ends before a statement is whole", function()
    lines = { "x", "for i = 1, 2 do", "f(i)" }
    assert.equal(1, console({}, ctl))
    assert.same({ "did x" }, said)
    assert.same({ "console: it ends in the middle of: for i = 1, 2 do\nf(i)" }, complaints)
  end)

  it("hands bytecode on, and does not load it", function()
    local loaders, loaded = { load = load, loadstring = loadstring }, false
    for name, fn in pairs(loaders) do
      _G[name] = function(code, ...)
        local chunk, problem = fn(code, ...)
        loaded = loaded or chunk ~= nil and code:byte() == 27
        return chunk, problem
      end
    end
    lines = { string.dump(function() return 1 end) }
    console({}, ctl)
    for name, fn in pairs(loaders) do _G[name] = fn end
    assert.equal(1, #said)
    assert.is_false(loaded)
  end)

  it("lets the server complete words", function()
    lines = { "x" }
    console({}, ctl)
    assert.same({ "gate.roo" .. "m" }, complete "gate.roo")
  end)

  it("asks nobody when it is asked wrongly, or for help", function()
    assert.equal(1, console({ "x" }, ctl))
    assert.same({ "console: x: unknown; see --help" }, complaints)
    assert.equal(0, console({ "--help" }, ctl))
    assert.matches("^usage: moongate ctl", said[1])
    assert.same({}, asked)
  end)
end)
