local file = require "spec.support.file"
local profile = require "moongate.ctl_profile"

describe("moongate ctl profile", function()
  local asked, said, complained, answer, meanwhile

  before_each(function() asked, said, complained, meanwhile = nil, {}, nil, nil end)

  local ctl = {
    ask = function(command, arguments)
      asked = { command = command, arguments = arguments }
      if meanwhile then meanwhile() end
      if answer.error then return nil, answer.error end
      return answer
    end,
    say = function(text) said[#said + 1] = text end,
    complain = function(problem)
      complained = problem
      return 7
    end,
  }

  it("writes both files", function()
    local prefix = file.free_path()
    answer = { text = "3 samples", data = { folded = "a;b 3\n" } }
    assert.equal(0, profile({ "--seconds", "2", "--plugin", "a", "--output", prefix }, ctl))
    assert.same({ command = "profile", arguments = { seconds = "2", plugin = "a" } }, asked)
    assert.equal("a;b 3\n", file.read(prefix .. ".folded"))
    assert.matches("moongate: 3 samples</text>", file.read(prefix .. ".svg"), 1, true)
    assert.equal(("3 samples\n%s.folded and %s.svg have it"):format(prefix, prefix), said[1])
    os.remove(prefix .. ".folded")
    os.remove(prefix .. ".svg")
  end)

  it("says why it cannot write, before it asks", function()
    assert.equal(7, profile({ "--output", "/nowhere/at/all" }, ctl))
    assert.equal("/nowhere/at/all.folded: No such file or directory", complained.message)
    assert.equal("failed", complained.code)
    assert.is_nil(asked)
  end)

  it("says when it can no longer write what it has", function()
    local folder = file.folder()
    answer = { text = "", data = { folded = "" } }
    meanwhile = function() file.run("rm -r " .. folder) end
    assert.equal(7, profile({ "--output", folder .. "/x" }, ctl))
    assert.equal(folder .. "/x.folded: No such file or directory", complained.message)
  end)

  it("says what the server refuses, and leaves the files as they are", function()
    local prefix = file.free_path()
    file.write(prefix .. ".svg", "older")
    answer = { error = { code = "failed", message = "another profile is being taken" } }
    assert.equal(7, profile({ "--output", prefix }, ctl))
    assert.equal(answer.error, complained)
    assert.equal("older", file.read(prefix .. ".svg"))
    assert.is_nil(file.peek(prefix .. ".folded"))
    os.remove(prefix .. ".svg")
  end)

  it("asks nobody when it is asked wrongly, or for help", function()
    assert.equal(7, profile({ "--fly" }, ctl))
    assert.equal("profile: --fly: unknown; see --help", complained)
    assert.equal(0, profile({ "--help" }, ctl))
    assert.matches("^usage: moongate ctl", said[1])
    assert.is_nil(asked)
  end)
end)
