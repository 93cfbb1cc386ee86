local file = require "spec.support.file"
local profile = require "moongate.ctl_profile"

describe("moongate ctl profile", function()
  local asked, said, complained, answer

  before_each(function() asked, said, complained = nil, {}, nil end)

  local ctl = {
    ask = function(command, arguments)
      asked = { command = command, arguments = arguments }
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

  it("says why it cannot write", function()
    answer = { text = "", data = { folded = "" } }
    assert.equal(7, profile({ "--output", "/nowhere/at/all" }, ctl))
    assert.equal("/nowhere/at/all.folded: No such file or directory", complained.message)
    assert.equal("failed", complained.code)
  end)

  it("says what the server refuses", function()
    answer = { error = { code = "failed", message = "another profile is being taken" } }
    assert.equal(7, profile({}, ctl))
    assert.equal(answer.error, complained)
  end)

  it("asks nobody when it is asked wrongly, or for help", function()
    assert.equal(7, profile({ "--fly" }, ctl))
    assert.equal("profile: --fly: unknown; see --help", complained)
    assert.equal(0, profile({ "--help" }, ctl))
    assert.matches("^usage: moongate ctl", said[1])
    assert.is_nil(asked)
  end)
end)
