local json = require "cjson"
local ctl = require "moongate.ctl"

describe("moongate ctl's programs", function()
  local stdout, stderr, requests

  local function collector(into)
    return { write = function(_, ...)
      for _, text in ipairs { ... } do into[#into + 1] = text end
    end }
  end

  before_each(function() stdout, stderr, requests = {}, {}, {} end)

  local function run(words, talk)
    return ctl(words, "chat.sock", talk, nil, collector(stdout), collector(stderr))
  end

  --- Evaluates "1" with a server that answers so. Returns the exit status.
  local function evaluate(answer, problem)
    return run({ "console", "--eval", "1" }, function(request)
      requests[#requests + 1] = request
      return answer, problem
    end)
  end

  it("send one line and show the answer", function()
    assert.equal(0, evaluate '{"ok":true,"text":"o\\u001bk"}')
    assert.equal("o?k\n", table.concat(stdout))
    assert.same({ command = "console", arguments = { code = "1", mode = "read" } },
      json.decode(requests[1]))
    assert.matches("^[^\n]*\n$", requests[1])
  end)

  it("end with 1 when the command has failed", function()
    assert.equal(1, evaluate '{"ok":false,"error":{"code":"failed","message":"oh"}}')
    assert.equal("moongate ctl: oh\n", table.concat(stderr))
    assert.equal(0, #stdout)
  end)

  it("end with 2 when it was not asked as it should be, or there is no answer", function()
    assert.equal(2, evaluate '{"ok":false,"error":{"code":"bad_argument","message":"oh"}}')
    assert.equal(2, evaluate(nil, "no server"))
    assert.equal("moongate ctl: oh\nmoongate ctl: chat.sock: no server\n", table.concat(stderr))
    assert.equal(2, evaluate "what?")
    assert.equal(2, evaluate "{}")
    assert.equal("moongate ctl: chat.sock: not the answer of a moongate\n",
      table.concat(stderr, nil, 7, 8))
  end)

  it("end with 2 for options there are not", function()
    assert.equal(2, run({ "profile", "--fly" }, error))
    assert.equal("moongate ctl: profile: --fly: unknown; see --help\n", table.concat(stderr))
  end)
end)
